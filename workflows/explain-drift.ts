import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClaudeActivities, ClaudeNoteActivities } from '../activities/claude-types.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { ACTIVITY_OPTIONS } from './activity-options.ts';
import { reasonOf } from './execute.ts';
import { CLAUDE_QUEUE_SUFFIX, type ExplainInput } from './messages.ts';

/** How an explanation went: its note is in Postgres, and never here. */
export type Explained = { readonly status: 'ready' } | { readonly status: 'missing'; code: string };

/**
 * Has Claude explain one difference, beside the run that deals with it. That run neither waits for this one nor hears of it, so
 * whatever happens here changes nothing but a note.
 */
export async function explainDrift(input: ExplainInput): Promise<Explained> {
  const { episodeId, ref, diffDigest } = input;
  const { taskQueue } = workflowInfo();
  const asks = proxyActivities<ClaudeActivities>({
    ...ACTIVITY_OPTIONS.claude,
    taskQueue: `${taskQueue}${CLAUDE_QUEUE_SUFFIX}`,
  });
  const step = { episodeId, key: diffDigest, ref, diffDigest };
  try {
    await asks.explain.executeWithOptions({ summary: formatResource(ref) }, [step]);
    return { status: 'ready' };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { code, message: reason } = reasonOf(error);
    const notes = proxyActivities<ClaudeNoteActivities>(ACTIVITY_OPTIONS.read);
    await notes.noteUnexplained({ ...step, code, reason });
    return { status: 'missing', code };
  }
}
