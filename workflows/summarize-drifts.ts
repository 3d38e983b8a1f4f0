import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClaudeActivities, ClaudeNoteActivities } from '../activities/claude-types.ts';
import type { Summarized } from '../drift/advice/summary.ts';
import { ACTIVITY_OPTIONS } from './activity-options.ts';
import { reasonOf } from './execute.ts';
import { CLAUDE_QUEUE_SUFFIX, type SummarizeInput } from './messages.ts';

/** Has Claude say what the open drifts of an environment have in common. Somebody waits for it: it is tried once. */
export async function summarizeDrifts({ environment }: SummarizeInput): Promise<Summarized> {
  const { taskQueue, workflowId } = workflowInfo();
  const step = { episodeId: workflowId, key: 'summary' };
  const { usesClaude } = proxyActivities<ClaudeNoteActivities>(ACTIVITY_OPTIONS.answer);
  const { summarize } = proxyActivities<ClaudeActivities>({
    ...ACTIVITY_OPTIONS.answer,
    taskQueue: `${taskQueue}${CLAUDE_QUEUE_SUFFIX}`,
  });
  try {
    if (!(await usesClaude(step))) return { missing: 'Claude is not configured' };
    const input = { ...step, ...(environment !== undefined && { environment }) };
    return { summary: await summarize(input) };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { missing: reasonOf(error).message };
  }
}
