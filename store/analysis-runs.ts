import { z } from 'zod';
import type { AnalysisRun, AnalysisScope } from '../drift/decide/record.ts';
import { isJsonObject } from '../drift/json.ts';
import type { Database } from './database.ts';
import { instant, present, toJsonb, toText } from './rows.ts';
import type { Store } from './types.ts';

/** What goes wrong in one run is listed up to here. */
const MAX_ERRORS = 100;
const KEPT_DAYS = 30;

const runRow = z
  .object({
    id: z.string(),
    workflow_id: z.string(),
    scope: z.custom<AnalysisScope>(isJsonObject),
    status: z.enum(['running', 'completed', 'failed']),
    started_at: instant,
    ended_at: instant.nullable(),
    total: z.number(),
    checked: z.number(),
    drifted: z.number(),
    errors: z.array(z.string()),
  })
  .transform((row): AnalysisRun => {
    return {
      runId: row.id,
      workflowId: row.workflow_id,
      scope: row.scope,
      status: row.status,
      startedAt: row.started_at,
      total: row.total,
      checked: row.checked,
      drifted: row.drifted,
      errors: row.errors,
      ...present({ endedAt: row.ended_at }),
    };
  });

const countRow = z.object({ count: z.number() });

/** The table `analysis_runs`: what an analysis covers, how far it is, what it found. */
export function createAnalysisRuns(database: Database): Store['analysisRuns'] {
  return {
    async start(run) {
      // One workflow of an id is open at a time: a new run means that an older one without an end was ended from outside.
      const rows = await database.query(
        'analysis_runs',
        'start',
        `with orphans as (
           update analysis_runs set status = 'failed', ended_at = $4
            where workflow_id = $2 and status = 'running' and id <> $1
         ), old as (
           delete from analysis_runs
            where status <> 'running' and started_at < $4::timestamptz - interval '${KEPT_DAYS} days'
         )
         insert into analysis_runs (id, workflow_id, scope, status, started_at)
         values ($1, $2, $3, 'running', $4)
         on conflict do nothing
         returning id`,
        [run.runId, run.workflowId, toJsonb(run.scope), run.startedAt],
      );
      return rows.length > 0;
    },

    async progress(runId, counts) {
      await database.query(
        'analysis_runs',
        'progress',
        `update analysis_runs set total = $2, checked = $3, drifted = $4, errors = $5
          where id = $1 and status = 'running'`,
        [
          runId,
          counts.total,
          counts.checked,
          counts.drifted,
          counts.errors.slice(0, MAX_ERRORS).map(toText),
        ],
      );
    },

    async finish(runId, status, at) {
      await database.query(
        'analysis_runs',
        'finish',
        `update analysis_runs set status = $2, ended_at = $3 where id = $1 and status = 'running'`,
        [runId, status, at],
      );
    },

    countRunning: (exceptWorkflowId) => countRunning(database, exceptWorkflowId),

    async find(runId) {
      const rows = await database.query(
        'analysis_runs',
        'find',
        'select * from analysis_runs where id = $1',
        [runId],
      );
      return rows.map((row) => runRow.parse(row))[0];
    },
  };
}

/** One whose workflow was ended from outside stays `running`; it must not count for ever. */
async function countRunning(database: Database, exceptWorkflowId: string): Promise<number> {
  const [row] = await database.query(
    'analysis_runs',
    'count running',
    `select count(*)::int as count from analysis_runs
      where status = 'running' and workflow_id <> $1 and started_at > now() - interval '1 hour'`,
    [exceptWorkflowId],
  );
  return countRow.parse(row).count;
}
