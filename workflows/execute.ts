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
  | { readonly done: true }
  /** Nothing of the plan stands: what was written has been restored, or `undo` says what could not be. */
  | {
      readonly done: false;
      readonly code: string;
      readonly message: string;
      readonly undo: readonly string[];
    };

type Undo = { readonly unit: UnitRef; readonly revision: number };

/**
 * Carries out exactly the steps of a plan, inside one ConfigHub ChangeSet. A step's undo is noted before the step runs, because a
 * step can succeed and still time out; undoing what never happened does nothing.
 */
export async function execute(work: Execution): Promise<Executed> {
  const undo: Undo[] = [];
  const first = work.plan.steps.find((step) => step.kind !== 'ask');
  try {
    const changeSet = first && (await openChangeSet(work, first.unit));
    for (const step of work.plan.steps) await carryOut(work, step, changeSet, undo);
    return { done: true };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { code, message } = reasonOf(error);
    const failures = await CancellationScope.nonCancellable(() => rollBack(work, undo));
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
  undo: Undo[],
): Promise<void> {
  const { episodeId, description } = work;
  const key = keyOf(work, step.unit.unitId);
  const summary = describeStep(step);
  switch (step.kind) {
    case 'write': {
      if (!work.drift)
        throw ApplicationFailure.nonRetryable('only a drift can be accepted', 'INVALID_INPUT');
      undo.push({ unit: step.unit, revision: step.revision });
      await writes.writeUnit.executeWithOptions({ summary }, [
        { episodeId, key, step, description, ...work.drift },
      ]);
      return;
    }
    case 'upgrade':
      undo.push({ unit: step.unit, revision: step.revision });
      await writes.upgradeUnit.executeWithOptions({ summary }, [
        { episodeId, key, step, description },
      ]);
      return;
    case 'apply':
      await follows.applyUnit.executeWithOptions({ summary }, [
        { episodeId, key, unit: step.unit, description, ...(changeSet && { changeSet }) },
      ]);
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
  for (const { unit, revision } of undo.toReversed()) {
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
      if (restored.applied) {
        await follows.applyUnit.executeWithOptions({ summary: `apply the restored ${name}` }, [
          {
            episodeId: work.episodeId,
            key: keyOf(work, `undo-${unit.unitId}`),
            unit,
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
