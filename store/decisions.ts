import { z } from 'zod';
import type { DecisionRow } from '../drift/record.ts';
import type { Database } from './database.ts';
import { instant, present, toText } from './rows.ts';
import type { Store } from './types.ts';

const MAX_LISTED = 1_000;

const decisionRow = z
  .object({
    id: z.string(),
    question_id: z.string(),
    decision: z.enum(['approve', 'reject', 'accept', 'snooze']),
    person: z.string(),
    roles: z.array(z.string()),
    door: z.enum(['slack', 'rest', 'cli', 'dashboard']),
    digest: z.string(),
    reason: z.string(),
    snooze_until: instant.nullable(),
    at: instant,
    result: z.enum(['pending', 'taken', 'refused']),
    refusal: z.string().nullable(),
  })
  .transform((row): DecisionRow => {
    const { id, question_id, snooze_until, refusal, ...rest } = row;
    return {
      decisionId: id,
      questionId: question_id,
      ...rest,
      ...present({ snoozeUntil: snooze_until, refusal }),
    };
  });

/** The table `decisions`: who answered what. A row's result is settled once and then stays. */
export function createDecisions(database: Database): Store['decisions'] {
  return {
    async insert(row) {
      await database.query(
        'decisions',
        'insert',
        `insert into decisions (id, question_id, decision, person, roles, door, digest, reason, snooze_until, at,
           result, refusal)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict do nothing`,
        [
          row.decisionId,
          row.questionId,
          row.decision,
          row.person,
          row.roles,
          row.door,
          row.digest,
          toText(row.reason),
          row.snoozeUntil ?? null,
          row.at,
          row.result,
          row.refusal ?? null,
        ],
      );
    },

    async settle(decisionId, result, refusal) {
      await database.query(
        'decisions',
        'settle',
        `update decisions set result = $2, refusal = $3 where id = $1 and result = 'pending'`,
        [decisionId, result, refusal === undefined ? null : toText(refusal)],
      );
    },

    async find(decisionId) {
      const rows = await database.query(
        'decisions',
        'find',
        'select * from decisions where id = $1',
        [decisionId],
      );
      return rows.map((row) => decisionRow.parse(row))[0];
    },

    async listFor(questionId) {
      const rows = await database.query(
        'decisions',
        'list',
        'select * from decisions where question_id = $1 order by at, id limit $2',
        [questionId, MAX_LISTED],
      );
      return rows.map((row) => decisionRow.parse(row));
    },
  };
}
