import type { ConfigHub, Unit } from '../clients/confighub/index.ts';
import { between, isIn, type Where } from '../clients/confighub/where.ts';
import type { DeclaringUnit } from './source.ts';

/** The reads that a source makes. */
export type UnitReads = Pick<
  ConfigHub,
  'findSpace' | 'listUnits' | 'getUnit' | 'readData' | 'revisionData' | 'listSets'
>;

/** A unit as it was read anew, with its data where that changed: both from one answer, so that they belong together. */
export type ReadUnit = { readonly unit: DeclaringUnit; readonly data?: string };

// Units that are asked for by id in one request: the WHERE grammar ends at 4,096 characters, an id takes 40 of them.
const UNITS_PER_READ = 50;
// Where most units changed, runs of neighbours are asked for instead; some 10 MB an answer.
const UNITS_PER_RUN = 500;
const READS_AT_ONCE = 4;

/** The space's units by slug, with little more than their numbers: what a poll compares. */
export async function listStates(
  hub: UnitReads,
  spaceId: string,
): Promise<readonly DeclaringUnit[]> {
  const units = await hub.listUnits({ space: spaceId, detail: 'state' });
  return units
    .map((unit) => withoutData(unit).unit)
    .sort((one, other) => (one.slug < other.slug ? -1 : 1));
}

/** Whether the unit is still as it is known. `Version` counts every change but that of its delivery. */
export function isUnchanged(known: DeclaringUnit | undefined, listed: DeclaringUnit): boolean {
  return (
    known !== undefined &&
    known.version === listed.version &&
    known.headRevision === listed.headRevision &&
    known.liveRevision === listed.liveRevision &&
    known.slug === listed.slug &&
    known.spaceSlug === listed.spaceSlug
  );
}

/** Whether what is known was read from the data that the unit has now: a newer revision may have the same. */
export function hasDataOf(known: DeclaringUnit | undefined, unit: DeclaringUnit): boolean {
  if (known === undefined) return false;
  if (known.headRevision === unit.headRevision) return true;
  return unit.dataHash !== undefined && known.dataHash === unit.dataHash;
}

/** Of the listed units those that are not as they are known, read anew. Those that are gone meanwhile are missing. */
export async function readChanged(
  hub: UnitReads,
  listed: readonly DeclaringUnit[],
  changed: readonly DeclaringUnit[],
  known: (unitId: string) => DeclaringUnit | undefined,
): Promise<ReadonlyMap<string, ReadUnit>> {
  const read = new Map<string, ReadUnit>();
  const metadata = changed.filter((unit) => hasDataOf(known(unit.unitId), unit));
  await takeAll(hub, byIds(metadata), 'summary', read);
  // Written after the list was made: its data is needed after all.
  for (const { unit } of read.values()) {
    if (!hasDataOf(known(unit.unitId), unit)) read.delete(unit.unitId);
  }
  const withData = changed.filter((unit) => !read.has(unit.unitId));
  const isDense = withData.length > UNITS_PER_RUN && withData.length * 2 > listed.length;
  if (isDense) await takeAll(hub, runs(withData), 'all', read);
  // A server that sorts otherwise gave other neighbours; nobody is left out for that.
  const left = withData.filter((unit) => !read.has(unit.unitId));
  await takeAll(hub, byIds(left), 'all', read);
  return read;
}

export function withoutData(read: Unit): { unit: DeclaringUnit; data?: string } {
  // Thousands in each poll have none, and are not copied.
  if (read.data === undefined) return { unit: read };
  const { data, ...unit } = read;
  return { unit, data };
}

type Request = { readonly space: string; readonly where: Where };

async function takeAll(
  hub: UnitReads,
  requests: readonly Request[],
  detail: 'all' | 'summary',
  read: Map<string, ReadUnit>,
): Promise<void> {
  const waiting = [...requests];
  const take = async (): Promise<void> => {
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      for (const found of await hub.listUnits({ ...request, detail })) {
        const { unit, data } = withoutData(found);
        if (detail === 'summary') read.set(unit.unitId, { unit });
        else read.set(unit.unitId, { unit, data: data ?? (await hub.readData(unit)) });
      }
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, take));
}

function runs(units: readonly DeclaringUnit[]): readonly Request[] {
  return chunks(units, UNITS_PER_RUN).flatMap((run) => {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return [];
    return [{ space: first.spaceId, where: between('Slug', first.slug, last.slug) }];
  });
}

function byIds(units: readonly DeclaringUnit[]): readonly Request[] {
  return chunks(units, UNITS_PER_READ).flatMap((chunk) => {
    const [first] = chunk;
    if (first === undefined) return [];
    const ids = chunk.map((unit) => unit.unitId);
    return [{ space: first.spaceId, where: isIn('UnitID', ids) }];
  });
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
