/** How results reach people (tables) and programs (JSON). Results go to stdout, everything else to stderr. */

export type OutputFormat = 'table' | 'json';

export type Column<Row> = {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Numbers stand below each other. */
  readonly align?: 'right';
};

const MAX_CELL_CHARS = 100;
/** Values come from clusters; a terminal would obey their escape sequences and directional marks. */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Bidi_Control}]/gu;

/** Columns aligned by spaces under their titles, one line per row. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => cell(column.value(row))));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [columns.map((column) => column.title), ...cells].map(line).join('\n');
}

/** `plain` with what a terminal would obey replaced by `·`. */
export function printable(text: string): string {
  return text.replace(CONTROL_CHARACTERS, '·');
}

export function writeLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function writeNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `data` as indented JSON, or whatever `table` makes of it. */
export function writeResult(format: OutputFormat, data: unknown, table: () => string): void {
  writeLine(format === 'json' ? JSON.stringify(data, null, 2) : table());
}

/** `3m`, `2h`, `5d`: how long ago (or, with `until`, in how long) a time is; `-` for none. */
export function formatAge(time: string | null | undefined, nowMs = Date.now()): string {
  if (!time) return '-';
  const seconds = Math.abs(nowMs - Date.parse(time)) / 1_000;
  if (Number.isNaN(seconds)) return '-';
  if (seconds < 60) return `${Math.round(seconds)}s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)}m`;
  if (seconds < 48 * 3_600) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

function cell(text: string): string {
  const shown = printable(text);
  return shown.length <= MAX_CELL_CHARS ? shown : `${shown.slice(0, MAX_CELL_CHARS - 1)}…`;
}
