import {
  ActivityFailure,
  CancellationScope,
  continueAsNew,
  isCancellation,
  uuid4,
} from '@temporalio/workflow';
import type { DriftPlans } from '../activities/types.ts';
import type { PolicyRule } from '../drift/decide/policy.ts';
import { hasQuorum } from '../drift/decide/question.ts';
import type { Question } from '../drift/decide/record.ts';
import { isLeftToPeople } from '../drift/decide/reserved.ts';
import { type Answered, ask, closeQuestion, type Ground, statusOf } from './ask.ts';
import { orLeave } from './cancelled.ts';
import { confirm } from './confirm-drift.ts';
import { reasonOf } from './execute.ts';
import { fix } from './fixing.ts';
import { asAskedAbout, caseOf, detect, gone } from './looking.ts';
import type { EpisodeResult, RemediateInput } from './messages.ts';
import { plan, questionOf, rehearse, review, tellOfIncident } from './planning.ts';
import {
  type Case,
  carriedOf,
  differsOtherwise,
  LOOK_AGAIN,
  type Next,
  openRun,
  type Run,
  unseen,
} from './remediation-run.ts';
import { requestExplanation } from './request-explanation.ts';
import { drained, enter, isHistoryLong, isToHandOver } from './run-state.ts';
import { settle, settleAtStart } from './settle.ts';
import {
  announce,
  hold,
  recordCancelled,
  settleFor,
  snooze,
  staySettled,
  stumble,
  tryLater,
  waitForApply,
  waitForFix,
  waitForUnit,
} from './stay.ts';
import { quick, reads } from './steps.ts';
import { retries } from './tries.ts';

/**
 * The life of one drift: settle, detect, decide, then fix or ask, and stay until the drift is gone. It ends only by a verified
 * fix, by the drift's disappearance, or when nothing declares the resource any more.
 */
export async function remediateDrift(input: RemediateInput): Promise<EpisodeResult> {
  const run = openRun(input);
  const live = async () => {
    await settleAtStart(run, input.settle);
    for (;;) {
      // The history before may have left a wait behind.
      const next = run.pause ? await tryLater(run, run.pause) : await look(run);
      if (next.end) return close(run, next.end);
      if (isHistoryLong()) await startFresh(run);
      await settle(run, input.settle);
    }
  };
  return orLeave(run, live, (message) => recordCancelled(run, message));
}

/** One look at the resource, and what follows from it. */
async function look(run: Run): Promise<Next> {
  try {
    const detection = await detect(run);
    if (!detection.finding) {
      const { fixUnderWay } = detection;
      if (fixUnderWay !== undefined && (await waitForFix(run, fixUnderWay))) return LOOK_AGAIN;
      await closeQuestion(run, 'withdrawn');
      return { end: gone(run, detection) };
    }
    return await act(run, caseOf(run, detection));
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { code, message } = reasonOf(error);
    return code === 'CONFLICT' && retries(run) ? LOOK_AGAIN : stumble(run, message);
  }
}

/** A drift that was not decided about before, and that the API server confirms where it is asked to, is dealt with. */
async function act(run: Run, drift: Case): Promise<Next> {
  if (run.question && run.asked) return goOnAsking(run, drift, run.question, run.asked);
  const { finding } = drift;
  const isAskedFor = run.askedBy !== undefined;
  const { snoozed } = run;
  run.snoozed = undefined;
  if (!isAskedFor && snoozed?.digest === finding.diffDigest) return snooze(run, finding, snoozed);
  if (!isAskedFor && run.decidedDigests.has(finding.diffDigest)) return staySettled(run, finding);
  if (finding.direction === 'reverse' && !run.isGraceOver && !isAskedFor) {
    return waitForApply(run, drift);
  }
  const confirmed = drift.confirms ? await confirm(run, drift) : { drift };
  if ('next' in confirmed) return confirmed.next;
  if (drift.explains) requestExplanation(run, finding);
  return respond(run, confirmed.drift, isAskedFor);
}

/** What the policy makes of a drift that is one. */
async function respond(run: Run, drift: Case, isAskedFor: boolean): Promise<Next> {
  const { decision, finding } = drift;
  if (decision.policy.dryRun && !isAskedFor) return rehearse(run, drift);
  switch (decision.outcome) {
    case 'auto':
      return drift.verdict?.kind === 'wait'
        ? hold(run, drift, drift.verdict)
        : fixUnasked(run, drift);
    case 'ask':
      return askAndFix(run, drift);
    case 'notify':
      return announce(run, drift);
    case 'track':
      return settleFor(
        run,
        finding,
        'tracked',
        `Rule ${decision.rule} only records this drift.`,
        decision,
      );
  }
}

/**
 * An automatic fix, unless its apply would write over a value that an ignore rule keeps, delete an object, or change another drift of
 * the unit that its own rule does not fix: that is for people.
 */
async function fixUnasked(run: Run, drift: Case): Promise<Next> {
  const planned = await plan(run, drift);
  if (planned.heldBy) return waitForUnit(run, drift, planned.heldBy);
  const revert = planned.plans.find((one) => one.fix === 'revert');
  if (!revert)
    return settleFor(
      run,
      drift.finding,
      'failed',
      'There is no plan that reverts this drift.',
      drift.decision,
    );
  if (isLeftToPeople(revert, 'drift') || planned.decision.outcome !== 'auto')
    return askAndFix(run, drift, planned);
  return fix(run, drift, revert);
}

/** Puts the plans to people, and carries out what they decide. */
async function askAndFix(run: Run, drift: Case, known?: DriftPlans): Promise<Next> {
  const planned = known ?? (await plan(run, drift));
  if (planned.heldBy) return waitForUnit(run, drift, planned.heldBy);
  const { decision } = planned;
  run.questionNumber += 1;
  run.askedBy = undefined;
  const question = questionOf(run, { ...drift, decision }, planned, Date.now());
  await tellOfIncident(run, drift);
  return putToPeople(run, drift, question, decision.policy);
}

/** A question of the history before stands with its answers, as far as a review says so. */
function goOnAsking(
  run: Run,
  drift: Case,
  question: Question,
  { rule, outcome }: NonNullable<Run['asked']>,
): Promise<Next> {
  const decision = { ...drift.decision, outcome };
  run.stirred.add('unit');
  return putToPeople(run, { ...drift, decision }, question, rule);
}

async function putToPeople(
  run: Run,
  drift: Case,
  question: Question,
  rule: PolicyRule,
): Promise<Next> {
  const { finding } = drift;
  run.asked = { rule, outcome: drift.decision.outcome };
  const ground: Ground = {
    moved: () => differsOtherwise(run, finding),
    isInDoubt: () => run.stirred.size > 0,
    review: (open) => review(run, drift, open),
  };
  const answered = await ask(run, question, rule, ground, isToHandOver);
  if (!answered) return LOOK_AGAIN;
  await closeQuestion(run, statusOf(answered));
  switch (answered.kind) {
    case 'moved':
      return LOOK_AGAIN;
    case 'expired':
      return settleFor(run, finding, 'expired', 'Nobody decided in time; nothing was changed.');
    case 'reject':
      return settleFor(
        run,
        finding,
        'rejected',
        `Rejected by ${answered.by.person}; nothing was changed.`,
      );
    case 'snooze':
      return snooze(run, finding, {
        digest: finding.diffDigest,
        untilMs: answered.untilMs,
        person: answered.by.person,
      });
    case 'approve':
    case 'accept':
      return fixAsApproved(run, drift, question, answered);
  }
}

/**
 * Looks once more before acting: consent covers exactly the difference and the plan that were shown, and does not come from whom the
 * audit log has named as the author since.
 */
async function fixAsApproved(
  run: Run,
  drift: Case,
  question: Question,
  { kind, votes }: Extract<Answered, { kind: 'approve' | 'accept' }>,
): Promise<Next> {
  const detection = await detect(run);
  if (!detection.finding) return { end: gone(run, detection) };
  const present = asAskedAbout(caseOf(run, detection), drift);
  const planned = await plan(run, present);
  const chosen = planned.plans.find(
    (one) => one.fix === (kind === 'approve' ? 'revert' : 'accept'),
  );
  if (!chosen || planned.digest !== question.digest) return LOOK_AGAIN;
  const shown = { ...present, decision: planned.decision };
  const asked = questionOf(run, shown, planned, Date.parse(question.askedAt));
  if (!hasQuorum(asked, votes, kind)) return LOOK_AGAIN;
  return fix(run, present, chosen);
}

/** Ends the episode; a drift that was seen while it was ending starts the next one instead of being lost. */
async function close(
  run: Run,
  { outcome, message, isVerified, recurs }: NonNullable<Next['end']>,
): Promise<EpisodeResult> {
  enter(run, outcome, message);
  // Asked for even if nothing is known to be open: an attempt may have opened the episode and died before saying so.
  const { episodeId } = run;
  const at = new Date().toISOString();
  const closing = { episodeId, key: 'end', outcome, message, at };
  await CancellationScope.nonCancellable(() =>
    isVerified ? quick.closeEpisode(closing, 'close') : reads.closeEpisode(closing),
  );
  run.ended = { outcome, message };
  await drained();
  const next =
    unseen(run).find((one) => one.digest !== '')?.episodeId ?? (recurs && newEpisodeId());
  if (next) {
    await continueAsNew<typeof remediateDrift>({
      ref: run.input.ref,
      settle: run.input.settle,
      pendingGraceMs: run.input.pendingGraceMs,
      episodeId: next,
    });
  }
  return { episodeId: run.episodeId, outcome, message };
}

/** Where the observation that would have brought one may have been covered by the comparison. As long as those of the doors. */
function newEpisodeId(): string {
  return `d${uuid4().replaceAll('-', '').slice(0, 12)}`;
}

/** Hands over to a fresh history; messages that arrive meanwhile are delivered to the next run. */
async function startFresh(run: Run): Promise<void> {
  run.handsOver = true;
  await drained();
  await continueAsNew<typeof remediateDrift>({ ...run.input, carried: carriedOf(run) });
}
