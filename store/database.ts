import { DatabaseError, Pool, type PoolClient } from 'pg';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createStatementNames } from '../lib/statement-names.ts';

/** Runs one statement; `operation` and `table` name it for the metrics. Rows are parsed by the caller. */
export type RunQuery = (
  table: string,
  operation: string,
  sql: string,
  values?: readonly unknown[],
) => Promise<readonly unknown[]>;

export type Database = {
  readonly query: RunQuery;
  /** Runs statements in one transaction; it is rolled back if anything throws. */
  transaction<T>(run: (query: RunQuery) => Promise<T>): Promise<T>;
  /** Connections that are in use now. */
  activeConnections(): { readonly database: string; readonly count: number };
  close(): Promise<void>;
};

export type DatabaseOptions = {
  readonly databaseUrl: string;
  readonly log: Log;
  readonly poolSize?: number;
  /** Called after each statement with how long it took. */
  readonly onQuery?: (operation: string, table: string, seconds: number) => void;
};

const DEFAULT_POOL_SIZE = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;
/** Postgres gives up first, so that its message says what was slow; the client's limit is for a dead network. */
const STATEMENT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 15_000;

/** A pool of connections, made when first needed; it survives restarts of Postgres. */
export function createDatabase(options: DatabaseOptions): Database {
  const pool = new Pool({
    connectionString: options.databaseUrl,
    max: options.poolSize ?? DEFAULT_POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    application_name: 'realign',
  });
  const database = databaseNameOf(options.databaseUrl);
  const names = createStatementNames();
  let closing = false;
  // Without a listener an idle connection that Postgres closes would end the process.
  pool.on('error', (error) => {
    if (!closing) options.log.warn({ error: error.message }, 'lost an idle connection to Postgres');
  });

  function on(client: Pool | PoolClient): RunQuery {
    return async (table, operation, sql, values = []) => {
      const started = performance.now();
      try {
        return (await client.query(names.of(sql, values))).rows;
      } catch (error) {
        throw asDatabaseError(error);
      } finally {
        options.onQuery?.(operation, table, (performance.now() - started) / 1_000);
      }
    };
  }

  /** Nothing was done by a statement that was refused for its name. */
  async function named<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof DatabaseError && names.areRefused(error.code ?? '')) return run();
      throw error;
    }
  }

  const query = on(pool);
  return {
    query: (...statement) => named(() => query(...statement)),
    transaction: (run) => named(() => transact(pool, (client) => run(on(client)))),
    activeConnections: () => ({ database, count: pool.totalCount - pool.idleCount }),
    async close() {
      // The pool does not wait until its connections are gone; Postgres may be stopped first.
      closing = true;
      await pool.end();
    },
  };
}

async function transact<T>(pool: Pool, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw asDatabaseError(error);
  });
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await run(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => {
      broken = cause;
    });
    throw asDatabaseError(error);
  } finally {
    client.release(broken);
  }
}

function databaseNameOf(url: string): string {
  return URL.canParse(url) ? decodeURIComponent(new URL(url).pathname.slice(1)) : 'unknown';
}

/**
 * Socket errors and Postgres' own ways to say "not now" (class 08, 53, 57) become DATABASE_UNAVAILABLE; so does that it lets
 * nobody in (28, 3D), which may be because it is being set up, but says what to correct.
 */
export function asDatabaseError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DatabaseError) {
    if (isRefusal(error.code ?? '')) {
      return new AppError('DATABASE_UNAVAILABLE', `Postgres refused the connection: ${message}`, {
        cause: error,
        details: { repair: 'Correct user, password and database of DATABASE_URL, or create them.' },
      });
    }
    if (!isUnavailable(error.code ?? '')) return error;
  } else if (!isSocketError(error, message)) {
    return error;
  }
  return new AppError('DATABASE_UNAVAILABLE', `Postgres did not answer: ${message}`, {
    cause: error,
  });
}

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
function isUnavailable(code: string): boolean {
  return ['08', '53', '57'].includes(code.slice(0, 2));
}

/** A role, its password or the database is not as the URL says. */
function isRefusal(code: string): boolean {
  return ['28', '3D'].includes(code.slice(0, 2));
}

function isSocketError(error: unknown, message: string): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) return true;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return /^E(?!RR_)[A-Z]+$/.test(error.code);
  }
  return /connection terminated|timeout|not queryable|connection error|after calling end/i.test(
    message,
  );
}
