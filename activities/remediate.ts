import type { Unit } from '../clients/confighub/index.ts';
import { equals } from '../clients/confighub/where.ts';
import { editManifests } from '../desired/edit-manifests.ts';
import type { UnitRef } from '../drift/decide/plan.ts';
import { AppError } from '../lib/errors.ts';
import { createOrFind, ensureChangeSet, exactly, markStart } from './change-sets.ts';
import type { ActivityDeps } from './deps.ts';
import { inspect } from './inspect.ts';
import type { Activities, WriteUnitInput } from './types.ts';

/**
 * Writes to ConfigHub. Temporal runs an activity at least once, so each of these first looks whether its effect is already
 * there, and leaves alone what somebody else did meanwhile (CONFLICT: the workflow looks again and asks anew).
 */
export function createRemediateActivities(
  deps: ActivityDeps,
): Pick<Activities, 'openChangeSet' | 'writeUnit' | 'upgradeUnit' | 'restoreUnit'> {
  const { hub, store } = deps;
  return {
    async openChangeSet({ episodeId, key, unit, description, writes = false }) {
      await store.episodes.update(episodeId, { outcome: 'fixing' });
      const slug = `${episodeId}-${key}`.replaceAll(/[^A-Za-z0-9-]+/g, '-');
      const filterId = await ensureFilter(deps, unit, slug);
      const wanted = { slug, displayName: description, description, filterId, writes };
      return ensureChangeSet(hub, unit.spaceId, wanted);
    },

    writeUnit: (input) => writeUnit(deps, input),

    async upgradeUnit({ step, description, changeSet }) {
      const { unit: ref, upstream } = step;
      const unit = await hub.getUnit(ref.spaceId, ref.unitId);
      const { headRevision } = await hub.getUnit(upstream.spaceId, upstream.unitId);
      if (step.toRevision !== undefined && step.toRevision !== headRevision) {
        throw new AppError(
          'CONFLICT',
          `${upstream.space}/${upstream.slug} moved to revision ${headRevision} after the plan was made`,
        );
      }
      const isUpgraded = unit.upstream !== undefined && unit.upstream.revision >= headRevision;
      if (isUpgraded && isWrittenBy(unit, step, description)) {
        return { revision: unit.headRevision };
      }
      // Also where somebody else has upgraded it: what they wrote beside that, nobody has consented to.
      if (unit.headRevision !== step.revision) throw moved(ref, unit, step.revision);
      if (isUpgraded) return { revision: unit.headRevision };
      await markStart(hub, unit, changeSet, 'HeadRevisionNum');
      const [result] = await hub.upgradeUnits(exactly(ref), { changeDescription: description });
      if (!result)
        throw new AppError(
          'CONFLICT',
          `ConfigHub found nothing to upgrade in ${ref.space}/${ref.slug}`,
        );
      if (!result.ok) throw new AppError('CONFIGHUB_REFUSED', result.message);
      return { revision: result.unit.headRevision };
    },

    async restoreUnit({ unit: ref, revision, description }) {
      const unit = await hub.getUnit(ref.spaceId, ref.unitId);
      const restored = `Restored ${ref.slug} to revision ${revision}`;
      const applied = unit.lastAppliedRevision > revision;
      if (unit.lastChangeDescription === restored) return { applied, revision: unit.headRevision };
      const ours = (await hub.listRevisions(unit)).find((one) => one.revision === revision + 1);
      // Nothing of ours was written: there is nothing to take back.
      if (ours?.description !== description) return { applied: false, revision: unit.headRevision };
      if (unit.headRevision !== revision + 1) throw moved(ref, unit, revision + 1);
      const written = await hub.restoreUnit(unit, revision, { changeDescription: restored });
      return { applied, revision: written.headRevision };
    },
  };
}

/** A ChangeSet of the bridge dialect names its units by a Filter: exactly this one. */
async function ensureFilter(deps: ActivityDeps, unit: UnitRef, slug: string): Promise<string> {
  const { hub } = deps;
  const { expression } = equals('UnitID', unit.unitId);
  const filter = await createOrFind(
    () => hub.createFilter(unit.spaceId, { slug, from: 'Unit', where: expression }),
    () => hub.findFilter(unit.spaceId, slug),
  );
  return filter.filterId;
}

/** Puts the live values of the drifted fields into the unit, keeping its comments and order. */
async function writeUnit(
  deps: ActivityDeps,
  { step, ref, diffDigest, description, changeSet }: WriteUnitInput,
): Promise<{ revision: number }> {
  const { unit: target } = step;
  const unit = await deps.hub.getUnit(target.spaceId, target.unitId);
  if (isWrittenBy(unit, step, description)) return { revision: unit.headRevision };
  if (unit.headRevision !== step.revision) throw moved(target, unit, step.revision);
  const inspection = await inspect(deps, ref);
  if (!inspection?.live || inspection.diffDigest !== diffDigest) {
    throw new AppError('CONFLICT', 'the drift changed after it was decided on');
  }
  const data = await deps.hub.readData(unit);
  const edited = editManifests(data, inspection.desired.object, inspection.comparison.changes);
  await markStart(deps.hub, unit, changeSet, 'HeadRevisionNum');
  const written = await deps.hub.writeData(unit, edited, { changeDescription: description });
  return { revision: written.headRevision };
}

/** An earlier attempt of the same step has made the head. */
function isWrittenBy(
  unit: Unit,
  step: { readonly revision: number },
  description: string,
): boolean {
  return unit.headRevision === step.revision + 1 && unit.lastChangeDescription === description;
}

/** What the plan was made for is not there any more. */
export function moved(ref: UnitRef, unit: Unit, expected: number): AppError {
  return new AppError(
    'CONFLICT',
    `unit ${ref.space}/${ref.slug} is at revision ${unit.headRevision}, the plan was made for ${expected}`,
  );
}
