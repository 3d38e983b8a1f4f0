import { proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/types.ts';
import { ACTIVITY_OPTIONS } from './activity-options.ts';
import { driftMoved, type KeepDriftUnitInput } from './messages.ts';

const { recordDrift } = proxyActivities<Pick<Activities, 'recordDrift'>>(ACTIVITY_OPTIONS.record);

/**
 * Brings the ConfigHub unit of a resource's drift up to date, apart from the run that fixes it: ConfigHub may be away for hours
 * without anyone waiting. One run for each resource; what is told to it while it writes is written afterwards.
 */
export async function keepDriftUnit({ ref }: KeepDriftUnitInput): Promise<void> {
  // Runs follow one another under one id: only with its own the steps of each are on record.
  const { workflowId, runId } = workflowInfo();
  let isBehind = true;
  setHandler(driftMoved, () => {
    isBehind = true;
  });
  for (let round = 1; isBehind; round += 1) {
    isBehind = false;
    await recordDrift({ episodeId: workflowId, key: `${runId} ${round}`, ref });
  }
}
