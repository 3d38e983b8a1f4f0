import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { RollbackPart, RollbackPlan } from '../activities/command-types.ts';
import { type PlannedUnit, shortened, type UnitResult } from '../drift/decide/command-run.ts';
import { makeUnitQuestion } from '../drift/decide/make-unit-question.ts';
import { describeStep, type PlanStep, type UnitRef } from '../drift/decide/plan.ts';
import type { Question } from '../drift/decide/record.ts';
import { rollbackDescription } from '../drift/decide/rollback.ts';
import { type Answered, answerUntilNow, ask, closeQuestion, statusOf } from './ask.ts';
import { describeCancelled, orLeave } from './cancelled.ts';
import { carriedQuestion, takeUp } from './carried-question.ts';
import { begin, type CommandInput, finish, note, recorded } from './command-run.ts';
import { execute } from './execute.ts';
import type { OpenQuestion } from './messages.ts';
import { drained, enter, isToHandOver, openState, type RunState } from './run-state.ts';
import { observation } from './settle.ts';
import { follows, reads } from './steps.ts';

export type RollbackInput = CommandInput & {
  /** `space/slug`. */
  readonly changeSet: string;
  /** State handed to a fresh history. */
  readonly carried?: Progress & { readonly open?: OpenQuestion };
};

/** How far a rollback is: how often it has planned and asked, and what for. */
type Progress = {
  round: number;
  asked: number;
  /** Digests of what was planned last, and of the parts of it that were approved: consent to one plan is none to another. */
  planned?: string;
  approved: readonly string[];
  snoozed?: { readonly untilMs: number; readonly person: string };
};

type Rollback = Progress & { readonly input: RollbackInput; readonly state: RunState };

/**
 * Takes one ConfigHub ChangeSet back, in all environments or in none: every environment whose policy asks is asked first, then the
 * units get the data that they had before, are applied and compared. What fails on the way puts everything back as it was.
 */
export async function rollback(input: RollbackInput): Promise<void> {
  const { runId, carried } = input;
  const state = openState(runId, { seq: 0, digest: '', episodeId: runId });
  const { open, ...progress } = carried ?? { round: 0, asked: 0, approved: [] };
  takeUp(state, open);
  if (!carried) await begin(input, 'rollback', input.changeSet);
  const work: Rollback = { ...progress, input, state };
  const rollBack = async () => {
    while (!(await attempt(work))) if (isToHandOver()) await startFresh(work);
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

/** Goes on in a fresh history: the question that is open stays so, with its answers, and so does what was approved before it. */
async function startFresh({ input, state, ...progress }: Rollback): Promise<void> {
  await drained();
  const open = carriedQuestion(state);
  const carried = { ...progress, ...(open && { open }) };
  await continueAsNew<typeof rollback>({ ...input, carried });
}

/**
 * One plan, the questions about it, and its execution; false when the ground has shifted and it is to be planned anew, or when a fresh
 * history is to go on.
 */
async function attempt(work: Rollback): Promise<boolean> {
  if (!(await isSnoozeOver(work))) return false;
  const planned = await plan(work);
  const refusal = await startOverIfOther(work, digestsOf(planned));
  if (refusal !== undefined) return refusal === 'later' ? false : end(work, refusal);
  const parts = planned.parts.filter(({ outcome }) => outcome === 'ask');
  for (const part of parts.filter(({ digest }) => !work.approved.includes(digest))) {
    const answer = await askAbout(work, part);
    if (answer === 'later') return false;
    if (answer !== 'approved') return end(work, answer);
    work.approved = [...work.approved, part.digest];
  }
  // Nobody need be asked any more what the history before did ask.
  await closeQuestion(work.state, 'withdrawn');
  // Consent covers exactly what was shown.
  if (work.asked > 0 && digestsOf(await plan(work)) !== digestsOf(planned)) {
    forgetConsent(work);
    return false;
  }
  await carryOut(work, planned);
  return true;
}

async function end({ input }: Rollback, refusal: string): Promise<true> {
  await finish(input, 'refused', refusal);
  return true;
}

/**
 * Who was asked about something else has not consented to this; but who has stopped that, meanwhile, has stopped it all. Answers as
 * `conclude`, or with undefined where there is nothing in the way.
 */
async function startOverIfOther(work: Rollback, planned: string): Promise<string | undefined> {
  const { state } = work;
  if (work.planned === planned) return undefined;
  const { environment = '' } = state.question ?? {};
  const answered = await answerUntilNow(state);
  forgetConsent(work);
  work.planned = planned;
  if (answered && answered.kind !== 'approve') return conclude(work, environment, answered);
  await closeQuestion(state, 'withdrawn');
  return undefined;
}

function forgetConsent(work: Rollback): void {
  work.approved = [];
  delete work.planned;
}

/** False where a fresh history is to sleep on. */
async function isSnoozeOver(work: Rollback): Promise<boolean> {
  const { snoozed } = work;
  if (!snoozed) return true;
  const { untilMs, person } = snoozed;
  if (await observation(isToHandOver, untilMs, `snoozed by ${person}`)) return false;
  delete work.snoozed;
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

/** `approved`, `later` after a snooze or in a fresh history, or why nothing is rolled back. */
async function askAbout(work: Rollback, part: RollbackPart): Promise<string> {
  const { input, state } = work;
  const { environment, rule } = part;
  const isOpen = state.question?.digest === part.digest;
  const question = isOpen && state.question ? state.question : questionOf(work, part);
  const message = `Waits for a decision about ${environment}: question ${question.id}.`;
  if (!isOpen) await note(input, question.id, { status: 'waiting', message });
  const answered = await ask(state, question, rule, { moved: () => false }, isToHandOver);
  return answered ? conclude(work, environment, answered) : 'later';
}

/** What follows from the end of a question. */
async function conclude(work: Rollback, environment: string, answered: Answered): Promise<string> {
  const { input, state } = work;
  const { question } = state;
  await closeQuestion(state, statusOf(answered));
  switch (answered.kind) {
    case 'approve':
      await note(input, `${question?.id}-approved`, { status: 'running', message: 'Approved.' });
      return 'approved';
    case 'snooze':
      work.snoozed = { untilMs: answered.untilMs, person: answered.by.person };
      forgetConsent(work);
      return 'later';
    case 'reject':
      return `Rejected by ${answered.by.person} for ${environment}; nothing was changed.`;
    default:
      return `Nobody decided about ${environment} in time; nothing was changed.`;
  }
}

function questionOf(work: Rollback, part: RollbackPart): Question {
  const { runId: episodeId, requestedBy } = work.input;
  const { environment, rule, frozen, summary } = part;
  const [first] = part.units;
  work.asked += 1;
  return makeUnitQuestion({
    ...{ kind: 'rollback', episodeId, workflowId: workflowInfo().workflowId, requestedBy },
    ...{ number: work.asked, environment, rule, summary, planned: part, nowMs: Date.now() },
    unit: first ? nameOf(first) : '',
    ...(frozen && { frozen }),
  });
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
