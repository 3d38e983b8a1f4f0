import { z } from 'zod';
import type { JsonValue } from '../drift/json.ts';
import type { Database } from './database.ts';
import { json, toJsonb } from './rows.ts';
import type { Store } from './types.ts';

/** An answer to the same question is good for so long; who acts on a cluster, and why, changes. */
const ANSWERS_KEPT = '1 day';
/** Longer than any budget looks back. */
const CALLS_KEPT = '31 days';
/** Names the lock under which budgets are counted, among advisory locks of the database. */
const BUDGET_LOCK = 'realign claude budget';

const answerRow = z.object({ answer: json });
const spentRow = z.object({
  hour_calls: z.number(),
  hour_usd: z.number(),
  day_calls: z.number(),
  day_usd: z.number(),
});

/** The tables `claude_calls` and `claude_answers`: what calls cost, and answers that may be used again. */
export function createClaudeCalls(database: Database): Store['claudeCalls'] {
  return {
    reserve: (id, usd, budget) => reserve(database, id, usd, budget),

    async settle(id, usd) {
      await database.query(
        'claude_calls',
        'settle',
        'update claude_calls set usd = $2, is_settled = true where id = $1 and not is_settled',
        [id, usd],
      );
    },

    async keep(key, answer) {
      await database.query(
        'claude_answers',
        'keep',
        `with old as (delete from claude_answers where at < now() - interval '${ANSWERS_KEPT}' and key <> $1)
         insert into claude_answers (key, answer, at) values ($1, $2, now())
         on conflict (key) do update set answer = excluded.answer, at = excluded.at`,
        [key, toJsonb(answer)],
      );
    },

    async recall(key): Promise<JsonValue | undefined> {
      const rows = await database.query(
        'claude_answers',
        'recall',
        `select answer from claude_answers where key = $1 and at > now() - interval '${ANSWERS_KEPT}'`,
        [key],
      );
      return rows.map((one) => answerRow.parse(one).answer)[0];
    },
  };
}

/** In line with every other process, so that two of them cannot spend the same money. */
function reserve(
  database: Database,
  id: string,
  usd: number,
  budget: Parameters<Store['claudeCalls']['reserve']>[2],
): ReturnType<Store['claudeCalls']['reserve']> {
  return database.transaction(async (query) => {
    await query('claude_calls', 'lock', 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      BUDGET_LOCK,
    ]);
    const known = await query('claude_calls', 'find', 'select 1 from claude_calls where id = $1', [
      id,
    ]);
    if (known.length > 0) return undefined;
    const [row] = await query(
      'claude_calls',
      'sum',
      `select count(*)::int as day_calls, coalesce(sum(usd), 0) as day_usd,
              (count(*) filter (where at > now() - interval '1 hour'))::int as hour_calls,
              coalesce(sum(usd) filter (where at > now() - interval '1 hour'), 0) as hour_usd
         from claude_calls where at > now() - interval '1 day'`,
    );
    const spent = spentRow.parse(row);
    const { perHour, perDay } = budget;
    if (spent.hour_calls >= perHour.calls || spent.hour_usd + usd > perHour.dollars) return 'hour';
    if (spent.day_calls >= perDay.calls || spent.day_usd + usd > perDay.dollars) return 'day';
    await query(
      'claude_calls',
      'reserve',
      `with old as (delete from claude_calls where at < now() - interval '${CALLS_KEPT}')
       insert into claude_calls (id, at, usd) values ($1, now(), $2)`,
      [id, usd],
    );
    return undefined;
  });
}
