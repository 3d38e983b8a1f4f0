import type { TemporalClient } from '../clients/temporal.ts';
import { formatResource, type ResourceRef } from '../drift/resource-ref.ts';
import { driftUnitWorkflowId } from '../lib/workflow-id.ts';
import { driftMoved, type KeepDriftUnitInput } from '../workflows/messages.ts';

const SIGNAL_TIMEOUT_MS = 5_000;

/** Has the unit that records a resource's drift brought up to date by a run of its own, started or woken. */
export function createDriftUnitDoor(
  { client }: TemporalClient,
  { taskQueue }: { readonly taskQueue: string },
): (ref: ResourceRef) => Promise<void> {
  return async (ref) => {
    const input: KeepDriftUnitInput = { ref };
    await client.connection.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, () =>
      client.workflow.signalWithStart('keepDriftUnit', {
        workflowId: driftUnitWorkflowId(ref),
        taskQueue,
        args: [input],
        signal: driftMoved,
        signalArgs: [],
        staticSummary: `The unit that records the drift of ${formatResource(ref)} in ${ref.environment}`,
      }),
    );
  };
}
