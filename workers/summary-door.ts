import type { TemporalClient } from '../clients/temporal.ts';
import type { Summarized } from '../drift/advice/summary.ts';
import { AppError } from '../lib/errors.ts';
import type { SummarizeInput } from '../workflows/messages.ts';
import type { summarizeDrifts } from '../workflows/summarize-drifts.ts';

/** A little less than what the command line waits for the api. */
const SUMMARY_TIMEOUT_MS = 26_000;

/** Has open drifts summed up by Claude. Two who ask about one environment at once get one answer. */
export function createSummaryDoor({ client }: TemporalClient, taskQueue: string) {
  return {
    async summarize(environment: string | undefined): Promise<Summarized> {
      const input: SummarizeInput = environment === undefined ? {} : { environment };
      const run = () =>
        client.workflow.execute<typeof summarizeDrifts>('summarizeDrifts', {
          workflowId: `summary:${encodeURIComponent(environment ?? '')}`,
          workflowIdConflictPolicy: 'USE_EXISTING',
          taskQueue,
          args: [input],
          workflowExecutionTimeout: SUMMARY_TIMEOUT_MS,
        });
      try {
        return await client.connection.withDeadline(Date.now() + SUMMARY_TIMEOUT_MS, run);
      } catch (error) {
        throw new AppError('CLAUDE_UNAVAILABLE', 'no answer came in time', { cause: error });
      }
    },
  };
}
