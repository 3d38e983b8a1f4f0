import {
  ChildWorkflowCancellationType,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  patched,
  startChild,
} from '@temporalio/workflow';
import { describeStep, type PlanStep } from '../drift/decide/plan.ts';
import { type Promote, type PromoteInput, pushOn } from './messages.ts';
import { reads } from './steps.ts';

export type Ask = Extract<PlanStep, { kind: 'ask' }>;

/** A promotion may end just when it is to be told something; then it is started again, and finds what is left to do. */
const MAX_STARTS = 3;
/** What Temporal keeps of a summary, with room for encryption. */
const MAX_SUMMARY_LENGTH = 200;

/**
 * A downstream unit whose environment asks gets a question of its own, which outlives this run. `all` are those that this run hands
 * over.
 */
export async function handOver(episodeId: string, step: Ask, all: readonly Ask[]): Promise<void> {
  const { unit, upstream, environment } = step;
  const { upstreamRevision, workflowId } = await reads.identifyPromotion({
    episodeId,
    key: unit.unitId,
    unit,
    upstream,
  });
  const promotionId = promotionIdOf(episodeId, step, all);
  const input: PromoteInput = { unit, upstream, environment, upstreamRevision, promotionId };
  for (let starts = 1; starts <= MAX_STARTS; starts += 1) {
    try {
      await startChild<Promote>('promote', {
        workflowId,
        args: [input],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
        staticSummary: describeStep(step).slice(0, MAX_SUMMARY_LENGTH),
      });
      return;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError')
        throw error;
    }
    // The same revision is already being asked about: one question is enough.
    if (await tellToPushOn(workflowId)) return;
  }
}

/**
 * Has a promotion that somebody else started hand the next level over, too: one by a command would leave it. False where it has
 * ended.
 */
export async function tellToPushOn(workflowId: string): Promise<boolean> {
  // Runs that began before promotions could be told go on as they began.
  if (!patched('promotions-push-on')) return true;
  try {
    await getExternalWorkflowHandle(workflowId).signal(pushOn);
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return false;
  }
}

/** Two units of one space are told apart by their names, too. */
function promotionIdOf(episodeId: string, { unit }: Ask, all: readonly Ask[]): string {
  const inSpace = all.filter((one) => one.unit.space === unit.space);
  const id = `${episodeId}-${unit.space}`;
  return inSpace.length > 1 ? `${id}-${unit.slug}` : id;
}
