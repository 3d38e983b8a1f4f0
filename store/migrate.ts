import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import type { Log } from '../lib/log.ts';
import { asDatabaseError } from './database.ts';

/**
 * Brings the tables to the present version. Safe to call from several processes at once: the others wait for the first
 * (an advisory lock of Postgres). Throws DATABASE_UNAVAILABLE when Postgres cannot be reached.
 */
export async function migrate(databaseUrl: string, log?: Log): Promise<void> {
  try {
    await runner({
      databaseUrl: { connectionString: databaseUrl, connectionTimeoutMillis: 5_000 },
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
  }
}
