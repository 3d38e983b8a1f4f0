import { ParentClosePolicy, startChild, WorkflowIdReusePolicy } from '@temporalio/workflow';
import type { Finding } from '../drift/decide/record.ts';
import type { ExplainInput } from './messages.ts';
import type { Run } from './remediation-run.ts';

/** Enough of a digest to tell the differences of one episode apart. */
const SHORT_DIGEST_LENGTH = 12;

/**
 * Has a model explain a difference, once, in a run of its own: whatever becomes of that, the drift is dealt with as without it, so
 * neither its result nor its start is waited for.
 */
export function requestExplanation(run: Run, { ref, diffDigest }: Finding): void {
  if (run.explained === diffDigest) return;
  run.explained = diffDigest;
  const { episodeId } = run;
  const input: ExplainInput = { episodeId, ref, diffDigest };
  const started = startChild('explainDrift', {
    workflowId: `explain:${episodeId}:${diffDigest.slice(0, SHORT_DIGEST_LENGTH)}`,
    args: [input],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
  });
  // Explained already, or not to be had: people decide without it.
  started.catch(() => undefined);
}
