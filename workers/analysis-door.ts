import type { TemporalClient } from '../clients/temporal.ts';
import type { AnalysisScope } from '../drift/decide/record.ts';
import { AppError } from '../lib/errors.ts';
import { analysisWorkflowId } from '../lib/workflow-id.ts';
import type { Store } from '../store/types.ts';
import type { AnalysisInput } from '../workflows/messages.ts';

export type StartedAnalysis = {
  readonly runId: string;
  readonly workflowId: string;
  readonly alreadyRunning: boolean;
};

/**
 * Starts analysis runs: one at a time for each scope. Temporal decides which of several callers starts it, and its run id is the
 * analysis run's id, so all of them name the same run; whoever notes it first has started it.
 */
export function createAnalysisDoor(
  { client }: TemporalClient,
  store: Pick<Store, 'analysisRuns'>,
  options: { readonly taskQueue: string; readonly environments: readonly string[] },
) {
  return {
    async start(scope: AnalysisScope, requestedBy: string): Promise<StartedAnalysis> {
      const { environment } = scope;
      if (environment !== undefined && !options.environments.includes(environment)) {
        throw new AppError(
          'NOT_FOUND',
          `there is no environment ${environment}; there are ${options.environments.join(', ')}`,
        );
      }
      const workflowId = analysisWorkflowId(scope);
      const input: AnalysisInput = { scope };
      const handle = await client.workflow.start('analysisRun', {
        workflowId,
        taskQueue: options.taskQueue,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [input],
        staticSummary: `Analysis run, asked for by ${requestedBy}`,
      });
      const runId = handle.firstExecutionRunId;
      const startedAt = new Date().toISOString();
      const isNew = await store.analysisRuns.start({ runId, workflowId, scope, startedAt });
      return { runId, workflowId, alreadyRunning: !isNew };
    },
  };
}
