import {
  ActivityFailure,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { PromotionPlan } from '../activities/types.ts';
import { makeUnitQuestion } from '../drift/decide/make-unit-question.ts';
import type { Outcome, Question } from '../drift/decide/record.ts';
import { ask, closeQuestion, type Ground, statusOf } from './ask.ts';
import { orLeave } from './cancelled.ts';
import { carriedQuestion, takeUp } from './carried-question.ts';
import { execute, reasonOf } from './execute.ts';
import { type Ask, handOver, tellToPushOn } from './hand-over.ts';
import { type EpisodeResult, type PromoteInput, pushOn, stirred } from './messages.ts';
import {
  drained,
  enter,
  isHistoryLong,
  isToHandOver,
  openState,
  type RunState,
} from './run-state.ts';
import { observation } from './settle.ts';
import { reads } from './steps.ts';
import { pause, pauseOver } from './try-again.ts';

/** Somebody else writes the unit each time: after so many times a person must look. */
const MAX_CONFLICTS = 5;

type Promotion = RunState & {
  /** Whether the next level follows. */
  pushesOn: boolean;
  /** A fix came to the same promotion since the last try began: something about the unit or its upstream is different now. */
  isPushed: boolean;
  conflicts: number;
  snoozedUntilMs: number | undefined;
};

/**
 * Brings one unit to its upstream's revision: asks first where the environment's policy asks, upgrades, applies, and hands the
 * next level over to promotions of its own.
 */
export async function promote(input: PromoteInput): Promise<EpisodeResult> {
  const state = openPromotion(input);
  return orLeave(state, async () => {
    for (let number = (input.carried?.tries ?? 0) + 1; ; number += 1) {
      const ended = await attempt(state, input, number);
      if (ended) return ended;
      if (isHistoryLong()) await startFresh(state, input, number);
    }
  });
}

/** Goes on in a fresh history, with the open question and its answers; whoever answers meanwhile is heard by the next run. */
async function startFresh(state: Promotion, input: PromoteInput, tries: number): Promise<void> {
  await drained();
  const { pushesOn, conflicts, snoozedUntilMs, pause } = state;
  const asked = carriedQuestion(state);
  const carried = {
    ...{ tries, pushesOn, conflicts },
    ...(asked && { asked }),
    ...(snoozedUntilMs !== undefined && { snoozedUntilMs }),
    ...(pause && { pause }),
  };
  await continueAsNew<typeof promote>({ ...input, carried });
}

function openPromotion({ promotionId, onlyThis, carried }: PromoteInput): Promotion {
  const first = { seq: 0, digest: '', episodeId: promotionId };
  const pushesOn = carried?.pushesOn ?? !onlyThis;
  const conflicts = carried?.conflicts ?? 0;
  const state: Promotion = Object.assign(openState(promotionId, first), {
    ...{ pushesOn, conflicts, isPushed: false },
    snoozedUntilMs: carried?.snoozedUntilMs,
  });
  state.pause = carried?.pause;
  takeUp(state, carried?.asked);
  setHandler(
    pushOn,
    () => {
      state.pushesOn = true;
      state.isPushed = true;
    },
    { description: 'A fix would have started the same promotion: the next level follows it.' },
  );
  return state;
}

/**
 * One try; undefined when there is to be another, or a fresh history. A step that no retry can mend is waited out, because consent is not used up by
 * it; only where the unit or its upstream is gone there is nothing left to promote.
 */
async function attempt(
  state: Promotion,
  input: PromoteInput,
  number: number,
): Promise<EpisodeResult | undefined> {
  try {
    return (await isWaitOver(state)) ? await tryOnce(state, input, number) : undefined;
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { code, message } = reasonOf(error);
    if (code === 'NOT_FOUND') {
      await closeQuestion(state, 'withdrawn');
      return end(state, 'failed', message);
    }
    enter(state, 'failed', message);
    pause(state, message);
    return undefined;
  }
}

/** Waits out what the last try has ended with: a snooze, or a failure. False where a fresh history is to wait on. */
async function isWaitOver(state: Promotion): Promise<boolean> {
  const { snoozedUntilMs, pause: failed } = state;
  if (snoozedUntilMs !== undefined) {
    enter(state, 'snoozed', `Snoozed until ${new Date(snoozedUntilMs).toISOString()}`);
    if (await observation(isToHandOver, snoozedUntilMs, 'snoozed')) return false;
    state.snoozedUntilMs = undefined;
  }
  if (!failed) return true;
  enter(state, 'failed', failed.message);
  // Runs that began before failures could be cut short go on as they began.
  const isTold = () => state.stirred.size > 0 || state.isPushed;
  return pauseOver(state, failed, { wanted: () => isTold() && patched('promotions-are-woken') });
}

async function tryOnce(
  state: Promotion,
  input: PromoteInput,
  number: number,
): Promise<EpisodeResult | undefined> {
  state.stirred.clear();
  state.isPushed = false;
  const planned = await planPromotion(input, number);
  // One that the history before has asked hears its answers first, whatever its plan is now.
  const open = state.question;
  if (!open && !planned.needed) {
    await handOverDownstream(state, input);
    return end(state, 'resolved', 'The unit is already at that revision.');
  }
  if (open || planned.outcome === 'ask') {
    const newer = newerOf(planned);
    if (newer && !open) {
      if (state.pushesOn) await tellToPushOn(newer.workflowId);
      return end(state, 'resolved', `Superseded: question ${newer.questionId} is about more.`);
    }
    if (open && (newer || planned.digest !== open.digest)) state.stirred.add('unit');
    const question = open ?? questionOf(input, planned, number);
    const ended = await askFirst(state, input, planned, question, number);
    if (ended !== 'approved') return ended;
    const present = await planPromotion(input, number + 0.5);
    if (present.digest !== question.digest) return undefined;
  }
  return carryOut(state, input, planned, number);
}

/** `approved`, or how the promotion ends, or undefined where it is to be tried again, or in a fresh history. */
async function askFirst(
  state: Promotion,
  input: PromoteInput,
  planned: PromotionPlan,
  question: Question,
  number: number,
): Promise<EpisodeResult | 'approved' | undefined> {
  let reviews = 0;
  let isOvertaken = false;
  const ground: Ground = {
    // Only now the others find this question, which may be about more than theirs. One that was asked since this was planned has not
    // found it either: of any two, the one that asks last finds the other.
    async opened() {
      // Runs that began before there was this second look go on as they began.
      const looksAgain = patched('promotions-look-for-others');
      const present = looksAgain ? await planPromotion(input, `${number}-opened`) : planned;
      await stirOthers(present.others ?? []);
      if (newerOf(present)) state.stirred.add('unit');
    },
    moved: () => false,
    isInDoubt: () => state.stirred.size > 0,
    async review(open) {
      state.stirred.clear();
      reviews += 1;
      const present = await planPromotion(input, `${number}-review-${reviews}`);
      isOvertaken = newerOf(present) !== undefined;
      return present.digest === open.digest && !isOvertaken ? open : undefined;
    },
  };
  const answered = await ask(state, question, planned.rule, ground, isToHandOver);
  if (!answered) return undefined;
  await closeQuestion(state, isOvertaken ? 'superseded' : statusOf(answered));
  switch (answered.kind) {
    case 'approve':
      return 'approved';
    case 'snooze':
      state.snoozedUntilMs = answered.untilMs;
      return undefined;
    case 'moved':
      return undefined;
    case 'expired':
      return end(state, 'expired', 'Nobody decided in time.');
    default:
      return end(state, 'rejected', `Rejected by ${answered.by.person}.`);
  }
}

/** Who asks about a newer revision of the same unit, if anybody does. */
function newerOf({ others = [] }: PromotionPlan) {
  return others.find((one) => !one.isOlder);
}

/** Whoever else asks about the unit looks whether there still is anything to ask about. */
async function stirOthers(others: NonNullable<PromotionPlan['others']>): Promise<void> {
  for (const { workflowId } of others) {
    try {
      await getExternalWorkflowHandle(workflowId).signal(stirred, 'unit');
    } catch (error) {
      // It has ended meanwhile.
      if (isCancellation(error)) throw error;
    }
  }
}

async function carryOut(
  state: Promotion,
  input: PromoteInput,
  planned: PromotionPlan,
  attempt: number,
): Promise<EpisodeResult | undefined> {
  const { unit, upstream } = input;
  const [plan] = planned.plans;
  if (!plan) return end(state, 'failed', 'There is no plan for this promotion.');
  enter(state, 'fixing', `**Promoting** ${unit.space}/${unit.slug}`);
  const description = `Push-upgrade ${unit.slug} from ${upstream.space} revision ${input.upstreamRevision}`;
  const executed = await execute({ episodeId: state.episodeId, attempt, plan, description });
  if (!executed.done) {
    state.conflicts += 1;
    // The unit moved after it was planned for: what it is now is planned for, and asked about, anew.
    if (executed.code === 'CONFLICT' && state.conflicts < MAX_CONFLICTS) return undefined;
    return end(state, 'failed', [executed.message, ...executed.undo].join(' '));
  }
  await handOverDownstream(state, input);
  return end(state, 'fixed', `${description}.`);
}

/** The next level, each unit under its own environment's policy; those that are there already end at once. */
async function handOverDownstream(
  state: Promotion,
  { unit: upstream }: PromoteInput,
): Promise<void> {
  if (!state.pushesOn) return;
  const { episodeId } = state;
  const found = await reads.listDownstream({ episodeId, key: 'next', unit: upstream });
  const all = found.map(({ unit, environment }): Ask => {
    return { kind: 'ask', unit, upstream, environment };
  });
  for (const next of all) await handOver(episodeId, next, all);
}

function planPromotion(input: PromoteInput, key: number | string): Promise<PromotionPlan> {
  const { unit, upstream, environment, promotionId, upstreamRevision } = input;
  return reads.planPromotion({
    episodeId: promotionId,
    key: `${key}`,
    unit,
    upstream,
    environment,
    upstreamRevision,
  });
}

function questionOf(input: PromoteInput, planned: PromotionPlan, number: number): Question {
  const { promotionId, environment, unit, requestedBy } = input;
  const { summary, rule, frozen } = planned;
  return makeUnitQuestion({
    ...{ kind: 'promotion', episodeId: promotionId, workflowId: workflowInfo().workflowId },
    ...{ number, environment, summary, planned, rule, nowMs: Date.now() },
    unit: `${unit.space}/${unit.slug}`,
    ...(frozen && { frozen }),
    ...(requestedBy !== undefined && { requestedBy }),
  });
}

async function end(state: RunState, outcome: Outcome, message: string): Promise<EpisodeResult> {
  enter(state, outcome, message);
  await drained();
  return { episodeId: state.episodeId, outcome, message };
}
