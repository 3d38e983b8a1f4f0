import type { ConfigHub, Labels } from '../clients/confighub/index.ts';
import type { DeclaringUnit } from './source.ts';

/** Labels of the Sets that units are in: a Set speaks for all its members. */
export type UnitSets = {
  /** Of every Set of the space, by its id; read anew. */
  read(spaceId: string): Promise<SetLabels>;
  /** Of the Set that a unit is in, a few seconds old at most; none for a unit without one, or in a Set of another space. */
  labelsOf(unit: Pick<DeclaringUnit, 'spaceId' | 'setId'>): Promise<Labels>;
  /** `isWatched` by the same knowledge. */
  isWatchedNow(unit: Pick<DeclaringUnit, 'spaceId' | 'setId'>): Promise<boolean>;
};

export type SetLabels = ReadonlyMap<string, Labels>;

/** As old as a poll of units may make their numbers. */
const MAX_AGE_MS = 5_000;

/** `monitor=false` on a Set: its members are declared, but nobody watches them. */
export function isWatched(unit: Pick<DeclaringUnit, 'setId'>, sets: SetLabels): boolean {
  return unit.setId === undefined || isMonitored(sets.get(unit.setId));
}

export function createUnitSets(hub: Pick<ConfigHub, 'listSets'>, now: () => number): UnitSets {
  let known:
    | { readonly spaceId: string; readonly atMs: number; readonly sets: SetLabels }
    | undefined;
  const read: UnitSets['read'] = async (spaceId) => {
    const atMs = now();
    const sets = new Map((await hub.listSets(spaceId)).map((set) => [set.setId, set.labels]));
    known = { spaceId, atMs, sets };
    return sets;
  };
  const labelsOf: UnitSets['labelsOf'] = async ({ spaceId, setId }) => {
    if (setId === undefined) return {};
    const isFresh = known?.spaceId === spaceId && now() - known.atMs < MAX_AGE_MS;
    const sets = isFresh && known ? known.sets : await read(spaceId);
    return sets.get(setId) ?? {};
  };
  return {
    read,
    labelsOf,
    isWatchedNow: async (unit) => isMonitored(await labelsOf(unit)),
  };
}

function isMonitored(labels: Labels | undefined): boolean {
  return labels?.['monitor'] !== 'false';
}
