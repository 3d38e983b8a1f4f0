import { z } from 'zod';
import type { Database } from './database.ts';
import { instant } from './rows.ts';
import type { Store } from './types.ts';

const digestRow = z.object({ id: z.string(), receiver: z.string(), started_at: instant });
const memberRow = z.object({ subject: z.string(), leads: z.boolean() });
const membershipRow = z.object({ digest_id: z.string(), leads: z.boolean() });

/** The tables `digests` and `digest_members`: which drifts are shown in one message. */
export function createDigests(database: Database): Store['digests'] {
  return {
    async add({ id, receiver, at }, members) {
      await database.transaction(async (query) => {
        await query(
          'digests',
          'open',
          `insert into digests (id, receiver, started_at) values ($1, $2, $3) on conflict do nothing`,
          [id, receiver, at],
        );
        await query(
          'digests',
          'add',
          `insert into digest_members (receiver, subject, digest_id, leads)
           select $1, subject, $2, leads from unnest($3::text[], $4::boolean[]) as one (subject, leads)
           on conflict do nothing`,
          [receiver, id, members.map((one) => one.subject), members.map((one) => one.leads)],
        );
      });
    },

    async find(id) {
      const [found] = await database.query(
        'digests',
        'find',
        'select * from digests where id = $1',
        [id],
      );
      if (found === undefined) return undefined;
      const rows = await database.query(
        'digests',
        'members',
        'select subject, leads from digest_members where digest_id = $1 order by leads desc, subject',
        [id],
      );
      const { receiver, started_at: startedAt } = digestRow.parse(found);
      return { id, receiver, startedAt, members: rows.map((row) => memberRow.parse(row)) };
    },

    async membershipOf(receiver, subject) {
      const rows = await database.query(
        'digests',
        'membership',
        'select digest_id, leads from digest_members where receiver = $1 and subject = $2',
        [receiver, subject],
      );
      return rows.map((row) => {
        const { digest_id: digestId, leads } = membershipRow.parse(row);
        return { digestId, leads };
      })[0];
    },
  };
}
