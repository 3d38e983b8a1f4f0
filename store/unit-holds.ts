import { z } from 'zod';
import type { Database } from './database.ts';
import { instant, outcome, refColumns, refOfRow } from './rows.ts';
import type { Store } from './types.ts';

/** More objects of one unit do not drift at once. */
const MAX_WAITING = 500;
/** How a run stands that has done what it could: another one may plan for what it did not cover. */
const AT_REST: ReadonlySet<string> = new Set([
  ...['rejected', 'expired', 'snoozed', 'failed', 'partly-fixed', 'tracked'],
]);

const holdRow = z.object({
  episode_id: z.string(),
  covers: z.array(z.string()),
  outcome,
  ended_at: instant.nullable(),
  ...refColumns,
});

/** The table `unit_holds`: which run plans and executes for a unit that declares several objects. */
export function createUnitHolds(database: Database): Store['unitHolds'] {
  return {
    async take(unitId, { episodeId, drift, exact, covers, at }) {
      return database.transaction(async (query) => {
        await query('unit_holds', 'lock', 'select pg_advisory_xact_lock(hashtextextended($1, 1))', [
          unitId,
        ]);
        const rows = await query(
          'unit_holds',
          'find',
          `select h.episode_id, h.covers, e.* from unit_holds h join episodes e on e.id = h.episode_id
            where h.unit_id = $1`,
          [unitId],
        );
        const [holder] = rows.map((row) => holdRow.parse(row));
        if (holder && holder.episode_id !== episodeId && holder.ended_at === null) {
          const isAtRest = AT_REST.has(holder.outcome);
          const isCovered = holder.covers.includes(isAtRest ? exact : drift);
          if (isCovered || !isAtRest) {
            return { episodeId: holder.episode_id, ref: refOfRow(holder), isCovered };
          }
        }
        await query(
          'unit_holds',
          'take',
          `insert into unit_holds (unit_id, episode_id, covers, taken_at) values ($1, $2, $3, $4)
           on conflict (unit_id) do update
             set episode_id = excluded.episode_id, covers = excluded.covers, taken_at = excluded.taken_at`,
          [unitId, episodeId, covers, at],
        );
        return undefined;
      });
    },

    async release(episodeId) {
      await database.query(
        'unit_holds',
        'release',
        `update unit_holds set covers = '{}' where episode_id = $1`,
        [episodeId],
      );
    },

    async waitingFor(episodeId) {
      const rows = await database.query(
        'unit_holds',
        'waiting for',
        `select e.* from unit_holds h join episodes e on e.unit_id = h.unit_id
          where h.episode_id = $1 and e.id <> $1 and e.ended_at is null
          order by e.first_detected limit $2`,
        [episodeId, MAX_WAITING],
      );
      return rows.map((row) => refOfRow(z.object(refColumns).parse(row)));
    },
  };
}
