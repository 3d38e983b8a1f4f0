import {
  ActivityFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  type ChildWorkflowHandle,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  patched,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { PromotableUnit } from '../activities/command-types.ts';
import type { PromotionPlan } from '../activities/types.ts';
import {
  addToTally,
  describePromotion,
  describeTally,
  type PlannedUnit,
  type PromotionScope,
  shortened,
  type Tally,
  type UnitResult,
} from '../drift/decide/command-run.ts';
import { begin, type CommandInput, finish, note, recorded } from './command-run.ts';
import { reasonOf } from './execute.ts';
import { inParallel } from './in-parallel.ts';
import type { PromoteInput } from './messages.ts';
import type { promote } from './promote.ts';
import { isToHandOver } from './run-state.ts';
import { reads } from './steps.ts';

/** Each promotion applies to one cluster; more at once would only wait there. */
const AT_ONCE = 10;
/** Longer than an apply and its rollout may take. */
const WAIT_MS = 20 * 60_000;

export type PromoteBetweenInput = CommandInput & {
  readonly scope: PromotionScope;
  /** How far the run is; handed from history to history. */
  readonly carried?: { readonly after: string; readonly tally: Tally };
};

/**
 * Promotes the units of one environment that are behind another, each by its own promotion: the same plan, question and execution
 * as where a fix pushes downstream. It ends when every unit is promoted or waits for its question.
 */
export async function promoteBetween(input: PromoteBetweenInput): Promise<void> {
  const { carried, scope } = input;
  const { from, to } = scope;
  if (!carried) await begin(input, 'promotion', describePromotion(scope));
  await recorded(input, async () => {
    let tally: Tally = carried?.tally ?? {};
    let after = carried?.after;
    do {
      const page = await select(input.runId, input.scope, after);
      const results = await inParallel(page.units, AT_ONCE, (one) => promoteUnit(input, one));
      tally = addToTally(tally, results);
      await note(input, `after-${after ?? ''}`, { results, message: describeTally(tally) });
      after = page.next;
      if (after !== undefined && isToHandOver()) {
        await continueAsNew<typeof promoteBetween>({ ...input, carried: { after, tally } });
      }
    } while (after !== undefined);
    await finish(input, 'completed', `Promoted ${from} to ${to}: ${describeTally(tally)}.`);
  });
}

/** What one page of a promotion would do. Changes nothing. */
export async function previewPromotions({
  scope,
  after,
}: {
  readonly scope: PromotionScope;
  readonly after?: string;
}): Promise<{ readonly units: readonly PlannedUnit[]; readonly next?: string }> {
  const { workflowId } = workflowInfo();
  const page = await select(workflowId, scope, after);
  const units = await inParallel(page.units, AT_ONCE, (one) => plan(workflowId, one));
  return { units, ...(page.next !== undefined && { next: page.next }) };
}

function select(episodeId: string, scope: PromotionScope, after: string | undefined) {
  const key = `after-${after ?? ''}`;
  return reads.selectPromotions({ episodeId, key, scope, ...(after !== undefined && { after }) });
}

async function plan(episodeId: string, one: PromotableUnit): Promise<PlannedUnit> {
  const { unit, environment } = one;
  const about = { environment, unit: `${unit.space}/${unit.slug}` };
  const planned = await planPromotion(episodeId, one);
  if ('reason' in planned) return { ...about, outcome: 'none', because: planned.reason };
  const [first] = planned.plans;
  return {
    ...{ ...about, rule: planned.rule.name },
    outcome: planned.needed ? planned.outcome : 'none',
    ...(first && { plan: shortened(first) }),
  };
}

/** What is to be done, or why that cannot be worked out: one unit that cannot be read keeps none of the others. */
async function planPromotion(
  episodeId: string,
  { unit, upstream, environment }: PromotableUnit,
): Promise<PromotionPlan | { readonly reason: string }> {
  try {
    return await reads.planPromotion({
      ...{ episodeId, key: unit.unitId },
      ...{ unit, upstream, environment },
    });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { reason: reasonOf(error).message };
  }
}

async function promoteUnit(input: PromoteBetweenInput, one: PromotableUnit): Promise<UnitResult> {
  const { runId, requestedBy } = input;
  const { unit, upstream, environment, upstreamRevision, workflowId } = one;
  const about = { environment, unit: `${unit.space}/${unit.slug}` };
  const step = { episodeId: runId, key: unit.unitId };
  const planned = await planPromotion(runId, one);
  if ('reason' in planned) return { ...about, result: 'failed', reason: planned.reason };
  if (!planned.needed) return { ...about, result: 'unchanged', reason: 'it is there already' };
  const promotionId = `${runId}-${unit.slug}`;
  const more = { promotionId, requestedBy, onlyThis: true } as const;
  const child: PromoteInput = { unit, upstream, environment, upstreamRevision, ...more };
  let started: ChildWorkflowHandle<typeof promote>;
  try {
    started = await startChild<typeof promote>('promote', {
      workflowId,
      args: [child],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: planned.summary,
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError')
      throw error;
    const { questionId } = await reads.findPromotion({ ...step, workflowId });
    const reason = 'this revision is being promoted already';
    return { ...about, result: 'asked', reason, ...(questionId !== undefined && { questionId }) };
  }
  // Whoever is asked may take days; the promotion waits for them without this run.
  if (planned.outcome === 'ask') {
    const questionId = `${promotionId}-1`;
    return { ...about, result: 'asked', reason: `rule ${planned.rule.name} asks`, questionId };
  }
  return { ...about, ...(await outcomeOf(started)) };
}

/** What became of a promotion that asks nobody. One that is stuck goes on by itself, and is not waited for. */
async function outcomeOf(
  started: ChildWorkflowHandle<typeof promote>,
): Promise<Pick<UnitResult, 'result' | 'reason'>> {
  const waiting = new CancellationScope();
  const late = waiting.run(() => sleep(WAIT_MS, { summary: 'until a promotion is late' }));
  try {
    const ended = await Promise.race([started.result(), late.then(() => undefined)]);
    if (!ended) return { result: 'failed', reason: 'it is stuck; its workflow says why' };
    const { outcome, message } = ended;
    if (outcome === 'resolved') return { result: 'unchanged', reason: message };
    return { result: outcome === 'fixed' ? 'promoted' : 'failed', reason: message };
  } catch (error) {
    if (!(error instanceof ChildWorkflowFailure)) throw error;
    return { result: 'failed', reason: error.message };
  } finally {
    late.catch(() => undefined);
    // Runs that began before the timer was cancelled let it run out.
    if (patched('promotions-end-their-timers')) waiting.cancel();
  }
}
