import type { Unit } from '../clients/confighub/index.ts';
import { equals, isIn } from '../clients/confighub/where.ts';
import type { UnitRef } from '../drift/decide/plan.ts';
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

/** A unit whose space feeds an environment of the configuration. */
export type FedUnit = { readonly unit: Unit; readonly environment: EnvironmentParts };

/** Units cloned from this one, one level down. */
export async function downstreamOf(
  deps: ActivityDeps,
  unit: Pick<UnitRef, 'unitId'>,
): Promise<readonly FedUnit[]> {
  const units = await deps.hub.listUnits({
    where: equals('UpstreamUnitID', unit.unitId),
    detail: 'summary',
  });
  return fed(deps, inOrder(units).slice(0, MAX_DOWNSTREAM));
}

/** The next level below those units: each one's clones together, in the order of their upstreams. */
export async function nextLevel(
  deps: ActivityDeps,
  upstreams: readonly Pick<UnitRef, 'unitId'>[],
): Promise<readonly FedUnit[]> {
  const ids = upstreams.map((one) => one.unitId);
  const units = await deps.hub.listUnits({ where: isIn('UpstreamUnitID', ids), detail: 'summary' });
  const byUpstream = Map.groupBy(inOrder(units), (one) => one.upstream?.unitId);
  return fed(
    deps,
    ids.flatMap((id) => byUpstream.get(id) ?? []),
  );
}

/** The order is part of the plan's digest: it must be the same at each look. */
function inOrder(units: readonly Unit[]): readonly Unit[] {
  return units.toSorted((a, b) => (a.unitId < b.unitId ? -1 : 1));
}

function fed(deps: ActivityDeps, units: readonly Unit[]): readonly FedUnit[] {
  return units.flatMap((unit) => {
    const environment = environmentOfSpace(deps, unit.spaceSlug);
    return environment ? [{ unit, environment }] : [];
  });
}
