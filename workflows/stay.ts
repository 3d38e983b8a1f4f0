import { patched } from '@temporalio/workflow';
import type { HeldBy } from '../activities/types.ts';
import { summarise } from '../drift/decide/describe.ts';
import { QUIET_FOR_MS } from '../drift/decide/notice.ts';
import type { PolicyDecision } from '../drift/decide/policy.ts';
import type { Finding, Outcome } from '../drift/decide/record.ts';
import { formatResource } from '../drift/resource-ref.ts';
import type { Pause, Snoozed } from './messages.ts';
import {
  type Case,
  graceEndMs,
  hasMoved,
  LOOK_AGAIN,
  type Next,
  type Run,
  remember,
  type Standing,
  unseen,
} from './remediation-run.ts';
import { enter, isHistoryLong, isToHandOver } from './run-state.ts';
import { observation } from './settle.ts';
import { reads } from './steps.ts';
import { countFailure, endContest } from './tries.ts';
import { pause, pauseOver } from './try-again.ts';

// A run stays open while its drift exists: these are the ways to wait with a drift that is not being fixed.

/** Another run's fix of the same unit, with its rollout, says how it ended; longer is not waited for. */
const FIX_ENDS_WITHIN_MS = 15 * 60_000;

/** The run has done what it can for now: from here on it only waits. */
function rest(run: Run, phase: string, message: string, standing = phase): void {
  enter(run, phase, message);
  run.standing = { phase: standing, message };
  if (phase !== 'failed' && phase !== 'partly-fixed') endContest(run);
}

/** Records how the drift stands, then stays with it until it changes or ends. */
export async function settleFor(
  run: Run,
  finding: Finding,
  outcome: Outcome,
  message: string,
  decision?: PolicyDecision,
): Promise<Next> {
  remember(run, finding.diffDigest, { phase: outcome, message });
  await reads.record({
    episodeId: run.episodeId,
    key: `${outcome}-${run.looks}`,
    outcome,
    message,
    ...freeing(outcome),
    ...(decision && { rule: decision.rule, policyOutcome: decision.outcome }),
  });
  rest(run, outcome, message);
  return waitForChange(run, finding);
}

/** A rule that only tells or records leaves the unit to the rules of its other objects. */
function freeing(outcome: Outcome): { readonly freesUnit?: true } {
  return outcome === 'tracked' ? { freesUnit: true } : {};
}

const SETTLED_BEFORE: Standing = {
  phase: 'settled',
  message: 'It was decided about before; its record says how.',
};

/**
 * A difference that was decided about stays as it was settled. Another one may have been dealt with in between: the record must not
 * go on saying so, or others of the unit would wait for a question that nobody is asked.
 */
export async function staySettled(run: Run, finding: Finding): Promise<Next> {
  const settled = run.settled.get(finding.diffDigest);
  // Runs that began before this was recorded go on as they began.
  if (settled && patched('settled-again')) {
    const { phase: outcome, message } = settled;
    const key = `settled-${run.looks}`;
    await reads.record({ episodeId: run.episodeId, key, outcome, message, ...freeing(outcome) });
    rest(run, outcome, message);
  } else run.standing = settled ?? SETTLED_BEFORE;
  return waitForChange(run, finding);
}

/** A fix failed: it is recorded, and tried again later, because what was in the way may be gone by then. */
export async function failFor(run: Run, finding: Finding, message: string): Promise<Next> {
  countFailure(run);
  const key = `failed-${run.looks}`;
  await reads.record({ episodeId: run.episodeId, key, outcome: 'failed', message });
  return tryLater(run, pause(run, message, finding.diffDigest));
}

/** Waits before another try, in a fresh history for the rest of the time. */
export async function tryLater(run: Run, present: Pause): Promise<Next> {
  rest(run, 'failed', present.message);
  const { digest: failed } = present;
  // Runs that began when this woke them only after a fix go on as they began.
  const isAlive = () => failed !== undefined || patched('failures-are-stirred');
  await pauseOver(run, present, {
    wanted: () =>
      unseen(run).some(({ digest }) => digest !== failed) || (run.stirred.has('unit') && isAlive()),
    urgent: () => run.askedBy !== undefined && isAlive(),
  });
  return LOOK_AGAIN;
}

/**
 * Waits, without any limit but the drift's own, until the watcher sees something else. Being told the same again and again only
 * makes the history longer: before it is too long, a fresh run looks and goes on waiting.
 */
async function waitForChange(run: Run, finding: Finding): Promise<Next> {
  const isOver = () => hasMoved(run, finding) || isHistoryLong();
  await observation(isOver, undefined, 'until the drift changes');
  return LOOK_AGAIN;
}

/** Another run plans for the whole unit: it is waited for, and wakes this one when it ends. */
export async function waitForUnit(
  run: Run,
  { finding }: Case,
  { episodeId: sharedWith, resource }: HeldBy,
): Promise<Next> {
  run.askedBy = undefined;
  run.sharedWith = sharedWith;
  const message = `Shares the plan of ${resource}, which is in the same unit; waiting for that.`;
  const key = `shared-${run.looks}`;
  await reads.record({ episodeId: run.episodeId, key, outcome: 'waiting', message });
  rest(run, 'waiting', message, 'shared');
  return waitForChange(run, finding);
}

/**
 * Nothing differs any more while another run carries out the plan that was waited for: whether that did it is known once that run has
 * verified it and wakes this one. False where it says nothing for too long.
 */
export async function waitForFix(run: Run, resource: string): Promise<boolean> {
  rest(run, 'waiting', `Waiting for the end of the fix of ${resource}.`, 'shared');
  const isOver = () =>
    run.stirred.has('unit') || unseen(run).some((one) => one.digest !== '') || isToHandOver();
  return observation(isOver, Date.now() + FIX_ENDS_WITHIN_MS, `until ${resource} is fixed`);
}

/** Waits until the snooze is over, or the drift changes first. */
export async function snooze(run: Run, finding: Finding, snoozed: Snoozed): Promise<Next> {
  const { untilMs, person } = snoozed;
  const until = new Date(untilMs).toISOString();
  const message = `Snoozed by ${person} until ${until}.`;
  await reads.record({
    episodeId: run.episodeId,
    key: `snoozed-${run.looks}`,
    outcome: 'snoozed',
    message,
  });
  rest(run, 'snoozed', message);
  const isOver = () => hasMoved(run, finding) || isToHandOver();
  const isWoken = await observation(isOver, untilMs, `snoozed by ${person}`);
  // Whatever woke it: the same difference sleeps on, in a fresh history, too.
  if (isWoken) run.snoozed = snoozed;
  return LOOK_AGAIN;
}

/** A desired change that is not applied yet is somebody's work in progress: nobody is asked before the grace is over. */
export async function waitForApply(run: Run, { finding }: Case): Promise<Next> {
  const untilMs = graceEndMs(run);
  const until = new Date(untilMs).toISOString();
  const message = `Desired has changed and is not applied yet; asked about after ${until}.`;
  await reads.record({
    episodeId: run.episodeId,
    key: `pending-${run.looks}`,
    outcome: 'tracked',
    message,
  });
  rest(run, 'pending', message);
  await observation(() => hasMoved(run, finding) || isToHandOver(), untilMs, 'grace');
  return LOOK_AGAIN;
}

/** An automatic fix that has to wait: for a change to be applied, a cool-down, or a pause between fixes. */
export async function hold(
  run: Run,
  { finding }: Case,
  { untilMs, because }: { readonly untilMs: number; readonly because: string },
): Promise<Next> {
  const message = `Not fixed before ${new Date(untilMs).toISOString()}: ${because}.`;
  const key = `held-${run.looks}`;
  await reads.record({ episodeId: run.episodeId, key, outcome: 'tracked', message });
  rest(run, 'held', message);
  await observation(() => hasMoved(run, finding) || isToHandOver(), untilMs, because);
  return LOOK_AGAIN;
}

/** Tells people of a drift that lasts, without asking them; what is gone before is not worth a notice. */
export async function announce(run: Run, drift: Case): Promise<Next> {
  const { finding, decision, announceAtMs } = drift;
  const message = `Rule ${decision.rule} only tells of this drift.`;
  const { episodeId } = run;
  const { rule, outcome: policyOutcome } = decision;
  const key = `tracked-${run.looks}`;
  const noted = {
    outcome: 'tracked',
    message,
    ...freeing('tracked'),
    rule,
    policyOutcome,
  } as const;
  await reads.record({ episodeId, key, ...noted });
  rest(run, 'tracked', message);
  const isOver = () => hasMoved(run, finding) || isToHandOver();
  if (await observation(isOver, announceAtMs ?? 0, 'until it is announced')) return LOOK_AGAIN;
  await tell(run, finding, 'drift', `${formatResource(finding.ref)}: ${summarise(finding)}`);
  remember(run, finding.diffDigest, { phase: 'tracked', message });
  return waitForChange(run, finding);
}

/** A notice about the drift, or about what it is part of: each subject once for a while. */
export async function tell(
  run: Run,
  { ref }: Finding,
  kind: 'drift' | 'fight' | 'blast',
  message: string,
): Promise<void> {
  const id = `${run.episodeId}-${run.looks}-${kind}`;
  const { environment } = ref;
  const subject = kind === 'blast' ? environment : `${environment}/${formatResource(ref)}`;
  const notice = {
    ...{ id, kind, environment, message, episodeId: run.episodeId, addressees: [] },
    subject: `${kind}:${subject}`,
    at: new Date().toISOString(),
  };
  await reads.notify.executeWithOptions({ summary: kind }, [
    { episodeId: run.episodeId, key: id, notice, quietForMs: QUIET_FOR_MS[kind] },
  ]);
}

/** A step that no retry can mend (a right is missing, say): it is recorded, and the run stays to look again later. */
export async function stumble(run: Run, message: string): Promise<Next> {
  // A fix that cannot be finished has failed like any other: it must not be tried for ever without anybody being asked.
  if (run.phase === 'fixing' || run.phase === 'verifying') countFailure(run);
  rest(run, 'failed', message);
  run.askedBy = undefined;
  if (run.opened) {
    const key = `stumbled-${run.looks}`;
    await reads.record({ episodeId: run.episodeId, key, outcome: 'failed', message });
  }
  return tryLater(run, pause(run, message));
}

/** The episode stays open with its drift: a watcher that finds its run gone has another one take it up. */
export async function recordCancelled(run: Run, message: string): Promise<void> {
  if (!run.opened || run.ended) return;
  const key = `cancelled-${run.looks}`;
  await reads.record({ episodeId: run.episodeId, key, outcome: 'failed', message });
}
