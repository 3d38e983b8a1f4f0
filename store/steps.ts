import { z } from 'zod';
import type { StepEntry } from '../drift/decide/record.ts';
import type { Database } from './database.ts';
import { inBatches } from './in-batches.ts';
import { instant, present, toText } from './rows.ts';
import type { Store } from './types.ts';

const MAX_LISTED = 1_000;
/** In one statement; what is more waits for the next. */
const MAX_APPENDED = 200;

const stepRow = z
  .object({
    episode_id: z.string(),
    step: z.string(),
    key: z.string(),
    attempt: z.number(),
    status: z.enum(['started', 'done', 'failed']),
    at: instant,
    message: z.string().nullable(),
  })
  .transform((row): StepEntry => {
    const { episode_id: episodeId, message, ...rest } = row;
    return { episodeId, ...rest, ...present({ message }) };
  });

/** The table `steps`: every attempt of every step, appended as it happens. */
export function createSteps(
  database: Database,
): Pick<Store['episodes'], 'appendStep' | 'listSteps'> {
  const appendInBatches = inBatches(
    (entries: readonly StepEntry[]) => append(database, entries),
    MAX_APPENDED,
  );
  return {
    async appendStep(entry) {
      return (await appendInBatches(entry)) ?? entry.attempt;
    },

    async listSteps(episodeId) {
      const rows = await database.query(
        'steps',
        'list',
        'select * from steps where episode_id = $1 order by id limit $2',
        [episodeId, MAX_LISTED],
      );
      return rows.map((row) => stepRow.parse(row));
    },
  };
}

const countedRow = z.object({ counted: z.number() });

/** Answers the attempts, in the order of the entries. */
async function append(
  database: Database,
  entries: readonly StepEntry[],
): Promise<readonly number[]> {
  const rows = await database.query(
    'steps',
    'append',
    `with entry as (
       select one.*, case status when 'started' then greatest(attempt, 1 + coalesce((
           select max(known.attempt) from steps known
            where known.episode_id = one.episode_id and known.step = one.step and known.key = one.key), 0))
         else attempt end as counted
         from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::text[])
           with ordinality as one (episode_id, step, key, attempt, status, at, message, place)
     ), appended as (
       insert into steps (episode_id, step, key, attempt, status, at, message)
       select episode_id, step, key, counted, status, at, message from entry order by place
       on conflict do nothing
     )
     select counted from entry order by place`,
    [
      entries.map((one) => one.episodeId),
      entries.map((one) => one.step),
      entries.map((one) => one.key),
      entries.map((one) => one.attempt),
      entries.map((one) => one.status),
      entries.map((one) => one.at),
      entries.map((one) => (one.message === undefined ? null : toText(one.message))),
    ],
  );
  return rows.map((row) => countedRow.parse(row).counted);
}
