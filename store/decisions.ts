import { z } from 'zod';
import type { DecisionRow } from '../drift/decide/record.ts';
import type { Database } from './database.ts';
import { instant, present, toJsonb, toText } from './rows.ts';
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
    update_id: z.string().nullable(),
    request_id: z.string().nullable(),
    slack_user: z.string().nullable(),
    slack_team: z.string().nullable(),
    slack_name: z.string().nullable(),
    quorum: z.int().nullable(),
    approvals: z.array(z.string()).nullable(),
    groups: z.record(z.string(), z.array(z.string()).nullable()).nullable(),
  })
  .transform((row): DecisionRow => {
    const { id, question_id, decision, person, roles, door, digest, reason, at, result } = row;
    return {
      ...{ decisionId: id, questionId: question_id, decision, person, roles, door, digest },
      ...{ reason, at, result },
      ...present({
        ...{ snoozeUntil: row.snooze_until, refusal: row.refusal, updateId: row.update_id },
        ...{ requestId: row.request_id, slackUser: row.slack_user, slackTeam: row.slack_team },
        ...{ slackName: row.slack_name, quorum: row.quorum, approvals: row.approvals },
        groups: row.groups,
      }),
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
           result, refusal, update_id, request_id, slack_user, slack_team, slack_name, quorum, approvals, groups)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
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
          ...evidenceOf(row),
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

    async listFor(questionId, person) {
      const rows = await database.query(
        'decisions',
        'list',
        `select * from decisions where question_id = $1 and ($3::text is null or person = $3)
         order by at, id limit $2`,
        [questionId, MAX_LISTED, person ?? null],
      );
      return rows.map((row) => decisionRow.parse(row));
    },
  };
}

/** In the order of the columns. */
function evidenceOf(row: DecisionRow) {
  return [
    ...[row.updateId ?? null, row.requestId ?? null, row.slackUser ?? null, row.slackTeam ?? null],
    row.slackName === undefined ? null : toText(row.slackName),
    ...[row.quorum ?? null, row.approvals ?? null],
    toJsonb(row.groups),
  ];
}
