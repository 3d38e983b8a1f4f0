import {
  ActivityFailure,
  continueAsNew,
  isCancellation,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Detection, DriftPlans } from '../activities/types.ts';
import { describeFix } from '../drift/describe.ts';
import { makeQuestion } from '../drift/make-question.ts';
import { overwrittenKept, type Plan } from '../drift/plan.ts';
import { askInstead } from '../drift/policy-rule.ts';
import type { Finding, Outcome, Question } from '../drift/record.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { ask, closeQuestion, statusOf } from './ask.ts';
import { confirm } from './confirm-drift.ts';
import { execute, reasonOf } from './execute.ts';
import type { EpisodeResult, RemediateInput } from './messages.ts';
import {
  type Case,
  coverAll,
  hasMoved,
  LOOK_AGAIN,
  type Next,
  openRun,
  type Run,
  unseen,
} from './remediation-run.ts';
import { drained, enter, isHistoryLong } from './run-state.ts';
import { SEVERITY, UNIT } from './search-attributes.ts';
import { settle } from './settle.ts';
import {
  announce,
  failFor,
  hold,
  settleFor,
  snooze,
  stumble,
  tell,
  waitForApply,
  waitForChange,
  waitForUnit,
} from './stay.ts';
import { follows, reads, writes } from './steps.ts';

/** Somebody else writes the unit each time that it is to be fixed: after so many times a person must look. */
const MAX_CONFLICTS = 5;
/** Failed fixes of one difference before a person is asked. */
const MAX_FAILURES = 3;
/** What Temporal keeps of a summary, with room for encryption. */
const MAX_SUMMARY_LENGTH = 200;

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
    return await act(run, caseOf(run, detection), detection.confirms === true);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { code, message } = reasonOf(error);
    return code === 'CONFLICT' && retries(run) ? LOOK_AGAIN : stumble(run, message);
  }
}

async function detect(run: Run): Promise<Detection> {
  enter(run, 'detecting', `Comparing **${formatResource(run.input.ref)}** with what is declared`);
  coverAll(run);
  run.looks += 1;
  const { episodeId, opened, graceOver, sharedWith, input } = run;
  const look = {
    ...{ episodeId, key: `${run.looks}`, ref: input.ref, opened, graceOver },
    ...(sharedWith !== undefined && { sharedWith }),
  };
  const detection = await reads.detect.executeWithOptions({ summary: 'compare' }, [look]);
  if (detection.finding) {
    run.opened = true;
    if (detection.finding.diffDigest !== run.lastDigest) {
      run.lastDigest = detection.finding.diffDigest;
      run.conflicts = 0;
      run.failures = 0;
    }
    const unit = detection.unit ? `${detection.unit.space}/${detection.unit.slug}` : null;
    upsertSearchAttributes([
      { key: SEVERITY, value: detection.finding.severity },
      { key: UNIT, value: unit },
    ]);
  }
  return detection;
}

function caseOf(run: Run, { finding, judgement }: Detection): Case {
  if (!finding || !judgement) throw new Error('a finding comes with a judgement');
  const because = run.askedBy === undefined ? tooManyFailures(run) : `asked for by ${run.askedBy}`;
  if (because === undefined) return { finding, ...judgement };
  return { finding, ...judgement, decision: askInstead(judgement.decision, because) };
}

/** What keeps failing by itself is for people. */
function tooManyFailures(run: Run): string | undefined {
  return run.failures < MAX_FAILURES ? undefined : `the fix has failed ${run.failures} times`;
}

function gone(run: Run, detection: Detection): { outcome: Outcome; message: string } {
  if (!detection.inScope)
    return { outcome: 'resolved', message: 'Nothing declares this resource any more.' };
  if (detection.fixedWith !== undefined)
    return { outcome: 'fixed', message: `Fixed together with ${detection.fixedWith}.` };
  const message = 'Drift resolved. Configuration now matches ConfigHub.';
  return { outcome: run.opened ? 'resolved' : 'transient', message };
}

async function act(run: Run, drift: Case, confirms: boolean): Promise<Next> {
  const { finding } = drift;
  const isAskedFor = run.askedBy !== undefined;
  if (!isAskedFor && run.decidedDigests.has(finding.diffDigest)) return waitForChange(run, finding);
  if (finding.direction === 'reverse' && !run.graceOver && !isAskedFor) {
    return waitForApply(run, drift);
  }
  const confirmed = confirms ? await confirm(run, drift) : { drift };
  return 'next' in confirmed ? confirmed.next : respond(run, confirmed.drift, isAskedFor);
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
 * An automatic fix, unless its apply would write over a value that an ignore rule keeps, or change another drift of the unit that
 * its own rule does not fix: that is for people.
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
  const kept = overwrittenKept(revert);
  if (kept.length > 0 || planned.decision.outcome !== 'auto') return askAndFix(run, drift, planned);
  return fix(run, drift, revert);
}

async function askAndFix(run: Run, drift: Case, known?: DriftPlans): Promise<Next> {
  const { finding } = drift;
  const planned = known ?? (await plan(run, drift));
  if (planned.heldBy) return waitForUnit(run, drift, planned.heldBy);
  const { decision } = planned;
  const question = nextQuestion(run, { ...drift, decision }, planned);
  run.askedBy = undefined;
  await tellOfIncident(run, drift);
  const answered = await ask(run, question, decision.policy, () => hasMoved(run, finding));
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
      return fixAsApproved(run, question, answered.kind);
  }
}

/** A fight is told of once, and so is what makes much drift at once: then the question is one of many. */
async function tellOfIncident(run: Run, { finding, verdict }: Case): Promise<void> {
  if (verdict?.kind !== 'ask' || verdict.incident === undefined) return;
  await tell(run, finding, verdict.incident, verdict.because);
}

/** With a dry run nothing is done: the record says what would be. */
async function rehearse(run: Run, drift: Case): Promise<Next> {
  const { decision, finding, verdict } = drift;
  const { plans } = await plan(run, drift, { looksOnly: true });
  const does = plans.find((one) => one.fix === 'revert')?.description ?? 'nothing';
  const when = decision.outcome === 'auto' && verdict?.kind !== 'wait' ? 'now' : 'after asking';
  const message = `Dry run by rule ${decision.rule}: ${does}, ${when}.`;
  return settleFor(run, finding, 'tracked', message, decision);
}

/** Looks once more before acting: consent covers exactly the difference and the plan that were shown. */
async function fixAsApproved(
  run: Run,
  question: Question,
  kind: 'approve' | 'accept',
): Promise<Next> {
  const detection = await detect(run);
  if (!detection.finding) return { end: gone(run, detection) };
  const present = caseOf(run, detection);
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
    if (executed.code === 'CONFLICT' && retries(run)) return LOOK_AGAIN;
    return failFor(run, finding, [executed.message, ...executed.undo].join(' '));
  }
  return verify(run, drift, chosen, executed.incomplete);
}

/** Counts another try at the same difference; false once there were too many of them. */
function retries(run: Run): boolean {
  run.conflicts += 1;
  return run.conflicts < MAX_CONFLICTS;
}

/** Only an empty difference is called fixed. */
async function verify(
  run: Run,
  drift: Case,
  chosen: Plan,
  incomplete: string | undefined,
): Promise<Next> {
  const key = `${run.attempt}`;
  const { episodeId, input } = run;
  enter(run, 'verifying', `**Verifying** ${formatResource(input.ref)}`);
  coverAll(run);
  const { ref } = input;
  let verified = await follows.verify.executeWithOptions({ summary: 'compare after the fix' }, [
    { episodeId, key, ref },
  ]);
  // Changed again, or elsewhere, since the fix: nobody has decided about that yet.
  const isNew = verified.recurred || !isCovered(drift.finding, chosen, verified.residue);
  if (isNew && retries(run)) return LOOK_AGAIN;
  if (verified.residue.length > 0 && verified.patchResidue && chosen.fix === 'revert') {
    const summary = `remove ${verified.residue.join(', ')}`.slice(0, MAX_SUMMARY_LENGTH);
    const { diffDigest } = verified;
    await writes.removeResidue.executeWithOptions({ summary }, [
      { episodeId, key, ref, diffDigest },
    ]);
    verified = await follows.verify({ episodeId, key: `${key}-residue`, ref });
  }
  if (verified.residue.length === 0) {
    const outcome = chosen.fix === 'accept' ? 'accepted' : 'fixed';
    const late = verified.rollout === 'unfinished' ? ' The rollout has not finished yet.' : '';
    const rest = incomplete === undefined ? '' : ` Not done: ${incomplete}`;
    return { end: { outcome, message: `${describeFix(drift.finding, chosen)}.${late}${rest}` } };
  }
  const rest = `Still different: ${verified.residue.join(', ')}.`;
  const command = verified.finishCommand ? ` To finish by hand: ${verified.finishCommand}` : '';
  // What is left is settled, not the drift itself: made again, that is looked at anew.
  const left = { ...drift.finding, diffDigest: verified.diffDigest };
  return settleFor(run, left, 'partly-fixed', `${rest}${command}`);
}

/** Consent covers the fields that were shown: those of the drift, and those that the plan said it would change. */
function isCovered(finding: Finding, chosen: Plan, paths: readonly string[]): boolean {
  const resource = formatResource(finding.ref);
  const reach = chosen.reach.filter((one) => one.resource === resource);
  const shown = new Set([...finding.changes, ...reach].map((one) => one.path));
  return paths.every((path) => shown.has(path));
}

async function plan(
  run: Run,
  { finding, decision }: Case,
  mode: { readonly looksOnly?: true } = {},
): Promise<DriftPlans> {
  const { episodeId, looks, input } = run;
  return reads.plan.executeWithOptions({ summary: `plan by rule ${decision.rule}` }, [
    { episodeId, key: `${looks}`, ref: input.ref, finding, decision, ...mode },
  ]);
}

function nextQuestion(
  run: Run,
  { finding, decision, verdict, frozen, caution }: Case,
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
    ...(verdict?.kind === 'ask' && verdict.fights && { fights: verdict.fights }),
    ...(frozen && { frozen }),
    ...(caution !== undefined && { caution }),
  });
}

/** Ends the episode; a drift that was seen while it was ending starts the next one instead of being lost. */
async function close(run: Run, outcome: Outcome, message: string): Promise<EpisodeResult> {
  enter(run, outcome, message);
  // Asked for even if nothing is known to be open: an attempt may have opened the episode and died before saying so.
  const { episodeId } = run;
  const at = new Date().toISOString();
  await reads.closeEpisode({ episodeId, key: 'end', outcome, message, at });
  await drained();
  const next = unseen(run).find((one) => one.digest !== '');
  if (next) {
    await continueAsNew<typeof remediateDrift>({
      ref: run.input.ref,
      settle: run.input.settle,
      pendingGraceMs: run.input.pendingGraceMs,
      episodeId: next.episodeId,
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
      ...(run.askedBy !== undefined && { askedBy: run.askedBy }),
      ...(run.sharedWith !== undefined && { sharedWith: run.sharedWith }),
    },
  });
}
