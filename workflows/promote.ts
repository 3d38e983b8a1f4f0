import { sleep, workflowInfo } from '@temporalio/workflow';
import type { PromotionPlan } from '../activities/types.ts';
import type { Outcome, Question } from '../drift/record.ts';
import { ask, closeQuestion } from './ask.ts';
import { execute, handOver } from './execute.ts';
import type { EpisodeResult, PromoteInput } from './messages.ts';
import { drained, enter, openState, type RunState } from './run-state.ts';
import { reads } from './steps.ts';

/**
 * Brings one unit to its upstream's revision: asks first where the environment's policy asks, upgrades, applies, and hands the
 * next level over to promotions of its own.
 */
export async function promote(input: PromoteInput): Promise<EpisodeResult> {
  const state = openState(input.promotionId, { seq: 0, digest: '', episodeId: input.promotionId });
  let number = 0;
  for (;;) {
    number += 1;
    const planned = await planPromotion(input, number);
    if (!planned.needed) return end(state, 'resolved', 'The unit is already at that revision.');
    if (planned.outcome === 'ask') {
      const question = questionOf(input, planned, number);
      const answered = await ask(state, question, planned.rule, () => false);
      if (answered.kind === 'snooze') {
        await closeQuestion(state, 'snoozed');
        await waitUntil(state, answered.untilMs);
        continue;
      }
      if (answered.kind !== 'approve') {
        const expired = answered.kind === 'expired' || answered.kind === 'moved';
        await closeQuestion(state, expired ? 'expired' : 'rejected');
        const message = expired ? 'Nobody decided in time.' : `Rejected by ${answered.by.person}.`;
        return end(state, expired ? 'expired' : 'rejected', message);
      }
      await closeQuestion(state, 'approved');
      const present = await planPromotion(input, number + 0.5);
      if (present.digest !== question.digest) continue;
    }
    return carryOut(state, input, planned, number);
  }
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
  const downstream = await reads.listDownstream({ episodeId: state.episodeId, key: 'next', unit });
  for (const next of downstream) {
    await handOver(state.episodeId, {
      kind: 'ask',
      unit: next.unit,
      upstream: unit,
      environment: next.environment,
    });
  }
  return end(state, 'fixed', `${description}.`);
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
