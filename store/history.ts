import { z } from 'zod';
import type { PastFix } from '../drift/decide/fight.ts';
import { isJsonObject } from '../drift/json.ts';
import type { Database } from './database.ts';
import { instant, resourceValues } from './rows.ts';
import type { Store } from './types.ts';

/** More verified fixes of one resource within a day are a fight anyway. */
const MAX_PAST_FIXES = 50;

const change = z.custom<PastFix['changes'][number]>(isJsonObject);
const fixRow = z
  .object({ first_detected: instant, ended_at: instant, changes: z.array(change) })
  .transform(
    (row): PastFix => ({
      detectedMs: Date.parse(row.first_detected),
      fixedMs: Date.parse(row.ended_at),
      changes: row.changes.map(({ path, who, live }) => ({
        path,
        who,
        ...(live !== undefined && { live }),
      })),
    }),
  );
const countsRow = z.object({
  drifting: z.number(),
  short: z.number(),
  enforced_at: instant.nullable(),
  fixes: z.record(z.string(), z.number()),
});

/** What the tables `episodes` and `questions` tell of the past, for guards of automatic fixes. */
export function createHistory(database: Database): Store['history'] {
  return {
    async around(ref, since) {
      const counts = await database.query(
        'episodes',
        'history',
        `select
           (select count(*)::int from episodes where environment = $1 and first_detected >= $6) as drifting,
           (select count(*)::int from episodes
             where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
               and outcome in ('resolved', 'transient') and ended_at >= $7
               and ended_at - first_detected < make_interval(secs => $8)) as short,
           (select max(closed_at) from questions
             where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
               and status = 'approved' and fights is not null and closed_at >= $9) as enforced_at,
           (select coalesce(jsonb_object_agg(rule, fixed), '{}') from (
              select rule, count(*)::int as fixed from episodes
               where outcome = 'fixed' and policy_outcome = 'auto' and rule is not null and ended_at >= $10
               group by rule) as by_rule) as fixes`,
        [
          ...resourceValues(ref),
          since.blast,
          since.flapping,
          since.shorterThanMs / 1_000,
          since.enforced,
          since.hour,
        ],
      );
      const [row] = counts.map((one) => countsRow.parse(one));
      return {
        drifting: row?.drifting ?? 0,
        short: row?.short ?? 0,
        fixesByRule: row?.fixes ?? {},
        ...(row?.enforced_at && { enforcedAt: row.enforced_at }),
      };
    },

    async pastFixes(ref, since) {
      const rows = await database.query(
        'episodes',
        'past fixes',
        `select first_detected, ended_at, coalesce(finding -> 'changes', '[]') as changes from episodes
          where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
            and outcome = 'fixed' and ended_at >= $6
          order by ended_at desc
          limit $7`,
        [...resourceValues(ref), since, MAX_PAST_FIXES],
      );
      return rows.map((row) => fixRow.parse(row));
    },
  };
}
