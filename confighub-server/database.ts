import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { AppError } from '../lib/errors.ts';
import { createStatementNames, type StatementNames } from '../lib/statement-names.ts';

/** Queries inside one transaction. */
export type Sql = {
  rows<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs `work` so that its failure undoes only its own writes. */
  savepoint<T>(work: () => Promise<T>): Promise<T>;
};

export type Database = {
  /** Everything in `work` or nothing; deadlocks and serialisation failures are tried again. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Reads only, all of one moment: an answer must not join a unit from before an apply with its event from after. */
  snapshot<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

const MAX_CONNECTIONS = 16;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 15_000;
const MAX_ATTEMPTS = 4;
const INT8 = 20;
const RETRYABLE = new Set(['40001', '40P01']);
const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Connects, brings the schema up to date (one process at a time, by advisory lock) and gives transactions. Throws
 * DATABASE_UNAVAILABLE if there is no database to be had at the URL.
 */
export async function openDatabase(databaseUrl: string): Promise<Database> {
  try {
    await runner({
      databaseUrl,
      dir: MIGRATIONS,
      direction: 'up',
      migrationsTable: 'migrations',
      noLock: false,
      log: () => undefined,
    });
  } catch (cause) {
    throw asOpeningError(cause);
  }
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: MAX_CONNECTIONS,
    pipeline: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // bigint columns hold counters, far below 2^53
    types: {
      getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
    },
  });
  // A connection that breaks while idle is replaced by the pool; the next query reports what matters.
  pool.on('error', () => undefined);
  const named = { pool, names: createStatementNames() };
  return {
    transaction: (work) => transact(named, work),
    snapshot: (work) => look(named, work),
    close: () => pool.end(),
  };
}

type Named = { readonly pool: pg.Pool; readonly names: StatementNames };

async function transact<T>({ pool, names }: Named, work: (sql: Sql) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(sqlOf((text, values) => client.query(names.of(text, values))));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((cause: Error) => {
        broken = cause;
      });
      if (attempt >= MAX_ATTEMPTS || !isRetryable(error, names)) throw error;
    } finally {
      client.release(broken);
    }
  }
}

/** Deadlocks and serialisation failures, and statements that were refused for their names: they have none the next time. */
function isRetryable(error: unknown, names: StatementNames): boolean {
  const state = sqlState(error);
  return RETRYABLE.has(state) || names.areRefused(state);
}

/** A connection with its transaction begun, or about to be. */
type Opened = { readonly client: pg.PoolClient; readonly begun: Promise<unknown> };

/**
 * Reads of one moment in as few round trips as there are statements: BEGIN goes out together with the first of them, the answer
 * does not wait for COMMIT, which has nothing to save, and who asks for nothing takes no connection.
 */
async function look<T>({ pool, names }: Named, work: (sql: Sql) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    let opened: Promise<Opened> | undefined;
    let isOver = false;
    const query: Query = async (text, values) => {
      // Of work that failed, a branch may still go on: the connection is somebody else's by then.
      if (isOver) throw new Error('a statement after the end of its transaction');
      opened ??= beginLook(pool);
      const { client, begun } = await opened;
      const [result] = await Promise.all([client.query(names.of(text, values)), begun]);
      return result;
    };
    try {
      return await work(sqlOf(query));
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !isRetryable(error, names)) throw error;
    } finally {
      isOver = true;
      // Who could not connect was told so.
      opened?.then(endLook, () => undefined);
    }
  }
}

async function beginLook(pool: pg.Pool): Promise<Opened> {
  const client = await pool.connect();
  const begun = client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  return { client, begun };
}

async function endLook({ client }: Opened): Promise<void> {
  try {
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    client.release(error instanceof Error ? error : true);
  }
}

type Query = (text: string, values: readonly unknown[]) => Promise<pg.QueryResult>;

function sqlOf(query: Query): Sql {
  let savepoints = 0;
  return {
    rows: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await query(text, values)).rows as Row[],
    savepoint: async (work) => {
      savepoints += 1;
      const name = `item_${savepoints}`;
      await query(`SAVEPOINT ${name}`, []);
      try {
        const result = await work();
        await query(`RELEASE SAVEPOINT ${name}`, []);
        return result;
      } catch (error) {
        await query(`ROLLBACK TO SAVEPOINT ${name}`, []);
        throw error;
      }
    },
  };
}

/** No Postgres, or one that lets nobody in: https://www.postgresql.org/docs/18/errcodes-appendix.html */
function asOpeningError(cause: unknown): unknown {
  const [first = cause] = cause instanceof AggregateError ? cause.errors : [];
  const code = first instanceof Error && 'code' in first ? String(first.code) : '';
  const message = first instanceof Error ? first.message : String(first);
  const isAway = /^(?:08|28|3D|53|57)...$|^E(?!RR_)[A-Z]+$/.test(code);
  if (!isAway && !/timeout|connection terminated/i.test(message)) return cause;
  return new AppError('DATABASE_UNAVAILABLE', `the database cannot be opened: ${message}`, {
    cause,
    details: { repair: 'Check that Postgres runs, and user, password and database of its URL.' },
  });
}

/** SQLSTATE of a Postgres error, '' for anything else. */
export function sqlState(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? '') : '';
}
