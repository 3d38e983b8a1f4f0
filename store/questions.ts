import { z } from 'zod';
import type { Fight } from '../drift/decide/fight.ts';
import type { Plan } from '../drift/decide/plan.ts';
import { QUESTION_STATUSES, type Question } from '../drift/decide/record.ts';
import { isJsonObject } from '../drift/json.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Interval } from '../drift/time-window.ts';
import type { Database } from './database.ts';
import {
  finding,
  instant,
  present,
  refOfRow,
  resourceValues,
  severity,
  toJsonb,
  toText,
} from './rows.ts';
import type { Store } from './types.ts';

const MAX_LIMIT = 1_000;

const questionStatus = z.enum(QUESTION_STATUSES);

const questionRow = z
  .object({
    id: z.string(),
    subject: z.enum(['drift', 'promotion', 'rollback']),
    workflow_id: z.string(),
    episode_id: z.string(),
    number: z.number(),
    environment: z.string(),
    api_group: z.string().nullable(),
    version: z.string().nullable(),
    kind: z.string().nullable(),
    namespace: z.string().nullable(),
    name: z.string().nullable(),
    unit: z.string().nullable(),
    severity,
    summary: z.string(),
    finding: finding.nullable(),
    plans: z.array(z.custom<Plan>(isJsonObject)),
    offered: z.enum(['revert', 'accept']),
    digest: z.string(),
    rule: z.string(),
    quorum: z.number(),
    approvers: z.array(z.string()),
    approvals: z.array(z.string()),
    barred: z.array(z.string()),
    break_glass: z.array(z.string()),
    because: z.string().nullable(),
    fights: z.array(z.custom<Fight>(isJsonObject)).nullable(),
    frozen: z.array(z.custom<Interval>(isJsonObject)).nullable(),
    reminded: z.number(),
    escalated_to: z.array(z.string()).nullable(),
    status: questionStatus,
    asked_at: instant,
    expires_at: instant,
    closed_at: instant.nullable(),
  })
  .transform((row): Question => {
    const { environment, api_group, version, kind, namespace, name } = row;
    const hasRef =
      api_group !== null &&
      version !== null &&
      kind !== null &&
      namespace !== null &&
      name !== null;
    return {
      id: row.id,
      kind: row.subject,
      workflowId: row.workflow_id,
      episodeId: row.episode_id,
      number: row.number,
      environment,
      ...(hasRef && { ref: refOfRow({ environment, api_group, version, kind, namespace, name }) }),
      severity: row.severity,
      summary: row.summary,
      plans: row.plans,
      offered: row.offered,
      digest: row.digest,
      rule: row.rule,
      quorum: row.quorum,
      approvers: row.approvers,
      approvals: row.approvals,
      ...(row.barred.length > 0 && { barred: row.barred }),
      ...(row.break_glass.length > 0 && { breakGlass: row.break_glass }),
      status: row.status,
      askedAt: row.asked_at,
      expiresAt: row.expires_at,
      ...(row.reminded > 0 && { reminded: row.reminded }),
      ...present({
        unit: row.unit,
        finding: row.finding,
        closedAt: row.closed_at,
        because: row.because,
        fights: row.fights,
        frozen: row.frozen,
        escalatedTo: row.escalated_to,
      }),
    };
  });

/** The table `questions`: plans put to people. */
export function createQuestions(database: Database): Store['questions'] {
  return {
    open: (question) => open(database, question),

    amend: (question, approvals) => amend(database, question, approvals),

    async setApprovals(id, approvals) {
      await database.query(
        'questions',
        'set approvals',
        'update questions set approvals = $2 where id = $1 and approvals is distinct from $2',
        [id, approvals],
      );
    },

    setReminded: (...about) => setReminded(database, ...about),

    async close(id, status, at) {
      await database.query(
        'questions',
        'close',
        `update questions set status = $2, closed_at = $3 where id = $1 and status = 'open'`,
        [id, status, at],
      );
    },

    async find(id) {
      const rows = await database.query(
        'questions',
        'find',
        'select * from questions where id = $1',
        [id],
      );
      return rows.map((row) => questionRow.parse(row))[0];
    },

    list: (query) => list(database, query),

    async countOpen() {
      const rows = await database.query(
        'questions',
        'count open',
        `select environment, count(*)::int as count from questions where status = 'open' group by 1`,
      );
      return z.array(z.object({ environment: z.string(), count: z.number() })).parse(rows);
    },

    openFor: (ref) => openFor(database, ref),

    async listOf(episodeId, limit) {
      const rows = await database.query(
        'questions',
        'list of episode',
        'select * from questions where episode_id = $1 order by number desc limit $2',
        [episodeId, Math.min(limit, MAX_LIMIT)],
      );
      return rows.map((row) => questionRow.parse(row));
    },
  };
}

async function open(database: Database, question: Question): Promise<void> {
  await database.transaction(async (query) => {
    // Puts the questions of one workflow in line, so that a retry of an older one does not replace a newer one.
    await query('questions', 'lock', 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      question.workflowId,
    ]);
    const known = await query('questions', 'find', 'select 1 from questions where id = $1', [
      question.id,
    ]);
    if (known.length > 0) return;
    await query(
      'questions',
      'supersede',
      `update questions set status = 'superseded', closed_at = $2 where workflow_id = $1 and status = 'open'`,
      [question.workflowId, question.askedAt],
    );
    await query(
      'questions',
      'open',
      `insert into questions (id, subject, workflow_id, episode_id, number, environment, api_group, version, kind,
         namespace, name, unit, severity, summary, finding, plans, offered, digest, rule, quorum, approvers,
         approvals, status, asked_at, expires_at, closed_at, barred, because, fights, frozen,
         break_glass)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
         $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)`,
      insertValues(question),
    );
  });
}

async function amend(
  database: Database,
  { id, summary, finding: found, quorum, barred = [] }: Question,
  approvals: readonly string[],
): Promise<void> {
  await database.query(
    'questions',
    'amend',
    `update questions set summary = $2, finding = $3, quorum = $4, barred = $5, approvals = $6
      where id = $1 and status = 'open'`,
    [id, toText(summary), toJsonb(found), quorum, barred, approvals],
  );
}

/** In the order of the columns of the insert. */
function insertValues(question: Question): readonly unknown[] {
  const { ref } = question;
  return [
    question.id,
    question.kind,
    question.workflowId,
    question.episodeId,
    question.number,
    question.environment,
    ref?.group ?? null,
    ref?.version ?? null,
    ref?.kind ?? null,
    ref?.namespace ?? null,
    ref?.name ?? null,
    question.unit ?? null,
    question.severity,
    toText(question.summary),
    toJsonb(question.finding),
    toJsonb(question.plans),
    question.offered,
    question.digest,
    question.rule,
    question.quorum,
    question.approvers,
    question.approvals,
    question.status,
    question.askedAt,
    question.expiresAt,
    question.closedAt ?? null,
    question.barred ?? [],
    question.because === undefined ? null : toText(question.because),
    toJsonb(question.fights),
    toJsonb(question.frozen),
    question.breakGlass ?? [],
  ];
}

async function list(
  database: Database,
  { status, environment, unit, limit }: Parameters<Store['questions']['list']>[0],
): Promise<readonly Question[]> {
  const rows = await database.query(
    'questions',
    'list',
    `select * from questions
          where ($1::text is null or status = $1) and ($2::text is null or environment = $2)
            and ($4::text is null or unit = $4)
          order by asked_at desc, id desc
          limit $3`,
    [status ?? null, environment ?? null, Math.min(limit, MAX_LIMIT), unit ?? null],
  );
  return rows.map((row) => questionRow.parse(row));
}

async function openFor(database: Database, ref: ResourceRef): Promise<Question | undefined> {
  const rows = await database.query(
    'questions',
    'open for',
    `select * from questions
      where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
        and status = 'open' and subject = 'drift'
      order by asked_at desc
      limit 1`,
    resourceValues(ref),
  );
  return rows.map((row) => questionRow.parse(row))[0];
}

/** A retry of an older reminder takes nothing back. */
async function setReminded(
  database: Database,
  id: string,
  reminded: number,
  escalatedTo?: readonly string[],
): Promise<void> {
  await database.query(
    'questions',
    'set reminded',
    `update questions
        set reminded = greatest(reminded, $2), escalated_to = coalesce($3, escalated_to)
      where id = $1`,
    [id, reminded, escalatedTo ?? null],
  );
}
