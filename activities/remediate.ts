import type { Unit } from '../clients/confighub/index.ts';
import { allOf, equals } from '../clients/confighub/where.ts';
import { editManifests } from '../desired/edit-manifests.ts';
import type { UnitRef } from '../drift/plan.ts';
import { AppError } from '../lib/errors.ts';
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
    async openChangeSet({ episodeId, key, unit, description }) {
      await store.episodes.update(episodeId, { outcome: 'fixing' });
      const slug = `${episodeId}-${key}`.replaceAll(/[^A-Za-z0-9-]+/g, '-');
      const found = await hub.findChangeSet(unit.spaceId, slug);
      if (found) return { changeSetId: found.changeSetId, tagId: found.endTagId ?? '' };
      const labels = { type: 'drift-correction', automated: 'true' };
      const filter = await ensureFilter(deps, unit, slug);
      const tag =
        (await hub.findTag(unit.spaceId, slug)) ??
        (await hub.createTag(unit.spaceId, { slug, labels }));
      const created = await hub.createChangeSet(unit.spaceId, {
        slug,
        displayName: description,
        description,
        labels,
        filterId: filter,
        endTagId: tag.tagId,
      });
      return { changeSetId: created.changeSetId, tagId: tag.tagId };
    },

    writeUnit: (input) => writeUnit(deps, input),

    async upgradeUnit({ step, description }) {
      const { unit: ref, upstream } = step;
      const unit = await hub.getUnit(ref.spaceId, ref.unitId);
      const { headRevision } = await hub.getUnit(upstream.spaceId, upstream.unitId);
      if (step.toRevision !== undefined && step.toRevision !== headRevision) {
        throw new AppError(
          'CONFLICT',
          `${upstream.space}/${upstream.slug} moved to revision ${headRevision} after the plan was made`,
        );
      }
      if (unit.upstream && unit.upstream.revision >= headRevision)
        return { revision: unit.headRevision };
      if (unit.headRevision !== step.revision) throw moved(ref, unit, step.revision);
      const [result] = await hub.upgradeUnits(
        allOf(equals('UnitID', ref.unitId), equals('SpaceID', ref.spaceId)),
        { changeDescription: description },
      );
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
  const existing = (await deps.hub.listFilters(unit.spaceId)).find((one) => one.slug === slug);
  if (existing) return existing.filterId;
  const { expression } = equals('UnitID', unit.unitId);
  const created = await deps.hub.createFilter(unit.spaceId, {
    slug,
    from: 'Unit',
    where: expression,
  });
  return created.filterId;
}

/** Puts the live values of the drifted fields into the unit, keeping its comments and order. */
async function writeUnit(
  deps: ActivityDeps,
  { step, ref, diffDigest, description }: WriteUnitInput,
): Promise<{ revision: number }> {
  const { unit: target } = step;
  const unit = await deps.hub.getUnit(target.spaceId, target.unitId);
  if (unit.headRevision === step.revision + 1 && unit.lastChangeDescription === description) {
    return { revision: unit.headRevision };
  }
  if (unit.headRevision !== step.revision) throw moved(target, unit, step.revision);
  const inspection = await inspect(deps, ref);
  if (!inspection?.live || inspection.diffDigest !== diffDigest) {
    throw new AppError('CONFLICT', 'the drift changed after it was decided on');
  }
  const data = await deps.hub.readData(unit);
  const edited = editManifests(data, inspection.desired.object, inspection.comparison.changes);
  const written = await deps.hub.writeData(unit, edited, { changeDescription: description });
  return { revision: written.headRevision };
}

function moved(ref: UnitRef, unit: Unit, expected: number): AppError {
  return new AppError(
    'CONFLICT',
    `unit ${ref.space}/${ref.slug} is at revision ${unit.headRevision}, the plan was made for ${expected}`,
  );
}
