import { ActivityFailure, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import type { PromotionPlan } from '../activities/types.ts';
import type { Outcome, Question } from '../drift/record.ts';
import { ask, closeQuestion } from './ask.ts';
import { execute, handOver, reasonOf } from './execute.ts';
import type { EpisodeResult, PromoteInput } from './messages.ts';
import { drained, enter, openState, type RunState } from './run-state.ts';
import { reads } from './steps.ts';

/** Long enough for a person to mend what is wrong. */
const TRY_AGAIN_AFTER_MS = 15 * 60_000;

/**
 * Brings one unit to its upstream's revision: asks first where the environment's policy asks, upgrades, applies, and hands the
 * next level over to promotions of its own.
 */
export async function promote(input: PromoteInput): Promise<EpisodeResult> {
  const state = openState(input.promotionId, { seq: 0, digest: '', episodeId: input.promotionId });
  let number = 0;
  for (;;) {
    number += 1;
    const ended = await attempt(state, input, number);
    if (ended) return ended;
  }
}

/** One try; undefined when there is to be another. A step that no retry can mend is waited out: consent is not used up by it. */
async function attempt(
  state: RunState,
  input: PromoteInput,
  number: number,
): Promise<EpisodeResult | undefined> {
  try {
    return await tryOnce(state, input, number);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    enter(state, 'failed', reasonOf(error).message);
    await sleep(TRY_AGAIN_AFTER_MS, { summary: 'until another try' });
    return undefined;
  }
}

async function tryOnce(
  state: RunState,
  input: PromoteInput,
  number: number,
): Promise<EpisodeResult | undefined> {
  const planned = await planPromotion(input, number);
  if (!planned.needed) {
    await handOverDownstream(state, input);
    return end(state, 'resolved', 'The unit is already at that revision.');
  }
  if (planned.outcome === 'ask') {
    const question = questionOf(input, planned, number);
    const answered = await ask(state, question, planned.rule, () => false);
    if (answered.kind === 'snooze') {
      await closeQuestion(state, 'snoozed');
      await waitUntil(state, answered.untilMs);
      return undefined;
    }
    if (answered.kind !== 'approve') {
      const expired = answered.kind === 'expired' || answered.kind === 'moved';
      await closeQuestion(state, expired ? 'expired' : 'rejected');
      const message = expired ? 'Nobody decided in time.' : `Rejected by ${answered.by.person}.`;
      return end(state, expired ? 'expired' : 'rejected', message);
    }
    await closeQuestion(state, 'approved');
    const present = await planPromotion(input, number + 0.5);
    if (present.digest !== question.digest) return undefined;
  }
  return carryOut(state, input, planned, number);
}

async function carryOut(
  state: RunState,
  input: PromoteInput,
  planned: PromotionPlan,
  attempt: number,
): Promise<EpisodeResult> {
  const { unit, upstream } = input;
  const [plan] = planned.plans;
  if (!plan) return end(state, 'failed', 'There is no plan for this promotion.');
  enter(state, 'fixing', `**Promoting** ${unit.space}/${unit.slug}`);
  const description = `Push-upgrade ${unit.slug} from ${upstream.space} revision ${input.upstreamRevision}`;
  const executed = await execute({ episodeId: state.episodeId, attempt, plan, description });
  if (!executed.done) return end(state, 'failed', [executed.message, ...executed.undo].join(' '));
  await handOverDownstream(state, input);
  return end(state, 'fixed', `${description}.`);
}

/** The next level, each unit under its own environment's policy; those that are there already end at once. */
async function handOverDownstream(state: RunState, { unit }: PromoteInput): Promise<void> {
  const { episodeId } = state;
  for (const next of await reads.listDownstream({ episodeId, key: 'next', unit })) {
    const { environment } = next;
    await handOver(episodeId, { kind: 'ask', unit: next.unit, upstream: unit, environment });
  }
}

function planPromotion(input: PromoteInput, number: number): Promise<PromotionPlan> {
  const { unit, upstream, environment, promotionId } = input;
  return reads.planPromotion({
    episodeId: promotionId,
    key: `${number}`,
    unit,
    upstream,
    environment,
  });
}

function questionOf(input: PromoteInput, planned: PromotionPlan, number: number): Question {
  const { rule } = planned;
  return {
    id: `${input.promotionId}-${number}`,
    kind: 'promotion',
    workflowId: workflowInfo().workflowId,
    episodeId: input.promotionId,
    number,
    environment: input.environment,
    unit: `${input.unit.space}/${input.unit.slug}`,
    severity: 'info',
    summary: planned.summary,
    plans: planned.plans,
    offered: 'revert',
    digest: planned.digest,
    rule: rule.name,
    quorum: rule.quorum,
    approvers: rule.approvers,
    approvals: [],
    status: 'open',
    askedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + rule.expiryMs).toISOString(),
  };
}

async function waitUntil(state: RunState, untilMs: number): Promise<void> {
  enter(state, 'snoozed', `Snoozed until ${new Date(untilMs).toISOString()}`);
  const leftMs = untilMs - Date.now();
  if (leftMs > 0) await sleep(leftMs, { summary: 'snoozed' });
}

async function end(state: RunState, outcome: Outcome, message: string): Promise<EpisodeResult> {
  enter(state, outcome, message);
  await drained();
  return { episodeId: state.episodeId, outcome, message };
}
