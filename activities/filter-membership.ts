import type { ConfigHub, Filter, Unit } from '../clients/confighub/index.ts';

/** Which ConfigHub Filters select a unit. */
export type FilterMembership = {
  /** Slugs of the Filters that select this unit. */
  filtersOf(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<readonly string[]>;
};

type SlugsOf = ReadonlyMap<string, readonly string[]>;

const MAX_FILTERS = 200;

/**
 * Asks ConfigHub itself, so that its WHERE language stays its own: one list per Filter, kept for `maxAgeMs` and shared by all
 * who ask meanwhile. A storm of drifts costs one round, not one per drift.
 */
export function createFilterMembership(
  hub: ConfigHub,
  options: {
    readonly filtersSpace?: string;
    readonly maxAgeMs: number;
    readonly now: () => number;
  },
): FilterMembership {
  let current: Promise<SlugsOf> | undefined;
  let validUntilMs = 0;
  async function snapshot(): Promise<SlugsOf> {
    if (current && options.now() < validUntilMs) return current;
    validUntilMs = options.now() + options.maxAgeMs;
    current = take(hub, options.filtersSpace);
    // A failure is not remembered: the next question asks again.
    current.catch(() => {
      validUntilMs = 0;
    });
    return current;
  }
  return {
    async filtersOf(unit) {
      const slugsOf = await snapshot();
      return slugsOf.get(unit.unitId) ?? [];
    },
  };
}

async function take(hub: ConfigHub, filtersSpace: string | undefined): Promise<SlugsOf> {
  const space = filtersSpace === undefined ? undefined : await hub.findSpace(filtersSpace);
  const filters = (await hub.listFilters(space?.spaceId)).filter((one) => one.from === 'Unit');
  const selections = await Promise.all(
    filters.slice(0, MAX_FILTERS).map((one) => select(hub, one)),
  );
  const slugsOf = new Map<string, string[]>();
  for (const { slug, unitIds } of selections) {
    for (const unitId of unitIds) {
      const slugs = slugsOf.get(unitId);
      if (slugs) slugs.push(slug);
      else slugsOf.set(unitId, [slug]);
    }
  }
  return slugsOf;
}

async function select(
  hub: ConfigHub,
  filter: Filter,
): Promise<{ slug: string; unitIds: readonly string[] }> {
  const units = await hub.listUnits({ filter: filter.filterId, detail: 'state' });
  return { slug: filter.slug, unitIds: units.map((unit) => unit.unitId) };
}
