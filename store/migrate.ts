import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';
import type { Log } from '../lib/log.ts';
import { asDatabaseError } from './database.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Brings the tables to the present version. Safe to call from several processes at once: the others wait for the first
 * (an advisory lock of Postgres). Throws DATABASE_UNAVAILABLE when Postgres cannot be reached.
 */
export async function migrate(databaseUrl: string, log?: Log): Promise<void> {
  // Our own connection, because the runner does not wait for the end of one that it makes.
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'realign migrate',
  });
  client.on('error', (error) => log?.debug({ error: error.message }, 'lost the connection'));
  try {
    await client.connect();
    await runner({
      dbClient: client,
      dir: join(import.meta.dirname, 'migrations'),
      direction: 'up',
      migrationsTable: 'realign_migrations',
      advisoryLockMode: 'wait',
      singleTransaction: true,
      logger: {
        debug: (message) => log?.debug({ migration: message }, 'migrating'),
        info: (message) => log?.debug({ migration: message }, 'migrating'),
        warn: (message) => log?.warn({ migration: message }, 'migrating'),
        // What goes wrong is thrown as well, and who catches it says so.
        error: (message) => log?.debug({ migration: message }, 'migrating'),
      },
    });
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    await client.end().catch(() => {});
  }
}
