import {
  ActivityFailure,
  continueAsNew,
  isCancellation,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Detection } from '../activities/types.ts';
import { describeFix } from '../drift/describe.ts';
import { makeQuestion } from '../drift/make-question.ts';
import type { Plan } from '../drift/plan.ts';
import { decide, type PolicyDecision } from '../drift/policy.ts';
import type { Finding, Outcome, Question } from '../drift/record.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { ask, closeQuestion, statusOf } from './ask.ts';
import { execute, reasonOf } from './execute.ts';
import type { EpisodeResult, Observation, RemediateInput } from './messages.ts';
import { drained, enter, isHistoryLong, openState, type RunState } from './run-state.ts';
import { SEVERITY, UNIT } from './search-attributes.ts';
import { observation, settle } from './settle.ts';
import { follows, reads, writes } from './steps.ts';

/** A run's state and what it remembers of its own history. */
type Run = RunState & {
  readonly input: RemediateInput;
  questionNumber: number;
  /** Fixes tried so far. */
  attempt: number;
  /** Comparisons so far. With `attempt` it makes the keys of steps, which must not repeat within an episode. */
  looks: number;
  /** Differences that people or failures have settled: not asked or tried again. */
  readonly decidedDigests: Set<string>;
  opened: boolean;
  /** A desired change has been left unapplied for long enough to ask about it. */
  graceOver: boolean;
  /** Observations up to here are covered by the last comparison. */
  seenSeq: number;
};

/** What the run is looking at: the difference, and what the policy makes of it. */
type Case = { readonly finding: Finding; readonly decision: PolicyDecision };

/** What became of one look: the episode ended, or the run looks again after the resource moved. */
type Next = { readonly end?: { readonly outcome: Outcome; readonly message: string } };

const LOOK_AGAIN: Next = {};
const MAX_REMEMBERED_DIGESTS = 50;
/** After a step that failed for good: long enough for a person to grant a right, short enough not to be forgotten. */
const LOOK_AGAIN_AFTER_MS = 15 * 60_000;

/**
 * The life of one drift: settle, detect, decide, then fix or ask, and stay until the drift is gone. It ends only by a verified
 * fix, by the drift's disappearance, or when nothing declares the resource any more.
 */
export async function remediateDrift(input: RemediateInput): Promise<EpisodeResult> {
  const run = openRun(input);
  for (;;) {
    await settle(run, input.settle);
    const next = await look(run);
    if (next.end) return close(run, next.end.outcome, next.end.message);
    if (isHistoryLong()) await startFresh(run);
  }
}

/** One look at the resource, and what follows from it. */
async function look(run: Run): Promise<Next> {
  try {
    const detection = await detect(run);
    if (!detection.finding) return { end: gone(run, detection) };
    return await act(run, { finding: detection.finding, decision: decideOn(detection) });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return stumble(run, reasonOf(error).message);
  }
}

/** A step that no retry can mend (a right is missing, say): it is recorded, and the run stays to look again later. */
async function stumble(run: Run, message: string): Promise<Next> {
  enter(run, 'failed', message);
  if (run.opened) {
    const key = `failed-${run.observation.seq}`;
    await reads.record({ episodeId: run.episodeId, key, outcome: 'failed', message });
  }
  const untilMs = Date.now() + LOOK_AGAIN_AFTER_MS;
  await observation(() => run.observation.seq > run.seenSeq, untilMs, 'until another look');
  return LOOK_AGAIN;
}

function openRun(input: RemediateInput): Run {
  const carried = input.carried;
  const first: Observation = carried?.observation ?? {
    seq: 0,
    digest: 'unseen',
    episodeId: input.episodeId,
  };
  return Object.assign(openState(input.episodeId, first), {
    input,
    questionNumber: carried?.questionNumber ?? 0,
    attempt: carried?.attempt ?? 0,
    looks: carried?.looks ?? 0,
    decidedDigests: new Set(carried?.decidedDigests ?? []),
    opened: carried?.opened ?? false,
    graceOver: false,
    seenSeq: first.seq,
  });
}

async function detect(run: Run): Promise<Detection> {
  enter(run, 'detecting', `Comparing **${formatResource(run.input.ref)}** with what is declared`);
  run.seenSeq = run.observation.seq;
  run.looks += 1;
  const detection = await reads.detect({
    episodeId: run.episodeId,
    key: `${run.looks}`,
    ref: run.input.ref,
    opened: run.opened,
  });
  if (detection.finding) {
    run.opened = true;
    const unit = detection.unit ? `${detection.unit.space}/${detection.unit.slug}` : null;
    upsertSearchAttributes([
      { key: SEVERITY, value: detection.finding.severity },
      { key: UNIT, value: unit },
    ]);
  }
  return detection;
}

function decideOn(detection: Detection): PolicyDecision {
  const { facts, rules, autoFix } = detection;
  if (!facts) throw new Error('a finding comes with facts');
  return decide(rules, facts, autoFix);
}

function gone(run: Run, detection: Detection): { outcome: Outcome; message: string } {
  if (!detection.inScope)
    return { outcome: 'resolved', message: 'Nothing declares this resource any more.' };
  const message = 'Drift resolved. Configuration now matches ConfigHub.';
  return { outcome: run.opened ? 'resolved' : 'transient', message };
}

async function act(run: Run, drift: Case): Promise<Next> {
  const { decision, finding } = drift;
  if (run.decidedDigests.has(finding.diffDigest)) return waitForChange(run, finding);
  if (finding.direction === 'reverse' && !run.graceOver) return waitForApply(run, drift);
  switch (decision.outcome) {
    case 'auto':
      return fixUnasked(run, drift);
    case 'ask':
      return askAndFix(run, drift);
    case 'notify':
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

/** A desired change that is not applied yet is somebody's work in progress: nobody is asked before the grace is over. */
async function waitForApply(run: Run, { finding }: Case): Promise<Next> {
  const { pendingGraceMs } = run.input;
  const message = `Desired has changed and is not applied yet; asked about in ${pendingGraceMs / 60_000} min.`;
  await reads.record({
    episodeId: run.episodeId,
    key: `pending-${run.looks}`,
    outcome: 'tracked',
    message,
  });
  enter(run, 'pending', message);
  const untilMs = Date.now() + pendingGraceMs;
  run.graceOver = !(await observation(() => hasMoved(run, finding), untilMs, 'grace'));
  return LOOK_AGAIN;
}

async function fixUnasked(run: Run, drift: Case): Promise<Next> {
  const planned = await plan(run, drift);
  const revert = planned.plans.find((one) => one.fix === 'revert');
  if (!revert)
    return settleFor(
      run,
      drift.finding,
      'failed',
      'There is no plan that reverts this drift.',
      drift.decision,
    );
  return fix(run, drift, revert);
}

async function askAndFix(run: Run, drift: Case): Promise<Next> {
  const { finding } = drift;
  const planned = await plan(run, drift);
  const question = nextQuestion(run, drift, planned);
  const answered = await ask(run, question, () => hasMoved(run, finding));
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
      return snooze(run, finding, answered.untilMs, answered.by.person);
    case 'approve':
    case 'accept':
      return fixAsApproved(run, drift, question, answered.kind);
  }
}

/** Looks once more before acting: consent covers exactly the difference and the plan that were shown. */
async function fixAsApproved(
  run: Run,
  approved: Case,
  question: Question,
  kind: 'approve' | 'accept',
): Promise<Next> {
  const detection = await detect(run);
  if (!detection.finding) return { end: gone(run, detection) };
  const present: Case = { finding: detection.finding, decision: approved.decision };
  const planned = await plan(run, present);
  const chosen = planned.plans.find(
    (one) => one.fix === (kind === 'approve' ? 'revert' : 'accept'),
  );
  if (!chosen || planned.digest !== question.digest) return LOOK_AGAIN;
  return fix(run, present, chosen);
}

async function fix(run: Run, drift: Case, chosen: Plan): Promise<Next> {
  const { finding } = drift;
  const { ref } = run.input;
  run.attempt += 1;
  enter(run, 'fixing', `**Fixing**: ${chosen.description}`);
  const executed = await execute({
    episodeId: run.episodeId,
    attempt: run.attempt,
    plan: chosen,
    description: describeFix(finding, chosen),
    drift: { ref, diffDigest: finding.diffDigest },
  });
  if (!executed.done) {
    if (executed.code === 'CONFLICT') return LOOK_AGAIN;
    return settleFor(run, finding, 'failed', [executed.message, ...executed.undo].join(' '));
  }
  return verify(run, drift, chosen);
}

/** Only an empty difference is called fixed. */
async function verify(run: Run, drift: Case, chosen: Plan): Promise<Next> {
  const key = `${run.attempt}`;
  const { episodeId, input } = run;
  enter(run, 'verifying', `**Verifying** ${formatResource(input.ref)}`);
  run.seenSeq = run.observation.seq;
  let verified = await follows.verify({ episodeId, key, ref: input.ref });
  if (verified.residue.length > 0 && verified.patchResidue) {
    await writes.removeResidue({ episodeId, key, ref: input.ref });
    verified = await follows.verify({ episodeId, key: `${key}-residue`, ref: input.ref });
  }
  if (verified.residue.length === 0) {
    const outcome = chosen.fix === 'accept' ? 'accepted' : 'fixed';
    const late = verified.rollout === 'unfinished' ? ' The rollout has not finished yet.' : '';
    return { end: { outcome, message: `${describeFix(drift.finding, chosen)}.${late}` } };
  }
  const rest = `Still different: ${verified.residue.join(', ')}.`;
  const command = verified.finishCommand ? ` To finish by hand: ${verified.finishCommand}` : '';
  return settleFor(run, drift.finding, 'partly-fixed', `${rest}${command}`);
}

/** Records how the drift stands, then stays with it until it changes or ends. */
async function settleFor(
  run: Run,
  finding: Finding,
  outcome: Outcome,
  message: string,
  decision?: PolicyDecision,
): Promise<Next> {
  remember(run, finding.diffDigest);
  await reads.record({
    episodeId: run.episodeId,
    key: `${outcome}-${run.looks}`,
    outcome,
    message,
    ...(decision && { rule: decision.rule, policyOutcome: decision.outcome }),
  });
  enter(run, outcome, message);
  return waitForChange(run, finding);
}

async function waitForChange(run: Run, finding: Finding): Promise<Next> {
  await observation(() => hasMoved(run, finding), undefined, 'until the drift changes');
  return LOOK_AGAIN;
}

async function snooze(run: Run, finding: Finding, untilMs: number, person: string): Promise<Next> {
  const until = new Date(untilMs).toISOString();
  const message = `Snoozed by ${person} until ${until}.`;
  await reads.record({
    episodeId: run.episodeId,
    key: `snoozed-${run.looks}`,
    outcome: 'snoozed',
    message,
  });
  enter(run, 'snoozed', message);
  await observation(() => hasMoved(run, finding), untilMs, `snoozed by ${person}`);
  return LOOK_AGAIN;
}

async function plan(run: Run, drift: Case) {
  return reads.plan({
    episodeId: run.episodeId,
    key: `${run.looks}`,
    ref: run.input.ref,
    finding: drift.finding,
    rule: drift.decision.policy,
  });
}

/** True once the watcher has seen something else, after our look, than the difference that is being dealt with. */
function hasMoved(run: Run, finding: Finding): boolean {
  return run.observation.seq > run.seenSeq && run.observation.digest !== finding.diffDigest;
}

function nextQuestion(
  run: Run,
  { finding, decision }: Case,
  planned: { plans: readonly Plan[]; digest: string },
): Question {
  run.questionNumber += 1;
  const { episodeId, questionNumber: number } = run;
  const { workflowId } = workflowInfo();
  return makeQuestion({
    episodeId,
    workflowId,
    number,
    finding,
    decision,
    planned,
    nowMs: Date.now(),
  });
}

function remember(run: Run, digest: string): void {
  run.decidedDigests.add(digest);
  const [oldest] = run.decidedDigests;
  if (run.decidedDigests.size > MAX_REMEMBERED_DIGESTS && oldest) run.decidedDigests.delete(oldest);
}

/** Ends the episode; a drift that was seen while it was ending starts the next one instead of being lost. */
async function close(run: Run, outcome: Outcome, message: string): Promise<EpisodeResult> {
  enter(run, outcome, message);
  if (run.opened) {
    await reads.closeEpisode({
      episodeId: run.episodeId,
      key: 'end',
      outcome,
      message,
      at: new Date().toISOString(),
    });
  }
  await drained();
  const latest = run.observation;
  if (latest.seq > run.seenSeq && latest.digest !== '') {
    await continueAsNew<typeof remediateDrift>({
      ref: run.input.ref,
      settle: run.input.settle,
      pendingGraceMs: run.input.pendingGraceMs,
      episodeId: latest.episodeId,
    });
  }
  return { episodeId: run.episodeId, outcome, message };
}

/** Hands over to a fresh history; messages that arrive meanwhile are delivered to the next run. */
async function startFresh(run: Run): Promise<void> {
  await drained();
  await continueAsNew<typeof remediateDrift>({
    ...run.input,
    carried: {
      observation: run.observation,
      questionNumber: run.questionNumber,
      attempt: run.attempt,
      looks: run.looks,
      decidedDigests: [...run.decidedDigests],
      opened: run.opened,
    },
  });
}
