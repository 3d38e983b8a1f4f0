import { z } from 'zod';
import type { Analysis } from '../drift/advice/analysis.ts';
import { isJsonObject } from '../drift/json.ts';
import type { AnalysisNote } from '../drift/message/message-view.ts';
import type { Database } from './database.ts';
import { instant, present, toJsonb, toText } from './rows.ts';
import type { Store } from './types.ts';

const MAX_REASON_LENGTH = 1_000;

const row = z
  .object({
    status: z.enum(['ready', 'missing']),
    note: z.custom<AnalysisNote>(isJsonObject).nullable(),
    code: z.string().nullable(),
    reason: z.string().nullable(),
    model: z.string(),
    is_cached: z.boolean(),
    input_tokens: z.number(),
    output_tokens: z.number(),
    cache_write_tokens: z.number(),
    cache_read_tokens: z.number(),
    usd: z.number(),
    at: instant,
  })
  .transform((one): Analysis => {
    return {
      status: one.status,
      model: one.model,
      isCached: one.is_cached,
      tokens: {
        input: one.input_tokens,
        output: one.output_tokens,
        cacheWrite: one.cache_write_tokens,
        cacheRead: one.cache_read_tokens,
      },
      usd: one.usd,
      at: one.at,
      ...present({ note: one.note, code: one.code, reason: one.reason }),
    };
  });

/** The table `analyses`: advice beside episodes. Nothing reads it to decide anything. */
export function createAnalyses(database: Database): Store['analyses'] {
  return {
    async save(episodeId, diffDigest, analysis) {
      const { tokens } = analysis;
      // A note that is there stays: a late failure of another attempt must not take it away. What attempts cost adds up.
      await database.query(
        'analyses',
        'save',
        `insert into analyses (episode_id, diff_digest, status, note, code, reason, model, is_cached,
           input_tokens, output_tokens, cache_write_tokens, cache_read_tokens, usd, at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
          where exists (select 1 from episodes where id = $1)
         on conflict (episode_id, diff_digest) do update
           set status = excluded.status, note = excluded.note, code = excluded.code, reason = excluded.reason,
               model = excluded.model, is_cached = excluded.is_cached,
               input_tokens = analyses.input_tokens + excluded.input_tokens,
               output_tokens = analyses.output_tokens + excluded.output_tokens,
               cache_write_tokens = analyses.cache_write_tokens + excluded.cache_write_tokens,
               cache_read_tokens = analyses.cache_read_tokens + excluded.cache_read_tokens,
               usd = analyses.usd + excluded.usd, at = excluded.at
         where analyses.status = 'missing'`,
        [
          ...[episodeId, diffDigest, analysis.status, toJsonb(analysis.note)],
          ...[analysis.code ?? null, reasonOf(analysis), analysis.model, analysis.isCached],
          ...[tokens.input, tokens.output, tokens.cacheWrite, tokens.cacheRead],
          ...[analysis.usd, analysis.at],
        ],
      );
    },

    async find(episodeId, diffDigest) {
      const rows = await database.query(
        'analyses',
        'find',
        'select * from analyses where episode_id = $1 and diff_digest = $2',
        [episodeId, diffDigest],
      );
      return rows.map((one) => row.parse(one))[0];
    },
  };
}

function reasonOf({ reason }: Analysis): string | null {
  return reason === undefined ? null : toText(reason.slice(0, MAX_REASON_LENGTH));
}
