import { z } from 'zod';
import type { Database } from './database.ts';
import { instant, toText } from './rows.ts';
import type { RuleHitCount, Store } from './types.ts';

/** More than a configuration may hold. */
const MAX_LISTED = 1_000;

const hitRow = z
  .object({
    rule: z.string(),
    hits: z.coerce.number(),
    last_hit: instant,
    environment: z.string(),
    resource: z.string(),
    path: z.string(),
  })
  .transform(({ last_hit: lastHit, ...rest }): RuleHitCount => ({ ...rest, lastHit }));

/** The table `rule_hits`: one row for each ignore rule that ever decided something. */
export function createRuleHitTable(database: Database): Store['ruleHits'] {
  return {
    async add(hits) {
      for (const { rule, hits: count, lastHit, environment, resource, path } of hits) {
        await database.query(
          'rule_hits',
          'add',
          `insert into rule_hits as known (rule, hits, last_hit, environment, resource, path)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (rule) do update set
             hits = known.hits + excluded.hits,
             last_hit = greatest(known.last_hit, excluded.last_hit),
             environment = excluded.environment,
             resource = excluded.resource,
             path = excluded.path`,
          [rule, count, lastHit, environment, resource, toText(path)],
        );
      }
    },

    async list() {
      const rows = await database.query(
        'rule_hits',
        'list',
        'select * from rule_hits order by last_hit desc limit $1',
        [MAX_LISTED],
      );
      return rows.map((row) => hitRow.parse(row));
    },
  };
}
