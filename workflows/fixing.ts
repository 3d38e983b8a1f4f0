import type { Verified } from '../activities/types.ts';
import { describeFix } from '../drift/decide/describe.ts';
import type { Plan } from '../drift/decide/plan.ts';
import type { Finding } from '../drift/decide/record.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { execute } from './execute.ts';
import { type Case, coverAll, LOOK_AGAIN, type Next, type Run } from './remediation-run.ts';
import { enter, pass, show } from './run-state.ts';
import { failFor, settleFor } from './stay.ts';
import { follows, quick, reads, writes } from './steps.ts';
import { countFailure, retries, tooManyTries } from './tries.ts';

/** What Temporal keeps of a summary, with room for encryption. */
const MAX_SUMMARY_LENGTH = 200;

/** Carries out a plan, exactly as it was shown, and compares again. */
export async function fix(run: Run, drift: Case, chosen: Plan): Promise<Next> {
  const { finding } = drift;
  const { ref } = run.input;
  run.attempt += 1;
  enter(run, 'fixing', `**Fixing**: ${chosen.description}`);
  const { changeSet } = run.correction ?? {};
  // A change set of its own is opened, and the episode said to be fixing, by one step.
  if (changeSet) {
    const key = `fixing-${run.attempt}`;
    await reads.record({ episodeId: run.episodeId, key, outcome: 'fixing' });
  }
  const executed = await execute({
    episodeId: run.episodeId,
    attempt: run.attempt,
    plan: chosen,
    description: describeFix(finding, chosen),
    drift: { ref, diffDigest: finding.diffDigest },
    ...(changeSet && { changeSet }),
  });
  if (!executed.done) {
    const { code, message, undo } = executed;
    if (code === 'CONFLICT' && (retries(run) || (undo.length === 0 && isForPeople(run, drift)))) {
      return LOOK_AGAIN;
    }
    return failFor(run, finding, [message, ...undo].join(' '));
  }
  return verify(run, drift, chosen, executed.incomplete);
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
  pass(run, 'verifying', `**Verifying** ${formatResource(input.ref)}`);
  coverAll(run);
  const { ref } = input;
  let verified = await compareAfterFix(run, key);
  // Changed again, or elsewhere, since the fix: nobody has decided about that yet.
  const isNew = verified.recurred || !isCovered(drift.finding, chosen, verified.residue);
  if (isNew && (retries(run) || isForPeople(run, drift))) return LOOK_AGAIN;
  if (!isNew && verified.residue.length > 0 && verified.patchResidue && chosen.fix === 'revert') {
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
    const message = `${describeFix(drift.finding, chosen)}.${late}${rest}`;
    const { wasClosed } = verified;
    return { end: { outcome, message, isVerified: true, ...(wasClosed && { recurs: true }) } };
  }
  if (isUndone(drift.finding, verified.residue)) countFailure(run);
  const rest = `Still different: ${verified.residue.join(', ')}.`;
  const command = verified.finishCommand ? ` To finish by hand: ${verified.finishCommand}` : '';
  // What is left is settled, not the drift itself: made again, that is looked at anew.
  const left = { ...drift.finding, diffDigest: verified.diffDigest };
  return settleFor(run, left, 'partly-fixed', `${rest}${command}`);
}

/** Nobody was asked about the fix, and the next look asks, because there were too many of them. */
function isForPeople(run: Run, { decision }: Case): boolean {
  return decision.outcome === 'auto' && tooManyTries(run) !== undefined;
}

/** A declared field differs as before: an apply puts it back, so somebody has written it again. */
function isUndone({ changes }: Finding, residue: readonly string[]): boolean {
  return changes.some(({ path, op }) => op !== 'added' && residue.includes(path));
}

/** A rollout, which may take minutes, is followed by an activity of its own. */
async function compareAfterFix(run: Run, key: string): Promise<Verified> {
  const { episodeId, input } = run;
  const look = { episodeId, key, ref: input.ref };
  const first = { ...look, looksOnce: true } as const;
  const verified = await quick.verify(first, 'compare after the fix', () => show(run));
  if (verified.rollout !== 'progressing') return verified;
  show(run);
  return follows.verify.executeWithOptions({ summary: 'follow the rollout' }, [
    { ...look, key: `${key}-rollout`, wasClean: true },
  ]);
}

/** Consent covers the fields that were shown: those of the drift, and those that the plan said it would change. */
function isCovered(finding: Finding, chosen: Plan, paths: readonly string[]): boolean {
  const resource = formatResource(finding.ref);
  const { environment } = finding.ref;
  const reach = chosen.reach.filter(
    (one) => one.environment === environment && one.resource === resource,
  );
  const shown = new Set([...finding.changes, ...reach].map((one) => one.path));
  return paths.every((path) => shown.has(path));
}
