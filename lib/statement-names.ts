/** Names under which Postgres keeps statements, so that each connection has them parsed and planned once. */
export type StatementNames = {
  /** The statement as it is to be sent: named, if it takes values and is one of the first few hundred. */
  of(text: string, values: readonly unknown[]): NamedStatement;
  /** Whether an error (its SQLSTATE) is only about a name. None is given from then on: what failed of it may be tried again. */
  areRefused(code: string): boolean;
};

export type NamedStatement = {
  readonly text: string;
  readonly values: unknown[];
  readonly name?: string;
};

/** Statements that are put together for one question each would fill the server's memory. */
const MAX_NAMES = 200;
/** A newer version has changed a table under us, or a pooler hands out another connection for every statement. */
const ABOUT_NAMES: ReadonlySet<string> = new Set(['0A000', '26000', '42P05']);

/** For all connections of one pool: the same text has the same name on each of them. */
export function createStatementNames(): StatementNames {
  const names = new Map<string, string>();
  let isRefused = false;
  return {
    of(text, values) {
      const statement = { text, values: [...values] };
      if (isRefused || values.length === 0) return statement;
      const name = names.get(text) ?? `realign_${names.size + 1}`;
      if (!names.has(text)) {
        if (names.size >= MAX_NAMES) return statement;
        names.set(text, name);
      }
      return { ...statement, name };
    },
    areRefused(code) {
      if (!ABOUT_NAMES.has(code)) return false;
      isRefused = true;
      return true;
    },
  };
}
