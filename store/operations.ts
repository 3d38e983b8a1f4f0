import { z } from 'zod';
import { operationOf, UNIT_WRITE_KINDS, type UnitWrite } from '../drift/decide/operation.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Database } from './database.ts';
import { instant, present, toText } from './rows.ts';
import type { Store } from './types.ts';

const MAX_LISTED = 1_000;
/** A plan has a step for the unit and two for each downstream unit, of which there are 200 at most. */
const MAX_STEPS = 1_000;

const writeRow = z
  .object({
    operation_id: z.string(),
    episode_id: z.string(),
    step: z.enum(UNIT_WRITE_KINDS),
    key: z.string(),
    space: z.string(),
    unit: z.string(),
    description: z.string(),
    status: z.enum(['started', 'done', 'failed']),
    revision: z.number().nullable(),
    message: z.string().nullable(),
    started_at: instant,
    ended_at: instant.nullable(),
  })
  .transform((row): UnitWrite => {
    const { operation_id: operationId, episode_id: episodeId, step: kind, started_at } = row;
    const { key, space, unit, description, status, revision, message, ended_at } = row;
    return {
      ...{ operationId, episodeId, kind, key, space, unit, description, status },
      startedAt: started_at,
      ...present({ revision, message, endedAt: ended_at }),
    };
  });

const beginRow = z.object({ operation_id: z.string(), began: instant });
const auditRow = z.object({
  at: instant,
  actor: z.string(),
  action: z.string(),
  details: z.string(),
  episode_id: z.string(),
  id: z.string(),
});

const isAuditId = (id: string) => /^[dw]/.test(id);

/** The table `unit_writes`, and the trail that it makes together with people's decisions. */
export function createOperations(database: Database): Store['operations'] {
  const stepsOf = async (operationIds: readonly string[]) => {
    const rows = await database.query(
      'unit_writes',
      'steps',
      'select * from unit_writes where operation_id = any($1) order by id limit $2',
      [operationIds, MAX_STEPS * Math.max(1, operationIds.length)],
    );
    return rows.map((row) => writeRow.parse(row));
  };
  return {
    async note(write) {
      const { operationId, episodeId, kind, key, space, unit, description, status } = write;
      await database.query(
        'unit_writes',
        'note',
        `insert into unit_writes (operation_id, episode_id, step, key, space, unit, description, status, revision,
           message, started_at, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (episode_id, step, key) do update
           set status = excluded.status, revision = coalesce(excluded.revision, unit_writes.revision),
               message = excluded.message, ended_at = excluded.ended_at`,
        [
          ...[operationId, episodeId, kind, key, space, unit, toText(description), status],
          write.revision ?? null,
          write.message === undefined ? null : toText(write.message),
          write.startedAt,
          write.endedAt ?? null,
        ],
      );
    },

    async list({ limit, cursor }) {
      const size = Math.min(limit, MAX_LISTED);
      const after = cursor === undefined ? undefined : decodeCursor(cursor, () => true);
      const rows = await database.query(
        'unit_writes',
        'list',
        `select operation_id, started_at as began from unit_writes w
          where ($1::timestamptz is null or (started_at, operation_id) < ($1, $2))
            and not exists (select 1 from unit_writes e where e.operation_id = w.operation_id and e.id < w.id)
          order by started_at desc, operation_id desc limit $3`,
        [after?.at ?? null, after?.id ?? null, size + 1],
      );
      const begun = rows.map((row) => beginRow.parse(row));
      const shown = begun.slice(0, size);
      const steps = await stepsOf(shown.map((one) => one.operation_id));
      const byId = Map.groupBy(steps, (one) => one.operationId);
      const last = shown.at(-1);
      return {
        items: shown.flatMap((one) => operationOf(byId.get(one.operation_id) ?? []) ?? []),
        ...(begun.length > size &&
          last && { nextCursor: encodeCursor({ at: last.began, id: last.operation_id }) }),
      };
    },

    steps: async (operationId) => stepsOf([operationId]),

    ...createAuditTrail(database),
  };
}

/** Decisions and what was done to units, in one list. */
function createAuditTrail(database: Database): Pick<Store['operations'], 'audit'> {
  return {
    async audit({ limit, cursor }) {
      const size = Math.min(limit, MAX_LISTED);
      const after = cursor === undefined ? undefined : decodeCursor(cursor, isAuditId);
      const rows = await database.query(
        'unit_writes',
        'audit',
        `select * from (
           (select d.at, d.person as actor, d.decision as action, q.episode_id, 'd' || d.id as id,
                   'question ' || q.id || ': ' || q.summary
                     || case when d.reason = '' then '' else ' (' || d.reason || ')' end
                     || case d.result when 'refused' then ', refused: ' || coalesce(d.refusal, '') else '' end as details
              from decisions d join questions q on q.id = d.question_id
             where $1::timestamptz is null or (d.at, 'd' || d.id) < ($1, $2)
             order by d.at desc, 'd' || d.id desc limit $3)
           union all
           (select w.started_at, 'realign', w.step, w.episode_id, 'w' || lpad(w.id::text, 19, '0'),
                   w.space || '/' || w.unit || ': ' || w.description
                     || case w.status when 'failed' then ', failed: ' || coalesce(w.message, '') else '' end
              from unit_writes w
             where $1::timestamptz is null or (w.started_at, 'w' || lpad(w.id::text, 19, '0')) < ($1, $2)
             order by w.started_at desc, 'w' || lpad(w.id::text, 19, '0') desc limit $3)) as entry
          order by at desc, id desc limit $3`,
        [after?.at ?? null, after?.id ?? null, size + 1],
      );
      const found = rows.map((row) => auditRow.parse(row));
      const last = found[size - 1];
      return {
        items: found.slice(0, size).map(({ at, actor, action, details, episode_id }) => ({
          ...{ at, user: actor, action, details, episodeId: episode_id },
        })),
        ...(found.length > size &&
          last && { nextCursor: encodeCursor({ at: last.at, id: last.id }) }),
      };
    },
  };
}
