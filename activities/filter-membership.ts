import type { ConfigHub, Filter, Unit } from '../clients/confighub/index.ts';
import { isIn } from '../clients/confighub/where.ts';
import { AppError } from '../lib/errors.ts';

/** Which of the ConfigHub Filters that policies name select a unit. */
export type FilterMembership = {
  /** Slugs of the Filters that select this unit. NOT_FOUND if the space that holds the Filters does not exist. */
  filtersOf(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<readonly string[]>;
};

type Selection = Pick<Filter, 'slug' | 'spaceId'> & { readonly unitIds: ReadonlySet<string> };

/** One list of units each. More would have to be dropped, and a rule that asks must not be passed over in silence. */
const MAX_FILTERS = 200;

/**
 * Asks ConfigHub itself, so that its WHERE language stays its own: one list per Filter, kept for `maxAgeMs` and shared by all
 * who ask meanwhile. A storm of drifts costs one round, not one per drift. Only the Filters of `slugs` are asked: every fix
 * leaves a Filter of its own behind. Without `filtersSpace` those of the unit's own space count.
 */
export function createFilterMembership(
  hub: Pick<ConfigHub, 'findSpace' | 'listFilters' | 'listUnits'>,
  options: {
    readonly slugs: ReadonlySet<string>;
    readonly filtersSpace?: string;
    readonly maxAgeMs: number;
    readonly now: () => number;
  },
): FilterMembership {
  const { slugs, filtersSpace, maxAgeMs, now } = options;
  let current: Promise<readonly Selection[]> | undefined;
  let validUntilMs = 0;

  function snapshot(): Promise<readonly Selection[]> {
    if (current && now() < validUntilMs) return current;
    validUntilMs = now() + maxAgeMs;
    const taken = take();
    current = taken;
    // A failure is not remembered: the next question asks again.
    taken.catch(() => {
      if (current === taken) current = undefined;
    });
    return taken;
  }

  async function take(): Promise<readonly Selection[]> {
    const named = isIn('Slug', [...slugs]);
    const filters = (await hub.listFilters(await spaceIdOf(filtersSpace), named)).filter(
      (one) => one.from === 'Unit' && slugs.has(one.slug),
    );
    if (filters.length > MAX_FILTERS) {
      throw new AppError(
        'TOO_LARGE',
        `policies name ${filters.length} Filters, over ${MAX_FILTERS}`,
      );
    }
    return Promise.all(
      filters.map(async ({ slug, spaceId, filterId }) => {
        const units = await hub.listUnits({ filter: filterId, detail: 'state' });
        return { slug, spaceId, unitIds: new Set(units.map((unit) => unit.unitId)) };
      }),
    );
  }

  async function spaceIdOf(slug: string | undefined): Promise<string | undefined> {
    if (slug === undefined) return undefined;
    const space = await hub.findSpace(slug);
    if (!space) throw new AppError('NOT_FOUND', `the space ${slug} of the Filters does not exist`);
    return space.spaceId;
  }

  return {
    async filtersOf(unit) {
      if (slugs.size === 0) return [];
      const selecting = (await snapshot()).filter(
        (one) =>
          one.unitIds.has(unit.unitId) &&
          (filtersSpace !== undefined || one.spaceId === unit.spaceId),
      );
      return [...new Set(selecting.map((one) => one.slug))];
    },
  };
}
