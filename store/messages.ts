import { z } from 'zod';
import type { Database } from './database.ts';
import { instant, present, toText } from './rows.ts';
import type { Message, MessageName, Store } from './types.ts';

const MAX_LISTED = 1_000;
/** Posting takes seconds; what waits longer than this is not on its way any more. */
const UNPOSTED_AFTER_SECONDS = 60;

const messageRow = z
  .object({
    receiver: z.string(),
    subject: z.string(),
    part: z.string(),
    channel: z.string().nullable(),
    ref: z.string().nullable(),
    fingerprint: z.string().nullable(),
    claimed_at: instant,
    posted_at: instant.nullable(),
    failure: z.string().nullable(),
  })
  .transform(({ channel, ref, claimed_at, posted_at, ...row }): Message => {
    const { receiver, subject, part, fingerprint, failure } = row;
    const place = channel !== null && ref !== null ? { channel, ref } : null;
    const rest = present({ place, fingerprint, failure, postedAt: posted_at });
    return { receiver, subject, part, claimedAt: claimed_at, ...rest };
  });

/** Open questions that no message shows, neither one of their own nor that of a digest. */
const UNPOSTED = `
  from questions q
 where q.status = 'open' and q.asked_at < now() - make_interval(secs => $1)
   and not exists (
     select 1 from messages m
      where m.part = 'headline' and m.ref is not null
        and (m.subject = q.episode_id
          or m.subject in (select digest_id from digest_members d where d.subject = q.episode_id)))`;

/** The table `messages`: what receivers have been shown. */
export function createMessages(database: Database): Store['messages'] {
  const { query } = database;
  return {
    async listFor(subject) {
      const rows = await query(
        'messages',
        'list',
        'select * from messages where subject = $1 limit $2',
        [subject, MAX_LISTED],
      );
      return rows.map((row) => messageRow.parse(row));
    },

    async receiversOf(subject) {
      const rows = await query(
        'messages',
        'receivers',
        `select receiver from messages where subject = $1
          union select receiver from digest_members where subject = $1`,
        [subject],
      );
      return z
        .array(z.object({ receiver: z.string() }))
        .parse(rows)
        .map((one) => one.receiver);
    },

    async claim(name, at) {
      const rows = await query(
        'messages',
        'claim',
        `insert into messages (receiver, subject, part, claimed_at) values ($1, $2, $3, $4)
         on conflict do nothing returning receiver`,
        [...keyOf(name), at],
      );
      return rows.length > 0;
    },

    async posted(name, { place, fingerprint, at }) {
      await query(
        'messages',
        'posted',
        `update messages
            set channel = $4, ref = $5, fingerprint = $6, posted_at = coalesce(posted_at, $7), failure = null
          where receiver = $1 and subject = $2 and part = $3`,
        [...keyOf(name), place.channel, place.ref, fingerprint, at],
      );
    },

    async failed(name, failure) {
      await query(
        'messages',
        'failed',
        `update messages set failure = $4 where receiver = $1 and subject = $2 and part = $3`,
        [...keyOf(name), toText(failure)],
      );
    },

    ...unpostedQuestions(database),
  };
}

/** What people have not been shown. */
function unpostedQuestions({
  query,
}: Database): Pick<Store['messages'], 'countUnposted' | 'listUnposted'> {
  return {
    async countUnposted() {
      const rows = await query(
        'messages',
        'count unposted',
        `select q.environment, count(*)::int as count ${UNPOSTED} group by 1`,
        [UNPOSTED_AFTER_SECONDS],
      );
      return z.array(z.object({ environment: z.string(), count: z.number() })).parse(rows);
    },

    async listUnposted() {
      const rows = await query(
        'messages',
        'list unposted',
        `select q.episode_id ${UNPOSTED} order by q.asked_at limit $2`,
        [0, MAX_LISTED],
      );
      return z
        .array(z.object({ episode_id: z.string() }))
        .parse(rows)
        .map((one) => one.episode_id);
    },
  };
}

function keyOf({ receiver, subject, part }: MessageName): readonly string[] {
  return [receiver, subject, part];
}
