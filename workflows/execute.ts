import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  ParentClosePolicy,
  startChild,
} from '@temporalio/workflow';
import type { OpenedChangeSet } from '../activities/types.ts';
import { describeStep, type Plan, type PlanStep, type UnitRef } from '../drift/plan.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { PromoteInput } from './messages.ts';
import type { promote } from './promote.ts';
import { follows, reads, writes } from './steps.ts';

/** What a plan is carried out for. `attempt` tells several executions within one episode apart. */
export type Execution = {
  readonly episodeId: string;
  readonly attempt: number;
  readonly plan: Plan;
  readonly description: string;
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
};

/**
 * Carries out exactly the steps of a plan, inside one ConfigHub ChangeSet. A step's undo is noted before the step runs, because a
 * step can succeed and still time out; undoing what never happened does nothing.
 */
export async function execute(work: Execution): Promise<Executed> {
  const progress: Progress = { undo: [], heads: new Map(), accepted: false };
  const first = work.plan.steps.find((step) => step.kind !== 'ask');
  try {
    const changeSet = first && (await openChangeSet(work, first.unit));
    for (const step of work.plan.steps) await carryOut(work, step, changeSet, progress);
    return { done: true };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { code, message } = reasonOf(error);
    const failures = await CancellationScope.nonCancellable(() => rollBack(work, progress.undo));
    if (progress.accepted) return { done: true, incomplete: [message, ...failures].join(' ') };
    return { done: false, code, message, undo: failures };
  }
}

function openChangeSet(work: Execution, unit: UnitRef): Promise<OpenedChangeSet> {
  return writes.openChangeSet.executeWithOptions({ summary: work.description }, [
    {
      episodeId: work.episodeId,
      key: keyOf(work, 'change-set'),
      unit,
      description: work.description,
    },
  ]);
}

async function carryOut(
  work: Execution,
  step: PlanStep,
  changeSet: OpenedChangeSet | undefined,
  progress: Progress,
): Promise<void> {
  const { episodeId, description } = work;
  const { undo, heads } = progress;
  const key = keyOf(work, step.unit.unitId);
  const summary = describeStep(step);
  switch (step.kind) {
    case 'write': {
      if (!work.drift)
        throw ApplicationFailure.nonRetryable('only a drift can be accepted', 'INVALID_INPUT');
      undo.push({ unit: step.unit, revision: step.revision, touchesCluster: false });
      const written = await writes.writeUnit.executeWithOptions({ summary }, [
        { episodeId, key, step, description, ...work.drift },
      ]);
      heads.set(step.unit.unitId, written.revision);
      return;
    }
    case 'upgrade': {
      undo.push({ unit: step.unit, revision: step.revision, touchesCluster: true });
      const upgraded = await writes.upgradeUnit.executeWithOptions({ summary }, [
        { episodeId, key, step, description },
      ]);
      heads.set(step.unit.unitId, upgraded.revision);
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
      await handOver(episodeId, step);
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
  const isFirstEffect = progress.heads.size === 0;
  await follows.applyUnit.executeWithOptions({ summary: describeStep(step) }, [
    {
      ...{ episodeId, key: keyOf(work, unit.unitId), unit, description, revision },
      ...(changeSet && { changeSet }),
      ...(drift && isFirstEffect && { drift }),
    },
  ]);
  if (plan.fix === 'accept' && !progress.accepted) {
    progress.accepted = true;
    progress.undo = [];
  }
}

/** A downstream unit whose environment asks gets a question of its own, which outlives this run. */
export async function handOver(
  episodeId: string,
  step: Extract<PlanStep, { kind: 'ask' }>,
): Promise<void> {
  const { unit, upstream, environment } = step;
  const { upstreamRevision, workflowId } = await reads.identifyPromotion({
    episodeId,
    key: unit.unitId,
    unit,
    upstream,
  });
  const input: PromoteInput = {
    unit,
    upstream,
    environment,
    upstreamRevision,
    promotionId: `${episodeId}-${unit.space}`,
  };
  try {
    await startChild<typeof promote>('promote', {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: describeStep(step),
    });
  } catch (error) {
    // The same revision is already being asked about: one question is enough.
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError')
      throw error;
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

function keyOf(work: Execution, what: string): string {
  return `${what}#${work.attempt}`;
}

/** Code and sentence of a failed step, without Temporal's wrapping. */
export function reasonOf(error: unknown): { code: string; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const code = cause instanceof ApplicationFailure ? (cause.type ?? 'INTERNAL') : 'INTERNAL';
  return { code, message: cause instanceof Error ? cause.message : String(cause) };
}
