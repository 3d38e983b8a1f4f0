import { z } from 'zod';
import type { StepEntry } from '../drift/record.ts';
import type { Database } from './database.ts';
import { instant, present, toText } from './rows.ts';
import type { Store } from './types.ts';

const MAX_LISTED = 1_000;

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
  return {
    async appendStep(entry) {
      await database.query(
        'steps',
        'append',
        `insert into steps (episode_id, step, key, attempt, status, at, message)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict do nothing`,
        [
          entry.episodeId,
          entry.step,
          entry.key,
          entry.attempt,
          entry.status,
          entry.at,
          entry.message === undefined ? null : toText(entry.message),
        ],
      );
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
