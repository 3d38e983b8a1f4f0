import type { MessageView } from '../../drift/message/message-view.ts';
import { renderDrift } from '../../slack/render.ts';
import { renderTerminal } from '../../slack/terminal.ts';

/** Tells the demo's story on stderr, so that stdout is left to the result. */
export type Narrator = {
  chapter(title: string): void;
  line(text: string): void;
  /** A line that names how long something took. */
  timed(text: string, ms: number): void;
  /** A message of Slack, as it is shown there now. */
  message(view: MessageView): void;
  table(rows: readonly (readonly [string, string])[]): void;
};

const COLUMNS = 100;
const INDENT = '   ';

export function createNarrator(
  write: (text: string) => void,
  { color = false }: { readonly color?: boolean } = {},
): Narrator {
  const line = (text: string) => write(`${INDENT}${text}\n`);
  return {
    chapter: (title) => write(`\n${title}\n`),
    line,
    timed: (text, ms) => line(`${text} (${(ms / 1_000).toFixed(1)} s)`),
    message(view) {
      const drawn = renderTerminal(renderDrift(view), { width: COLUMNS - INDENT.length, color });
      for (const one of drawn.split('\n')) line(one);
    },
    table(rows) {
      const width = Math.max(...rows.map(([name]) => name.length));
      for (const [name, value] of rows) line(`${name.padEnd(width)}  ${value}`);
    },
  };
}
