import { workflowInfo } from '@temporalio/workflow';
import type { RollbackPart, RollbackPlan } from '../activities/command-types.ts';
import { type PlannedUnit, shortened, type UnitResult } from '../drift/decide/command-run.ts';
import { makeUnitQuestion } from '../drift/decide/make-unit-question.ts';
import { describeStep, type PlanStep, type UnitRef } from '../drift/decide/plan.ts';
import { rollbackDescription } from '../drift/decide/rollback.ts';
import { ask, closeQuestion, statusOf } from './ask.ts';
import { describeCancelled, orLeave } from './cancelled.ts';
import { begin, type CommandInput, finish, note, recorded } from './command-run.ts';
import { execute } from './execute.ts';
import { drained, enter, openState, type RunState } from './run-state.ts';
import { observation } from './settle.ts';
import { follows, reads } from './steps.ts';

export type RollbackInput = CommandInput & {
  /** `space/slug`. */
  readonly changeSet: string;
};

/** A rollback on its way: how often it has planned and asked. */
type Rollback = {
  readonly input: RollbackInput;
  readonly state: RunState;
  round: number;
  asked: number;
};

/**
 * Takes one ConfigHub ChangeSet back, in all environments or in none: every environment whose policy asks is asked first, then the
 * units get the data that they had before, are applied and compared. What fails on the way puts everything back as it was.
 */
export async function rollback(input: RollbackInput): Promise<void> {
  const { runId } = input;
  const state = openState(runId, { seq: 0, digest: '', episodeId: runId });
  await begin(input, 'rollback', input.changeSet);
  const work: Rollback = { input, state, round: 0, asked: 0 };
  const rollBack = async () => {
    let isOver = false;
    while (!isOver) isOver = await attempt(work);
  };
  const describe = (error: unknown) => describeCancelled(error, state.phase);
  await orLeave(state, () => recorded(input, rollBack, describe));
  // A step that failed for good may have left its question open.
  await closeQuestion(state, 'withdrawn');
  await drained();
}

/** What a rollback would do. Changes nothing. */
export async function previewRollback({ changeSet }: Pick<RollbackInput, 'changeSet'>): Promise<{
  readonly changeSet: string;
  readonly units: readonly PlannedUnit[];
}> {
  const { workflowId } = workflowInfo();
  const step = { episodeId: workflowId, key: 'preview' };
  const planned = await reads.planRollback({ ...step, changeSet });
  const { space, slug } = planned.changeSet;
  return {
    changeSet: `${space}/${slug}`,
    units: [...planned.parts.flatMap(toPlanned), ...rest(planned)],
  };
}

/** One plan, the questions about it, and its execution; false when the ground has shifted and it is to be planned anew. */
async function attempt(work: Rollback): Promise<boolean> {
  const planned = await plan(work);
  for (const part of planned.parts.filter((one) => one.outcome === 'ask')) {
    const answer = await askAbout(work, part);
    if (answer === 'again') return false;
    if (answer !== 'approved') {
      await finish(work.input, 'refused', answer);
      return true;
    }
  }
  // Consent covers exactly what was shown.
  if (work.asked > 0 && digestsOf(await plan(work)) !== digestsOf(planned)) return false;
  await carryOut(work, planned);
  return true;
}

function plan(work: Rollback): Promise<RollbackPlan> {
  const { runId, changeSet } = work.input;
  work.round += 1;
  enter(work.state, 'detecting', `Planning to roll back **${changeSet}**`);
  return reads.planRollback({ episodeId: runId, key: `${work.round}`, changeSet });
}

function digestsOf({ parts }: RollbackPlan): string {
  return parts.map((one) => one.digest).join();
}

/** `approved`, `again` after a snooze, or why nothing is rolled back. */
async function askAbout(work: Rollback, part: RollbackPart): Promise<string> {
  const { input, state } = work;
  work.asked += 1;
  const { environment, rule, frozen, summary } = part;
  const [first] = part.units;
  const question = makeUnitQuestion({
    ...{ kind: 'rollback', episodeId: input.runId, workflowId: workflowInfo().workflowId },
    ...{ number: work.asked, environment, rule, summary, planned: part, nowMs: Date.now() },
    unit: first ? nameOf(first) : '',
    requestedBy: input.requestedBy,
    ...(frozen && { frozen }),
  });
  const message = `Waits for a decision about ${environment}: question ${question.id}.`;
  await note(input, question.id, { status: 'waiting', message });
  const answered = await ask(state, question, rule, { moved: () => false });
  await closeQuestion(state, statusOf(answered));
  switch (answered.kind) {
    case 'approve':
      await note(input, `${question.id}-approved`, { status: 'running', message: 'Approved.' });
      return 'approved';
    case 'snooze':
      await observation(() => false, answered.untilMs, `snoozed by ${answered.by.person}`);
      return 'again';
    case 'reject':
      return `Rejected by ${answered.by.person} for ${environment}; nothing was changed.`;
    default:
      return `Nobody decided about ${environment} in time; nothing was changed.`;
  }
}

async function carryOut(work: Rollback, planned: RollbackPlan): Promise<void> {
  const { input, state } = work;
  const steps = planned.parts.flatMap((part) => part.plans.flatMap((one) => one.steps));
  const reach = planned.parts.flatMap((part) => part.plans.flatMap((one) => one.reach));
  const description = rollbackDescription(planned.changeSet);
  enter(state, 'fixing', `**Rolling back** ${input.changeSet}`);
  const whole = { fix: 'revert', steps, reach, description } as const;
  const done = await execute({
    ...{ episodeId: input.runId, attempt: work.round, plan: whole, description },
  });
  if (!done.done) {
    const message = [`Not rolled back: ${done.message}`, ...done.undo].join(' ');
    const failed = planned.parts.flatMap(toResults('failed', done.message));
    enter(state, 'failed', message);
    await finish(input, 'failed', message, failed);
    return;
  }
  enter(state, 'verifying', `**Verifying** the rollback of ${input.changeSet}`);
  const results: UnitResult[] = [...planned.unchanged];
  for (const { environment, units } of planned.parts) {
    for (const unit of units) results.push(await verify(input, environment, unit));
  }
  enter(state, 'fixed', `${description}.`);
  await finish(input, 'completed', `${description}.`, results);
}

async function verify(
  { runId }: RollbackInput,
  environment: string,
  unit: UnitRef,
): Promise<UnitResult> {
  const step = { episodeId: runId, key: unit.unitId };
  const { residue, rollout } = await follows.verifyUnit({ ...step, unit, environment });
  const rest = residue.length === 0 ? '' : `; still different: ${residue.join(', ')}`;
  const late = rollout === 'unfinished' ? '; the rollout has not finished yet' : '';
  const reason = `restored and applied${rest}${late}`;
  return { environment, unit: nameOf(unit), result: 'restored', reason };
}

function toResults(result: UnitResult['result'], reason: string) {
  return ({ environment, units }: RollbackPart): readonly UnitResult[] =>
    units.map((unit) => ({ environment, unit: nameOf(unit), result, reason }));
}

/** Each unit of a part with its own steps; the reach is the part's, shown with its first unit. */
function toPlanned({ environment, units, rule, outcome, plans }: RollbackPart): PlannedUnit[] {
  const [plan] = plans;
  return units.map((unit, index) => {
    const steps = plan?.steps.filter((step) => step.unit.unitId === unit.unitId) ?? [];
    const reach = index === 0 ? (plan?.reach ?? []) : [];
    return {
      ...{ environment, unit: nameOf(unit), outcome, rule: rule.name },
      ...(plan && {
        plan: shortened({ ...plan, steps, reach, description: descriptionOf(steps) }),
      }),
    };
  });
}

function descriptionOf(steps: readonly PlanStep[]): string {
  return steps.map(describeStep).join(', then ');
}

function rest({ unchanged }: RollbackPlan): readonly PlannedUnit[] {
  return unchanged.map(({ environment, unit, reason: because }) => {
    return { environment, unit, outcome: 'none', because };
  });
}

function nameOf({ space, slug }: UnitRef): string {
  return `${space}/${slug}`;
}
