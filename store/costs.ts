import { z } from 'zod';
import type { Database } from './database.ts';
import type { CostTotals, Store } from './types.ts';

const totalsRow = z
  .object({
    environment: z.string(),
    open_usd: z.number().nullable(),
    unknown: z.number(),
    saved_usd: z.number(),
  })
  .transform(
    ({ environment, open_usd: openUsd, unknown, saved_usd: savedUsd }): CostTotals => ({
      environment,
      unknown,
      savedUsd,
      ...(openUsd !== null && { openUsd }),
    }),
  );

/** What drift costs per month, and what fixing it has saved, out of episodes. */
export function createCosts(database: Database): Store['costs'] {
  return {
    async totals() {
      // A resource that was fixed again and again has saved its dearest drift, not the sum of them.
      const rows = await database.query(
        'episodes',
        'costs',
        `with open as (
           select environment, sum((finding->>'costDeltaUsdMonthly')::float8) as open_usd,
                  (count(*) filter (where finding->>'costDeltaUsdMonthly' is null))::int as unknown
             from episodes where ended_at is null and finding is not null group by 1
         ), fixed as (
           select environment, max((finding->>'costDeltaUsdMonthly')::float8) as usd
             from episodes
            where outcome = 'fixed' and ended_at >= date_trunc('month', now() at time zone 'utc') at time zone 'utc'
              and (finding->>'costDeltaUsdMonthly')::float8 > 0
            group by environment, api_group, kind, namespace, name
         ), saved as (
           select environment, sum(usd) as saved_usd from fixed group by 1
         )
         select environment, open_usd, coalesce(unknown, 0) as unknown, coalesce(saved_usd, 0) as saved_usd
           from open full join saved using (environment) order by environment`,
      );
      return rows.map((row) => totalsRow.parse(row));
    },
  };
}
