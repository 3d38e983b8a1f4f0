import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
} from '@temporalio/workflow';
import type { ApplyUnitInput, OpenedChangeSet } from '../activities/types.ts';
import {
  describeLeft,
  describeStep,
  type Plan,
  type PlanStep,
  type UnitRef,
} from '../drift/decide/plan.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type Ask, handOver } from './hand-over.ts';
import { follows, quick, writes } from './steps.ts';

/** What a plan is carried out for. `attempt` tells several executions within one episode apart. */
export type Execution = {
  readonly episodeId: string;
  readonly attempt: number;
  readonly plan: Plan;
  readonly description: string;
  /** One that several executions share, already open; absent = this execution opens its own. */
  readonly changeSet?: OpenedChangeSet;
  /** Set when a drift is fixed; a promotion has none. */
  readonly drift?: { readonly ref: ResourceRef; readonly diffDigest: string };
};

export type Executed =
  /** `incomplete`: what was decided stands, but something downstream of it could not be done. */
  | { readonly done: true; readonly incomplete?: string }
  /** Nothing of the plan stands: what was written has been restored, or `undo` says what could not be. */
  | {
      readonly done: false;
      readonly code: string;
      readonly message: string;
      readonly undo: readonly string[];
    };

type Undo = {
  readonly unit: UnitRef;
  readonly revision: number;
  /** Live values that were written into a unit are live already: taking them back must not touch the cluster. */
  readonly touchesCluster: boolean;
};

/** How far a plan has been carried out. */
type Progress = {
  undo: Undo[];
  /** Heads that this plan has made, by unit id. */
  readonly heads: Map<string, number>;
  /** The accepted values are in their unit and applied: what fails after that is another unit's matter. */
  accepted: boolean;
  /** Steps that are done. */
  steps: number;
};

/**
 * Carries out exactly the steps of a plan, inside one ConfigHub ChangeSet. A step's undo is noted before the step runs, because a
 * step can succeed and still time out; undoing what never happened does nothing. Whoever cancels the run stops it between two steps:
 * what was written is restored then, too, and the cancellation that is thrown says what is left.
 */
export async function execute(work: Execution): Promise<Executed> {
  const progress: Progress = { undo: [], heads: new Map(), accepted: false, steps: 0 };
  const first = work.plan.steps.find((step) => step.kind !== 'ask');
  try {
    const changeSet = work.changeSet ?? (first && (await openChangeSet(work, first.unit)));
    for (const step of work.plan.steps) {
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('cancelled');
      // An apply that is under way cannot be called back: its end is waited for, so that it is known what there is to undo.
      await CancellationScope.nonCancellable(() => carryOut(work, step, changeSet, progress));
      progress.steps += 1;
    }
    return { done: true };
  } catch (error) {
    const { code, message } = reasonOf(error);
    const failures = await CancellationScope.nonCancellable(() => rollBack(work, progress.undo));
    if (isCancellation(error))
      throw new CancelledFailure('cancelled', [leftBy(progress, failures)]);
    if (progress.accepted) {
      const left = describeLeft(work.plan.steps.slice(progress.steps + 1));
      return { done: true, incomplete: [message, ...failures, ...(left ? [left] : [])].join(' ') };
    }
    return { done: false, code, message, undo: failures };
  }
}

/** What a run that was cancelled while it carried out a plan leaves behind. */
function leftBy(progress: Progress, failures: readonly string[]): string {
  if (progress.steps === 0) return 'Nothing was written.';
  if (failures.length > 0) return `Not restored: ${failures.join(' ')}`;
  return progress.accepted
    ? 'What was accepted stands; what follows it was not done.'
    : 'What was written has been restored.';
}

function openChangeSet(work: Execution, unit: UnitRef): Promise<OpenedChangeSet> {
  const { episodeId, description, plan } = work;
  const opening = {
    ...{ episodeId, key: keyOf(work, 'change-set'), unit, description },
    writes: plan.steps.some((step) => WRITING.has(step.kind)),
  };
  return quick.openChangeSet(opening, description);
}

/** Steps that make revisions: what was before them is marked, for a rollback. */
const WRITING: ReadonlySet<PlanStep['kind']> = new Set(['write', 'upgrade', 'restore']);

async function carryOut(
  work: Execution,
  step: PlanStep,
  changeSet: OpenedChangeSet | undefined,
  progress: Progress,
): Promise<void> {
  const { episodeId, description } = work;
  const { undo, heads } = progress;
  const key = keyOf(work, step.unit.unitId);
  const summary = summaryOf(step);
  const within = { episodeId, key, description, ...(changeSet && { changeSet }) };
  switch (step.kind) {
    case 'write': {
      if (!work.drift)
        throw ApplicationFailure.nonRetryable('only a drift can be accepted', 'INVALID_INPUT');
      undo.push({ unit: step.unit, revision: step.revision, touchesCluster: false });
      const written = await writes.writeUnit.executeWithOptions({ summary }, [
        { ...within, step, ...work.drift },
      ]);
      heads.set(step.unit.unitId, written.revision);
      return;
    }
    case 'upgrade': {
      undo.push({ unit: step.unit, revision: step.revision, touchesCluster: true });
      const upgraded = await writes.upgradeUnit.executeWithOptions({ summary }, [
        { ...within, step },
      ]);
      heads.set(step.unit.unitId, upgraded.revision);
      return;
    }
    case 'restore': {
      undo.push({ unit: step.unit, revision: step.revision, touchesCluster: true });
      const restored = await writes.rollBackUnit.executeWithOptions({ summary }, [
        { ...within, step },
      ]);
      heads.set(step.unit.unitId, restored.revision);
      return;
    }
    case 'apply':
      await apply(work, step, changeSet, progress);
      return;
    case 'patch':
      if (!work.drift)
        throw ApplicationFailure.nonRetryable('only a drift can be patched', 'INVALID_INPUT');
      await writes.removeResidue.executeWithOptions({ summary }, [
        { episodeId, key, ...work.drift },
      ]);
      return;
    case 'ask':
      await handOver(episodeId, step, work.plan.steps.filter(isAsk));
      return;
  }
}

async function apply(
  work: Execution,
  step: Extract<PlanStep, { kind: 'apply' }>,
  changeSet: OpenedChangeSet | undefined,
  progress: Progress,
): Promise<void> {
  const { episodeId, description, plan, drift } = work;
  const { unit } = step;
  const revision = progress.heads.get(unit.unitId) ?? step.revision;
  if (revision === undefined) {
    throw ApplicationFailure.nonRetryable('the plan does not say what to apply', 'INVALID_INPUT');
  }
  const key = keyOf(work, unit.unitId);
  const input: ApplyUnitInput = {
    ...{ episodeId, key, unit, description, revision },
    ...(changeSet && { changeSet, isWritten: progress.heads.has(unit.unitId) }),
  };
  const summary = summaryOf(step);
  if (drift && progress.heads.size === 0) await applyOver(drift, input, summary);
  else await follows.applyUnit.executeWithOptions({ summary }, [input]);
  // Each level that has been reached stands, whatever becomes of the next one.
  if (plan.fix === 'accept') {
    progress.accepted = true;
    progress.undo = [];
  }
}

/** Where the drift itself makes the API server refuse the apply, it is undone first: then the apply goes through. */
async function applyOver(
  drift: NonNullable<Execution['drift']>,
  input: ApplyUnitInput,
  summary: string,
): Promise<void> {
  try {
    await follows.applyUnit.executeWithOptions({ summary }, [{ ...input, drift }]);
  } catch (error) {
    if (reasonOf(error).code !== 'APPLY_FAILED') throw error;
    const { episodeId, key } = input;
    const { patched } = await writes.patchRefused.executeWithOptions(
      { summary: 'undo what makes the API server refuse the apply' },
      [{ episodeId, key, ...drift }],
    );
    if (!patched) throw error;
    await follows.applyUnit.executeWithOptions({ summary: `${summary} again` }, [
      { ...input, key: `${key}-again` },
    ]);
  }
}

/** Restores in reverse order; each undo is tried on its own, and what failed is said, never swallowed. */
async function rollBack(work: Execution, undo: readonly Undo[]): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const { unit, revision, touchesCluster } of undo.toReversed()) {
    const name = `${unit.space}/${unit.slug}`;
    try {
      const restored = await writes.restoreUnit.executeWithOptions(
        { summary: `restore ${name} to revision ${revision}` },
        [
          {
            episodeId: work.episodeId,
            key: keyOf(work, `restore-${unit.unitId}`),
            unit,
            revision,
            description: work.description,
          },
        ],
      );
      if (restored.applied && touchesCluster) {
        await follows.applyUnit.executeWithOptions({ summary: `apply the restored ${name}` }, [
          {
            episodeId: work.episodeId,
            key: keyOf(work, `undo-${unit.unitId}`),
            unit,
            revision: restored.revision,
            description: `Restored ${unit.slug}`,
          },
        ]);
      }
    } catch (error) {
      failures.push(
        `unit ${name} could not be restored to revision ${revision}: ${reasonOf(error).message}`,
      );
    }
  }
  return failures;
}

/** What Temporal keeps of a summary, with room for encryption. */
const MAX_SUMMARY_LENGTH = 200;

function summaryOf(step: PlanStep): string {
  return describeStep(step).slice(0, MAX_SUMMARY_LENGTH);
}

function isAsk(step: PlanStep): step is Ask {
  return step.kind === 'ask';
}

function keyOf(work: Execution, what: string): string {
  return `${what}#${work.attempt}`;
}

/** Code and sentence of a failed step, without Temporal's wrapping. */
export function reasonOf(error: unknown): { code: string; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const code = cause instanceof ApplicationFailure ? (cause.type ?? 'INTERNAL') : 'INTERNAL';
  return { code, message: cause instanceof Error ? cause.message : String(cause) };
}
