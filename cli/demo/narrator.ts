/** Tells the demo's story on stderr, so that stdout is left to the result. */
export type Narrator = {
  chapter(title: string): void;
  line(text: string): void;
  /** A line that names how long something took. */
  timed(text: string, ms: number): void;
  table(rows: readonly (readonly [string, string])[]): void;
};

export function createNarrator(write: (text: string) => void): Narrator {
  const line = (text: string) => write(`   ${text}\n`);
  return {
    chapter: (title) => write(`\n${title}\n`),
    line,
    timed: (text, ms) => line(`${text} (${(ms / 1_000).toFixed(1)} s)`),
    table(rows) {
      const width = Math.max(...rows.map(([name]) => name.length));
      for (const [name, value] of rows) line(`${name.padEnd(width)}  ${value}`);
    },
  };
}
