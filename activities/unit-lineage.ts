import type { Unit } from '../clients/confighub/index.ts';
import { equals } from '../clients/confighub/where.ts';
import type { UnitRef } from '../drift/plan.ts';
import type { ActivityDeps, EnvironmentParts } from './deps.ts';

const MAX_DOWNSTREAM = 200;

export function toUnitRef(unit: Pick<Unit, 'spaceSlug' | 'spaceId' | 'slug' | 'unitId'>): UnitRef {
  return { space: unit.spaceSlug, spaceId: unit.spaceId, slug: unit.slug, unitId: unit.unitId };
}

/** The environment that a ConfigHub space feeds; undefined for spaces without a cluster of ours, such as a base. */
export function environmentOfSpace(
  deps: ActivityDeps,
  space: string,
): EnvironmentParts | undefined {
  for (const parts of deps.environments.values()) {
    if (parts.config.source.space === space) return parts;
  }
  return undefined;
}

/** Units cloned from this one, one level down, whose space feeds an environment of the configuration. */
export async function downstreamOf(
  deps: ActivityDeps,
  unit: Pick<UnitRef, 'unitId'>,
): Promise<readonly { readonly unit: Unit; readonly environment: EnvironmentParts }[]> {
  const units = await deps.hub.listUnits({
    where: equals('UpstreamUnitID', unit.unitId),
    detail: 'summary',
  });
  // The order is part of the plan's digest: it must be the same at each look.
  const ordered = units.toSorted((a, b) => (a.unitId < b.unitId ? -1 : 1));
  return ordered.slice(0, MAX_DOWNSTREAM).flatMap((one) => {
    const environment = environmentOfSpace(deps, one.spaceSlug);
    return environment ? [{ unit: one, environment }] : [];
  });
}
