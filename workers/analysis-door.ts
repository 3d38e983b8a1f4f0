import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { TemporalClient } from '../clients/temporal.ts';
import type { AnalysisScope } from '../drift/record.ts';
import { AppError } from '../lib/errors.ts';
import { analysisWorkflowId } from '../lib/workflow-id.ts';
import type { Store } from '../store/types.ts';
import type { AnalysisInput } from '../workflows/messages.ts';

export type StartedAnalysis = {
  readonly runId: string;
  readonly workflowId: string;
  readonly alreadyRunning: boolean;
};

/** Starts analysis runs: one at a time for each scope; asking again while one runs answers with that one. */
export function createAnalysisDoor(
  { client }: TemporalClient,
  store: Pick<Store, 'analysisRuns'>,
  options: { readonly taskQueue: string; readonly environments: readonly string[] },
) {
  async function isOpen(workflowId: string): Promise<boolean> {
    try {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      return status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  async function running(workflowId: string): Promise<StartedAnalysis | undefined> {
    const row = await store.analysisRuns.findRunning(workflowId);
    if (!row) return undefined;
    if (await isOpen(workflowId)) return { runId: row.runId, workflowId, alreadyRunning: true };
    // Its workflow was ended from outside: the row must not block the next run for ever.
    await store.analysisRuns.finish(row.runId, 'failed', new Date().toISOString());
    return undefined;
  }

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
      const present = await running(workflowId);
      if (present) return present;
      const runId = randomUUID();
      const startedAt = new Date().toISOString();
      await store.analysisRuns.start({ runId, workflowId, scope, startedAt });
      const input: AnalysisInput = { runId, scope };
      try {
        await client.workflow.start('analysisRun', {
          workflowId,
          taskQueue: options.taskQueue,
          workflowIdConflictPolicy: 'FAIL',
          args: [input],
          staticSummary: `Analysis run, asked for by ${requestedBy}`,
        });
        return { runId, workflowId, alreadyRunning: false };
      } catch (error) {
        await store.analysisRuns.finish(runId, 'failed', new Date().toISOString());
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const other = await running(workflowId);
        if (!other)
          throw new AppError('CONFLICT', 'another analysis run has just ended; ask again');
        return other;
      }
    },
  };
}
