import { z } from 'zod';
import type { CommandRun, UnitResult } from '../drift/decide/command-run.ts';
import type { Database } from './database.ts';
import { instant, present, toText } from './rows.ts';
import type { Store } from './types.ts';

/** More results of one run are not read at once. */
const MAX_RESULTS = 10_000;

const runRow = z
  .object({
    id: z.string(),
    kind: z.enum(['rollback', 'correction', 'promotion']),
    workflow_id: z.string(),
    subject: z.string(),
    requested_by: z.string(),
    status: z.enum(['running', 'waiting', 'completed', 'refused', 'failed']),
    message: z.string(),
    change_set: z.string().nullable(),
    started_at: instant,
    ended_at: instant.nullable(),
  })
  .transform((row): CommandRun => {
    return {
      runId: row.id,
      kind: row.kind,
      workflowId: row.workflow_id,
      subject: row.subject,
      requestedBy: row.requested_by,
      status: row.status,
      message: row.message,
      startedAt: row.started_at,
      ...present({ changeSet: row.change_set, endedAt: row.ended_at }),
    };
  });

const resultRow = z
  .object({
    environment: z.string(),
    unit: z.string(),
    result: z.enum([
      ...(['fixed', 'promoted', 'restored', 'asked', 'refused', 'failed', 'unchanged'] as const),
    ]),
    reason: z.string(),
    question_id: z.string().nullable(),
  })
  .transform((row): UnitResult => {
    const { question_id: questionId, ...rest } = row;
    return { ...rest, ...present({ questionId }) };
  });

/** The tables `command_runs` and `command_results`: what people started by a command, and what became of each unit. */
export function createCommandRuns(database: Database): Store['commandRuns'] {
  return {
    ...createResults(database),

    async start({ runId, kind, workflowId, subject, requestedBy, startedAt }) {
      await database.query(
        'command_runs',
        'start',
        `insert into command_runs (id, kind, workflow_id, subject, requested_by, status, started_at)
         values ($1, $2, $3, $4, $5, 'running', $6)
         on conflict do nothing`,
        [runId, kind, workflowId, toText(subject), requestedBy, startedAt],
      );
    },

    async update(runId, { status, message, changeSet, endedAt }) {
      await database.query(
        'command_runs',
        'update',
        `update command_runs
            set status = coalesce($2, status), message = coalesce($3, message),
                change_set = coalesce($4, change_set), ended_at = coalesce($5, ended_at)
          where id = $1 and ended_at is null`,
        [
          runId,
          status ?? null,
          message === undefined ? null : toText(message),
          changeSet ?? null,
          endedAt ?? null,
        ],
      );
    },

    async find(runId) {
      const rows = await database.query(
        'command_runs',
        'find',
        'select * from command_runs where id = $1',
        [runId],
      );
      return rows.map((row) => runRow.parse(row))[0];
    },

    async latestOf(workflowId) {
      const rows = await database.query(
        'command_runs',
        'latest of',
        'select * from command_runs where workflow_id = $1 order by started_at desc, id desc limit 1',
        [workflowId],
      );
      return rows.map((row) => runRow.parse(row))[0];
    },
  };
}

function createResults(
  database: Database,
): Pick<Store['commandRuns'], 'addResults' | 'listResults'> {
  return {
    async addResults(runId, results, at) {
      for (const { environment, unit, result, reason, questionId } of results) {
        await database.query(
          'command_results',
          'add',
          `insert into command_results (run_id, environment, unit, result, reason, question_id, at)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict do nothing`,
          [runId, environment, unit, result, toText(reason), questionId ?? null, at],
        );
      }
    },

    async listResults(runId) {
      const rows = await database.query(
        'command_results',
        'list',
        `select environment, unit, result, reason, question_id from command_results
          where run_id = $1 order by environment, unit limit $2`,
        [runId, MAX_RESULTS],
      );
      return rows.map((row) => resultRow.parse(row));
    },
  };
}
