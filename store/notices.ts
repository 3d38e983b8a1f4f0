import { z } from 'zod';
import type { Notice } from '../drift/decide/notice.ts';
import type { Database } from './database.ts';
import { instant, present, toText } from './rows.ts';
import type { Store } from './types.ts';

const MAX_LISTED = 1_000;

const noticeRow = z
  .object({
    id: z.string(),
    subject: z.string(),
    kind: z.enum(['reminder', 'escalation', 'drift', 'flapping', 'fight', 'blast']),
    environment: z.string(),
    episode_id: z.string(),
    question_id: z.string().nullable(),
    addressees: z.array(z.string()),
    message: z.string(),
    at: instant,
  })
  .transform(({ episode_id, question_id, ...rest }): Notice => {
    return { ...rest, episodeId: episode_id, ...present({ questionId: question_id }) };
  });

/** The table `notices`: what people were told of beside questions. */
export function createNotices(database: Database): Store['notices'] {
  return {
    async post(notice, quietForMs) {
      return database.transaction(async (query) => {
        // Notices about one subject in line: of two at once the second sees the first.
        await query('notices', 'lock', 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [
          notice.subject,
        ]);
        const known = await query('notices', 'find', 'select 1 from notices where id = $1', [
          notice.id,
        ]);
        if (known.length > 0) return true;
        const posted = await query(
          'notices',
          'post',
          `insert into notices (id, subject, kind, environment, episode_id, question_id, addressees, message, at)
           select $1, $2, $3, $4, $5, $6, $7, $8, $9
            where not exists (
              select 1 from notices where subject = $2 and at > $9::timestamptz - make_interval(secs => $10))
           returning id`,
          [
            notice.id,
            notice.subject,
            notice.kind,
            notice.environment,
            notice.episodeId,
            notice.questionId ?? null,
            notice.addressees,
            toText(notice.message),
            notice.at,
            quietForMs / 1_000,
          ],
        );
        return posted.length > 0;
      });
    },

    async list({ environment, limit }) {
      const rows = await database.query(
        'notices',
        'list',
        `select * from notices where ($1::text is null or environment = $1)
          order by at desc, id desc limit $2`,
        [environment ?? null, Math.min(limit, MAX_LISTED)],
      );
      return rows.map((row) => noticeRow.parse(row));
    },

    async listOf(episodeId) {
      const rows = await database.query(
        'notices',
        'list of episode',
        'select * from notices where episode_id = $1 order by at, id limit $2',
        [episodeId, MAX_LISTED],
      );
      return rows.map((row) => noticeRow.parse(row));
    },
  };
}
