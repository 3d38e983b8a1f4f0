import type { TemporalClient } from '../clients/temporal.ts';
import { eventually } from './eventually.ts';

/** A killed worker is noticed after ten seconds, servers start anew in some; the rest is for a busy machine. */
export const STEP_TIMEOUT_MS = 120_000;

/** The results of workflows that end in time, whatever happens to the connection meanwhile. */
export function allEnd<Result>(
  client: TemporalClient['client'],
  workflowIds: readonly string[],
): Promise<readonly Result[]> {
  return Promise.all(
    workflowIds.map(async (id) => {
      const { result } = await eventually(
        async () => ({ result: (await client.workflow.getHandle(id).result()) as Result }),
        { timeoutMs: STEP_TIMEOUT_MS, what: `${id} ends` },
      );
      return result;
    }),
  );
}
