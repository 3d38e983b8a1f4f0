import { randomUUID } from 'node:crypto';
import type { Database, Sql } from './database.ts';
import type { OperationRow } from './wire.ts';

/** Which server process carries out which action: several may share one database. */
export type Leases = {
  /** Takes an action, unless another process has it or an earlier one of the same unit is still open. */
  claim(sql: Sql, operationId: string): Promise<OperationRow | undefined>;
  /** Keeps an action while `work` runs; `signal` aborts when it was lost or `stop` says so. */
  hold<T>(
    operationId: string,
    stop: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Ends an action; false if it is not this process's any more. */
  end(sql: Sql, operationId: string, status: 'Completed' | 'Failed'): Promise<boolean>;
  /** Actions that nobody carries out, the oldest first. */
  orphans(): Promise<readonly Pick<OperationRow, 'operation_id' | 'unit_id'>[]>;
  /** Gives back what was not finished, for the next process. */
  giveBack(): Promise<void>;
};

const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
const MAX_ORPHANS = 500;
/** A process that was killed renews nothing; what it had is free after the lease. */
const FREE = `(status = 'Pending' OR (status = 'Progressing' AND (lease_until IS NULL OR lease_until < now())))`;
const UNTIL = `now() + interval '${LEASE_MS} milliseconds'`;

export function createLeases(database: Database): Leases {
  const owner = randomUUID();
  const renew = (operationId: string) =>
    database.transaction((sql) =>
      sql.rows(
        `UPDATE operations SET lease_until = ${UNTIL}
         WHERE operation_id = $1 AND owner = $2 AND status = 'Progressing' RETURNING 1`,
        [operationId, owner],
      ),
    );
  return {
    claim: async (sql, operationId) => {
      // The unit's lock puts claims for one unit in a row.
      await sql.rows(
        `SELECT 1 FROM units WHERE unit_id = (SELECT unit_id FROM operations WHERE operation_id = $1) FOR UPDATE`,
        [operationId],
      );
      const rows = await sql.rows<OperationRow>(
        `UPDATE operations mine SET status = 'Progressing', owner = $2, lease_until = ${UNTIL}
         WHERE operation_id = $1 AND ${FREE} AND NOT EXISTS (
           SELECT 1 FROM operations earlier WHERE earlier.unit_id = mine.unit_id
             AND earlier.sequence < mine.sequence AND earlier.status IN ('Pending', 'Progressing'))
         RETURNING *`,
        [operationId, owner],
      );
      return rows[0];
    },
    hold: async (operationId, stop, work) => {
      const lost = new AbortController();
      const timer = setInterval(() => {
        renew(operationId).then(
          (rows) => rows.length === 0 && lost.abort(),
          // Postgres is away: the lease ends by itself if that lasts.
          () => undefined,
        );
      }, RENEW_MS);
      try {
        return await work(AbortSignal.any([stop, lost.signal]));
      } finally {
        clearInterval(timer);
      }
    },
    end: async (sql, operationId, status) => {
      const rows = await sql.rows(
        `UPDATE operations SET status = $2, owner = NULL, lease_until = NULL
         WHERE operation_id = $1 AND owner = $3 AND status = 'Progressing' RETURNING 1`,
        [operationId, status, owner],
      );
      return rows.length > 0;
    },
    orphans: () =>
      database.transaction((sql) =>
        sql.rows(
          `SELECT operation_id, unit_id FROM operations WHERE ${FREE} ORDER BY sequence LIMIT ${MAX_ORPHANS}`,
        ),
      ),
    giveBack: async () => {
      await database.transaction((sql) =>
        sql.rows(
          `UPDATE operations SET status = 'Pending', owner = NULL, lease_until = NULL
           WHERE owner = $1 AND status = 'Progressing'`,
          [owner],
        ),
      );
    },
  };
}
