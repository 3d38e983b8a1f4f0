import type { Detection } from '../activities/types.ts';
import { askInstead, type PolicyDecision } from '../drift/decide/policy-rule.ts';
import type { Finding, Outcome } from '../drift/decide/record.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { type Case, coverAll, graceEndMs, type Run } from './remediation-run.ts';
import { note, pass, show } from './run-state.ts';
import { SEVERITY, UNIT } from './search-attributes.ts';
import { quick } from './steps.ts';
import { countAnother, tooManyTries } from './tries.ts';

/** Compares desired and live afresh. Whatever was observed until now is covered by it. */
export async function detect(run: Run): Promise<Detection> {
  pass(run, 'detecting', `Comparing **${formatResource(run.input.ref)}** with what is declared`);
  coverAll(run);
  run.looks += 1;
  run.isGraceOver = run.pendingSinceMs !== undefined && Date.now() >= graceEndMs(run);
  const { episodeId, opened, sharedWith, input, isGraceOver: graceOver } = run;
  const look = {
    ...{ episodeId, key: `${run.looks}`, ref: input.ref, opened, graceOver },
    ...(sharedWith !== undefined && { sharedWith }),
  };
  const detection = await quick.detect(look, 'compare', () => show(run));
  if (detection.finding) {
    run.opened = true;
    // What another run's plan did away with differs no more; whatever does is waited for anew, or is this run's own.
    run.sharedWith = undefined;
    noteWhatIsPending(run, detection.finding);
    run.isUndeclared = detection.unit === undefined;
    if (run.isUndeclared) run.askedBy = undefined;
    countAnother(run, detection.finding.diffDigest);
    const unit = detection.unit ? `${detection.unit.space}/${detection.unit.slug}` : null;
    note(run, { key: SEVERITY, value: detection.finding.severity }, { key: UNIT, value: unit });
  }
  return detection;
}

/** The grace begins once: with the first change that is not applied, or with one after another was decided about. */
function noteWhatIsPending(run: Run, { direction, diffDigest }: Finding): void {
  const { lastDigest, decidedDigests } = run;
  const isAhead = direction === 'reverse' || direction === 'both';
  const isDecided = lastDigest !== undefined && decidedDigests.has(lastDigest);
  const isNext = isDecided && lastDigest !== diffDigest;
  if (!isAhead) run.pendingSinceMs = undefined;
  else if (run.pendingSinceMs === undefined || isNext) run.pendingSinceMs = Date.now();
}

/** What is found, and what the policy makes of it: what somebody wants to be asked about, or what keeps failing, is for people. */
export function caseOf(run: Run, { finding, judgement, confirms, explain }: Detection): Case {
  if (!finding || !judgement) throw new Error('a finding comes with a judgement');
  const decision = insteadOf(run, judgement.decision);
  // What is only recorded is looked at by nobody now: an explanation would cost money for its own sake.
  const explains = explain === true && decision.outcome !== 'track';
  return { finding, ...judgement, decision, confirms: confirms === true, explains };
}

/**
 * What is found now, to be planned for as when people were asked: why an automatic fix became a question may be over, and that alone
 * makes it no other question.
 */
export function asAskedAbout(present: Case, asked: Case): Case {
  const { outcome } = asked.decision;
  return { ...present, decision: { ...present.decision, outcome } };
}

/** A rule that only tells or records goes on doing so, whatever was tried under another one. */
function insteadOf(run: Run, decision: PolicyDecision): PolicyDecision {
  if (run.askedBy !== undefined) return askInstead(decision, `asked for by ${run.askedBy}`);
  const fixes = decision.outcome === 'auto' || decision.outcome === 'ask';
  const because = fixes ? tooManyTries(run) : undefined;
  return because === undefined ? decision : askInstead(decision, because);
}

/** How the episode ends when nothing differs any more. */
export function gone(run: Run, detection: Detection): { outcome: Outcome; message: string } {
  if (!detection.inScope)
    return { outcome: 'resolved', message: 'Nothing declares this resource any more.' };
  if (detection.fixedWith !== undefined)
    return { outcome: 'fixed', message: `Fixed together with ${detection.fixedWith}.` };
  const message = 'Drift resolved. Configuration now matches ConfigHub.';
  return { outcome: run.opened ? 'resolved' : 'transient', message };
}
