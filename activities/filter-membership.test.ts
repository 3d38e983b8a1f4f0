import { describe, expect, it } from 'vitest';
import type { Filter, Space, Unit } from '../clients/confighub/index.ts';
import { AppError } from '../lib/errors.ts';
import { createFilterMembership } from './filter-membership.ts';

const MAX_AGE_MS = 1000;

/** Two spaces of Filters, and a count of every call. */
function parts(options: { slugs?: readonly string[]; filtersSpace?: string } = {}) {
  const selected: Record<string, readonly string[]> = {
    'shared/manual-review': ['u1', 'u2'],
    'shared/auto-correctable': ['u2'],
    'prod/manual-review': ['u1'],
    'shared/episode-7-revert': ['u1'],
  };
  const state = { calls: [] as string[], nowMs: 0, failure: undefined as Error | undefined };
  const filters = Object.keys(selected).map((filterId): Filter => {
    const [spaceId = '', slug = ''] = filterId.split('/');
    return {
      filterId,
      spaceId,
      spaceSlug: spaceId,
      slug,
      from: 'Unit',
      where: '',
      whereData: '',
      resourceType: '',
    };
  });
  const hub = {
    async findSpace(slug: string): Promise<Space | undefined> {
      state.calls.push(`space ${slug}`);
      if (!filters.some((one) => one.spaceId === slug)) return undefined;
      return { spaceId: slug, slug, displayName: slug, labels: {}, annotations: {}, version: 1 };
    },
    async listFilters(spaceId?: string): Promise<readonly Filter[]> {
      state.calls.push('filters');
      if (state.failure) throw state.failure;
      const other: Filter = { ...(filters[0] as Filter), filterId: 'x', from: 'Space' };
      return [...filters, other].filter((one) => spaceId === undefined || one.spaceId === spaceId);
    },
    async listUnits(query: { readonly filter?: string } = {}): Promise<readonly Unit[]> {
      state.calls.push(`units of ${query.filter}`);
      const ids = selected[query.filter ?? ''] ?? [];
      return ids.map((unitId) => ({ ...UNIT, unitId }));
    },
  };
  const { slugs = ['manual-review', 'auto-correctable'], ...rest } = options;
  const membership = createFilterMembership(hub, {
    slugs: new Set(slugs),
    maxAgeMs: MAX_AGE_MS,
    now: () => state.nowMs,
    ...rest,
  });
  return { membership, state };
}

const UNIT: Unit = {
  unitId: 'u1',
  spaceId: 'prod',
  spaceSlug: 'prod',
  slug: 'api',
  labels: {},
  annotations: {},
  version: 1,
  headRevision: 1,
  lastAppliedRevision: 1,
  liveRevision: 1,
  previousLiveRevision: 0,
  applyGates: [],
  approvedBy: [],
  lastChangeDescription: '',
  updatedAt: '',
};
const OTHER = { ...UNIT, unitId: 'u2' };
const ROUND = [
  'space shared',
  'filters',
  'units of shared/manual-review',
  'units of shared/auto-correctable',
];

describe('filtersOf', () => {
  it('says which Filters of the configured space select a unit', async () => {
    const { membership } = parts({ filtersSpace: 'shared' });
    expect(await membership.filtersOf(UNIT)).toEqual(['manual-review']);
    expect(await membership.filtersOf(OTHER)).toEqual(['manual-review', 'auto-correctable']);
    expect(await membership.filtersOf({ ...UNIT, unitId: 'u3' })).toEqual([]);
  });

  it("goes by the unit's own space without a configured one", async () => {
    const { membership } = parts();
    expect(await membership.filtersOf(UNIT)).toEqual(['manual-review']);
    expect(await membership.filtersOf(OTHER)).toEqual([]);
    expect(await membership.filtersOf({ ...OTHER, spaceId: 'shared' })).toHaveLength(2);
  });

  it('asks one round for a storm, only for Filters that policies name, and another when it is old', async () => {
    const { membership, state } = parts({ filtersSpace: 'shared' });
    const storm = Array.from({ length: 50 }, (_, at) => ({ ...UNIT, unitId: `u${at}` }));
    await Promise.all(storm.map((unit) => membership.filtersOf(unit)));
    state.nowMs = MAX_AGE_MS - 1;
    await membership.filtersOf(UNIT);
    expect(state.calls).toEqual(ROUND);
    state.nowMs = MAX_AGE_MS;
    await membership.filtersOf(UNIT);
    expect(state.calls).toEqual([...ROUND, ...ROUND]);
  });

  it('asks nothing where no policy names a Filter', async () => {
    const { membership, state } = parts({ slugs: [] });
    expect(await membership.filtersOf(UNIT)).toEqual([]);
    expect(state.calls).toEqual([]);
  });

  it('gives a failure to all who waited for it, and asks again', async () => {
    const { membership, state } = parts();
    state.failure = new AppError('CONFIGHUB_UNAVAILABLE', 'gone');
    const results = await Promise.allSettled([UNIT, OTHER].map((one) => membership.filtersOf(one)));
    expect(results.map((one) => one.status)).toEqual(['rejected', 'rejected']);
    expect(state.calls).toEqual(['filters']);
    state.failure = undefined;
    expect(await membership.filtersOf(UNIT)).toEqual(['manual-review']);
  });

  it('does not take the Filters of all spaces for those of a space that is not there', async () => {
    const { membership } = parts({ filtersSpace: 'typo' });
    await expect(membership.filtersOf(UNIT)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
