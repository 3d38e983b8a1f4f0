import type { DeclaringUnit } from '../desired/source.ts';
import { AppError } from '../lib/errors.ts';
import { exactly, markStart } from './change-sets.ts';
import type { ActivityDeps } from './deps.ts';
import type { Heartbeat } from './heartbeat.ts';
import { inspect } from './inspect.ts';
import type { Activities, ApplyUnitInput } from './types.ts';

/**
 * Has ConfigHub apply a unit's head revision and follows the operation to its end. A repeated attempt takes up the operation
 * that an earlier one started instead of starting another.
 */
export function createApplyActivities(
  deps: ActivityDeps,
  heartbeat: () => Heartbeat,
): Pick<Activities, 'applyUnit'> {
  return {
    async applyUnit(input) {
      using beat = heartbeat();
      const look = await lookAt(deps, input);
      const { unit } = look;
      if (unit.applyGates.length > 0) {
        throw new AppError(
          'APPLY_FAILED',
          `unit ${input.unit.space}/${input.unit.slug} has apply gates: ${unit.applyGates.join(', ')}`,
        );
      }
      const earlier = await started(deps, unit, beat);
      if (earlier === undefined || !(await isDone(deps, unit, earlier, beat))) {
        await follow(deps, unit, await start(deps, look, input), beat);
      }
      await describe(deps, unit, input);
      return { revision: unit.headRevision };
    },
  };
}

/** The unit as it is now, and the difference of the drift that its apply is to undo. */
type Look = { readonly unit: DeclaringUnit; readonly diffDigest?: string };

/** One read serves both: comparing reads the unit anew, too. */
async function lookAt(deps: ActivityDeps, { unit, drift }: ApplyUnitInput): Promise<Look> {
  const inspection = drift && (await inspect(deps, drift.ref));
  if (inspection?.desired.unit.unitId === unit.unitId) {
    return { unit: inspection.desired.unit, diffDigest: inspection.diffDigest };
  }
  // Declared by another unit meanwhile, or by none: no difference that was consented to.
  return { unit: await deps.hub.getUnit(unit.spaceId, unit.unitId) };
}

/** Consent covers one revision and one difference: whatever moved since, during an outage say, is looked at anew. */
async function start(
  deps: ActivityDeps,
  { unit, diffDigest }: Look,
  { revision, drift, changeSet, isWritten }: ApplyUnitInput,
): Promise<string> {
  if (unit.headRevision !== revision) {
    throw new AppError(
      'CONFLICT',
      `unit ${unit.spaceSlug}/${unit.slug} is at revision ${unit.headRevision}, revision ${revision} was to be applied`,
    );
  }
  if (drift && diffDigest !== drift.diffDigest) {
    throw new AppError('CONFLICT', 'the drift changed after it was decided on');
  }
  const isOlderLive = unit.lastAppliedRevision > 0 && unit.lastAppliedRevision < revision;
  if (isOlderLive && !isWritten) {
    await markStart(deps.hub, unit, changeSet, 'LastAppliedRevisionNum');
  }
  return (await deps.hub.applyUnit(unit)).operationId;
}

async function follow(
  deps: ActivityDeps,
  unit: DeclaringUnit,
  operationId: string,
  beat: Heartbeat,
): Promise<void> {
  beat.beat(operationId);
  await deps.hub.waitForOperation(unit, operationId, {
    timeoutMs: deps.config.applyTimeoutMs,
    signal: beat.signal,
    onPoll: () => beat.beat(operationId),
  });
}

/** Follows the operation of an earlier attempt to its end; one that failed because the cluster was away wants another. */
async function isDone(
  deps: ActivityDeps,
  unit: DeclaringUnit,
  operationId: string,
  beat: Heartbeat,
): Promise<boolean> {
  try {
    await follow(deps, unit, operationId, beat);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'KUBERNETES_UNAVAILABLE') return false;
    throw error;
  }
}

/** The operation of an earlier attempt: the one it reported, else an apply of this revision since this step was scheduled. */
async function started(
  deps: ActivityDeps,
  unit: DeclaringUnit,
  beat: Heartbeat,
): Promise<string | undefined> {
  if (beat.attempt === 1) return undefined;
  if (beat.lastDetails !== undefined) return beat.lastDetails;
  const events = await deps.hub.listUnitEvents(unit);
  const ours = events.findLast(
    (event) =>
      event.action === 'Apply' &&
      event.revision === unit.headRevision &&
      Date.parse(event.createdAt) >= beat.scheduledAtMs,
  );
  return ours?.operationId;
}

/** An apply alone makes no revision; what it did is said on the unit and by the ChangeSet's tag on the applied revision. */
async function describe(
  deps: ActivityDeps,
  present: DeclaringUnit,
  { unit, description, changeSet }: ApplyUnitInput,
): Promise<void> {
  if (present.lastChangeDescription !== description) {
    await deps.hub.patchUnit(present, { lastChangeDescription: description });
  }
  if (changeSet && changeSet.tagId !== '') {
    const { tagId } = changeSet;
    await deps.hub.tagUnits(exactly(unit), { tagId, revision: 'LastAppliedRevisionNum' });
  }
}
