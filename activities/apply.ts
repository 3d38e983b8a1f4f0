import type { Unit } from '../clients/confighub/index.ts';
import { allOf, equals } from '../clients/confighub/where.ts';
import { AppError } from '../lib/errors.ts';
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
      const unit = await deps.hub.getUnit(input.unit.spaceId, input.unit.unitId);
      if (unit.applyGates.length > 0) {
        throw new AppError(
          'APPLY_FAILED',
          `unit ${input.unit.space}/${input.unit.slug} has apply gates: ${unit.applyGates.join(', ')}`,
        );
      }
      const operationId = (await started(deps, unit, beat)) ?? (await start(deps, unit, input));
      beat.beat(operationId);
      await deps.hub.waitForOperation(unit, operationId, {
        timeoutMs: deps.config.applyTimeoutMs,
        signal: beat.signal,
        onPoll: () => beat.beat(operationId),
      });
      await describe(deps, input);
      return { revision: unit.headRevision };
    },
  };
}

/** Consent covers one revision and one difference: whatever moved since, during an outage say, is looked at anew. */
async function start(
  deps: ActivityDeps,
  unit: Unit,
  { revision, drift }: ApplyUnitInput,
): Promise<string> {
  if (unit.headRevision !== revision) {
    throw new AppError(
      'CONFLICT',
      `unit ${unit.spaceSlug}/${unit.slug} is at revision ${unit.headRevision}, revision ${revision} was to be applied`,
    );
  }
  if (drift && (await inspect(deps, drift.ref))?.diffDigest !== drift.diffDigest) {
    throw new AppError('CONFLICT', 'the drift changed after it was decided on');
  }
  return (await deps.hub.applyUnit(unit)).operationId;
}

/** The operation of an earlier attempt: the one it reported, else an apply of this revision since this step was scheduled. */
async function started(
  deps: ActivityDeps,
  unit: Unit,
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
  { unit, description, changeSet }: ApplyUnitInput,
): Promise<void> {
  const present = await deps.hub.getUnit(unit.spaceId, unit.unitId);
  if (present.lastChangeDescription !== description) {
    await deps.hub.patchUnit(present, { lastChangeDescription: description });
  }
  if (changeSet && changeSet.tagId !== '') {
    await deps.hub.tagUnits(allOf(equals('UnitID', unit.unitId), equals('SpaceID', unit.spaceId)), {
      tagId: changeSet.tagId,
      revision: 'LastAppliedRevisionNum',
    });
  }
}
