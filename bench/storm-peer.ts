import { proxyActivities } from '@temporalio/workflow';

const STEPS = 6;

const { step } = proxyActivities<{ step(): Promise<void> }>({ startToCloseTimeout: '30s' });

/** What Temporal alone needs for a story of six steps: remote activities that do nothing. Loaded by its path, as a bundle. */
export async function sixSteps(): Promise<void> {
  for (let done = 0; done < STEPS; done += 1) await step();
}
