import type { ConfigHub, Labels, Space, UnitSet } from '../../clients/confighub/index.ts';
import { allOf, equals, type Where } from '../../clients/confighub/where.ts';
import { DRIFT_SETS } from '../../drift/decide/drift-set.ts';

/**
 * What the example groups its units by; docs/confighub.md lists the same. Every expression is of ConfigHub's grammar, and works
 * on the units of the environments and on those that record drifts alike, because both carry the same labels.
 */
export const FILTERS: readonly {
  readonly slug: string;
  readonly where: string;
  readonly purpose: string;
}[] = [
  {
    slug: 'critical-services',
    where: "Labels.tier = 'critical'",
    purpose: 'what must not drift',
  },
  {
    slug: 'production-only',
    where: "Space.Labels.environment = 'prod'",
    purpose: 'the units of production, and nothing else',
  },
  {
    slug: 'security-drift',
    where: "Labels.drift-category = 'security'",
    purpose: 'RBAC and Secrets: units that declare nothing else, and drifts of such objects',
  },
  {
    slug: 'production-drift',
    where: "Labels.environment = 'prod'",
    purpose: 'production and its drifts, which may be recorded in another space',
  },
  {
    slug: 'auto-correctable',
    where: "Labels.auto-correctable = 'true' AND Labels.requires-approval IS NULL",
    purpose: 'what may be put right unasked',
  },
  {
    slug: 'manual-review',
    where: "Labels.requires-approval = 'true'",
    purpose: 'what people decide; never in auto-correctable, whatever the labels',
  },
];

type SetDefinition = {
  readonly slug: string;
  readonly displayName: string;
  readonly labels: Labels;
};

/** Of each environment's space, with the members that `members` selects there. */
export const SERVICE_SET: SetDefinition & { readonly members: Where } = {
  slug: 'critical-services',
  displayName: 'Critical services that must not drift',
  // `monitor=false` would stop Realign from watching the members; `auto-fix` is there for `match.setLabels` of a policy.
  labels: { tier: 'critical', monitor: 'true', 'auto-fix': 'true' },
  members: equals('Labels.tier', 'critical'),
};

/** The Filters of a project, in the space for them; only adds what is missing. */
export async function ensureFilters(hub: ConfigHub, space: Space): Promise<void> {
  const present = new Set((await hub.listFilters(space.spaceId)).map((filter) => filter.slug));
  for (const { slug, where, purpose } of FILTERS) {
    if (present.has(slug)) continue;
    await hub.createFilter(space.spaceId, { slug, from: 'Unit', where, displayName: purpose });
  }
}

/** The Sets that recorded drifts are members of, in the space for them; only adds what is missing. */
export async function ensureDriftSets(hub: ConfigHub, space: Space): Promise<void> {
  for (const set of DRIFT_SETS) await ensureSet(hub, space, set);
}

/** The Set of an environment's critical services. Members of another set of the space stay there. */
export async function ensureServiceSet(hub: ConfigHub, space: Space): Promise<void> {
  const { members, ...definition } = SERVICE_SET;
  const { setId } = await ensureSet(hub, space, definition);
  const own = new Set((await hub.listSets(space.spaceId)).map((one) => one.setId));
  const where = allOf(members, equals('SpaceID', space.spaceId));
  for (const unit of await hub.listUnits({ where, detail: 'summary' })) {
    // A clone may still be in its upstream's set.
    if (unit.setId === undefined || !own.has(unit.setId)) await hub.patchUnit(unit, { setId });
  }
}

async function ensureSet(hub: ConfigHub, space: Space, set: SetDefinition): Promise<UnitSet> {
  const present = (await hub.listSets(space.spaceId)).find((one) => one.slug === set.slug);
  return present ?? hub.createSet(space.spaceId, set);
}
