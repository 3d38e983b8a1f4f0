import type { ConfigHub, Unit, UnitQuery } from '../../clients/confighub/index.ts';
import { greaterThan, isIn, writtenByPerson } from '../../clients/confighub/where.ts';
import { AppError } from '../../lib/errors.ts';
import { formatAge, renderTable, writeResult } from '../output.ts';
import { type Reader, requireSpace, requireUnit, shown } from './reader.ts';

/** Annotation of a unit whose upgrade waits for somebody. */
const WAITING_FOR = 'realign.dev/waiting-for';
/** base, dev, staging, prod and regions are five. */
const MAX_LEVELS = 20;
const MAX_NODES = 2_000;
/** Units that one expression names: the grammar ends at 4,096 characters. */
const UNITS_PER_LOOK = 50;

export type UnitChoice = {
  readonly space?: string;
  readonly where?: string;
  /** Slug of a Filter, or `space/slug`. */
  readonly filter?: string;
  /** Slug of a Set. */
  readonly set?: string;
};

/** `realign units` */
export async function showUnits(reader: Reader, choice: UnitChoice): Promise<void> {
  const { hub, output } = reader;
  const query = await queryOf(hub, choice);
  const found = await hub.listUnits({ ...query, detail: 'summary' });
  const sets = await setSlugs(hub, found);
  const isChosen = ({ setId }: Unit) =>
    choice.set === undefined || (setId !== undefined && sets.get(setId) === choice.set);
  const units = shown(found.filter(isChosen).toSorted(bySpaceAndSlug), reader);
  writeResult(output, units, () =>
    renderTable(units, [
      { title: 'NAME', value: (one) => one.slug },
      { title: 'SPACE', value: (one) => one.spaceSlug },
      { title: 'SET', value: (one) => sets.get(one.setId ?? '') ?? '-' },
      { title: 'STATUS', value: statusOf },
      { title: 'REVISION', value: (one) => String(one.headRevision) },
      { title: 'UPGRADE-NEEDED', value: (one) => (isBehind(one) ? 'Yes' : 'No') },
      { title: 'UNAPPLIED-CHANGES', value: (one) => (hasUnapplied(one) ? 'Yes' : 'No') },
      { title: 'APPLY-GATES', value: (one) => one.applyGates.join(', ') || '-' },
      { title: 'LAST-CHANGE', value: (one) => one.lastChangeDescription || '-' },
    ]),
  );
}

async function queryOf(hub: ConfigHub, { space, where, filter }: UnitChoice): Promise<UnitQuery> {
  const found = space === undefined ? undefined : await requireSpace(hub, space);
  return {
    ...(found && { space: found.spaceId }),
    ...(where !== undefined && { where: writtenByPerson(where) }),
    ...(filter !== undefined && { filter: await filterId(hub, filter) }),
  };
}

async function filterId(hub: ConfigHub, name: string): Promise<string> {
  const [slug = '', spaceSlug] = name.split('/').toReversed();
  const space = spaceSlug === undefined ? undefined : await requireSpace(hub, spaceSlug);
  const found = (await hub.listFilters(space?.spaceId)).filter(
    (one) => one.slug === slug && one.from === 'Unit',
  );
  const [filter, ...others] = found;
  if (!filter) throw new AppError('NOT_FOUND', `there is no Filter ${name} over units`);
  if (others.length === 0) return filter.filterId;
  const names = found.map((one) => `${one.spaceSlug}/${one.slug}`).join(' or ');
  throw new AppError('AMBIGUOUS', `${name} may mean ${names}`);
}

/** Slugs of the Sets that units are in, by id. */
async function setSlugs(
  hub: ConfigHub,
  units: readonly Unit[],
): Promise<ReadonlyMap<string, string>> {
  const spaces = new Set(units.filter((one) => one.setId !== undefined).map((one) => one.spaceId));
  const lists = await Promise.all([...spaces].map((spaceId) => hub.listSets(spaceId)));
  return new Map(lists.flat().map((set) => [set.setId, set.slug]));
}

/** How a unit stands, in a word or two. */
export function statusOf(unit: Unit): string {
  if (WAITING_FOR in unit.annotations) return `Pending ${unit.annotations[WAITING_FOR]}`;
  if (unit.applyGates.length > 0) return 'Gated';
  if (unit.lastAppliedRevision === 0) return 'NoLive';
  if (unit.liveRevision === 0) return 'Released';
  return unit.lastAppliedRevision > unit.liveRevision ? 'Applying' : 'Applied';
}

function isBehind({ upstream }: Unit): boolean {
  return upstream !== undefined && upstream.revision < upstream.headRevision;
}

function hasUnapplied(unit: Unit): boolean {
  return unit.lastAppliedRevision < unit.headRevision;
}

function bySpaceAndSlug(a: Unit, b: Unit): number {
  return a.spaceSlug.localeCompare(b.spaceSlug) || a.slug.localeCompare(b.slug);
}

/** `realign revisions space/unit`, newest first */
export async function showRevisions(reader: Reader, name: string): Promise<void> {
  const { hub, output } = reader;
  const unit = await requireUnit(hub, name);
  const revisions = shown(await hub.listRevisions(unit), reader);
  writeResult(output, revisions, () =>
    renderTable(revisions, [
      { title: 'NUM', value: (one) => String(one.revision) },
      { title: 'DESCRIPTION', value: (one) => one.description || '-' },
      { title: 'SOURCE', value: (one) => one.source || '-' },
      { title: 'LIVE', value: (one) => liveOf(one.revision, unit, one.liveAt) },
      { title: 'TAGS', value: (one) => String(one.tagIds.length) },
      { title: 'AGE', value: (one) => formatAge(one.createdAt) },
    ]),
  );
}

function liveOf(revision: number, unit: Unit, liveAt: string | undefined): string {
  if (revision === unit.liveRevision) return 'now';
  return liveAt === undefined ? '-' : `${formatAge(liveAt)} ago`;
}

type Node = { readonly unit: Unit; readonly level: number };

/** `realign downstream space/unit`: the unit, and everything cloned from it, level by level. */
export async function showDownstream(reader: Reader, name: string): Promise<void> {
  const { hub, output } = reader;
  const root = await requireUnit(hub, name);
  const nodes = shown(await tree(hub, root), reader);
  const rows = nodes.map(({ unit, level }) => ({
    unit: unit.slug,
    space: unit.spaceSlug,
    level,
    status: statusOf(unit),
    revision: unit.headRevision,
    upgradeNeeded: isBehind(unit),
    upstream: unit.upstream?.spaceSlug ?? null,
  }));
  writeResult(output, rows, () =>
    renderTable(rows, [
      { title: 'NODE', value: (one) => `${'  '.repeat(one.level)}${one.unit}` },
      { title: 'SPACE', value: (one) => one.space },
      { title: 'UPSTREAM', value: (one) => one.upstream ?? '-' },
      { title: 'UPGRADE-NEEDED', value: (one) => (one.upgradeNeeded ? 'Yes' : 'No') },
      { title: 'REVISION', value: (one) => String(one.revision) },
      { title: 'STATUS', value: (one) => one.status },
    ]),
  );
}

/** Depth first, so that each unit stands below its upstream. */
async function tree(hub: ConfigHub, root: Unit): Promise<readonly Node[]> {
  const children = new Map<string, Unit[]>();
  let level: readonly Unit[] = [root];
  let count = 1;
  for (let depth = 1; depth <= MAX_LEVELS && level.length > 0 && count < MAX_NODES; depth += 1) {
    const next: Unit[] = [];
    for (let at = 0; at < level.length; at += UNITS_PER_LOOK) {
      const ids = level.slice(at, at + UNITS_PER_LOOK).map((unit) => unit.unitId);
      next.push(
        ...(await hub.listUnits({ where: isIn('UpstreamUnitID', ids), detail: 'summary' })),
      );
    }
    for (const unit of next.toSorted(bySpaceAndSlug)) {
      const upstream = unit.upstream?.unitId ?? '';
      children.set(upstream, [...(children.get(upstream) ?? []), unit]);
    }
    level = next;
    count += next.length;
  }
  const walk = (unit: Unit, depth: number): readonly Node[] => [
    { unit, level: depth },
    ...(children.get(unit.unitId) ?? []).flatMap((child) => walk(child, depth + 1)),
  ];
  return walk(root, 0).slice(0, MAX_NODES);
}

/** `realign downstream` without a unit: the spaces whose units were cloned from others. */
export async function showDownstreamSpaces(reader: Reader): Promise<void> {
  const units = await reader.hub.listUnits({
    where: greaterThan('UpstreamRevisionNum', 0),
    detail: 'summary',
  });
  const bySpace = Map.groupBy(units, (unit) => unit.spaceSlug);
  const all = [...bySpace].map(([name, some]) => ({
    name,
    upstream: [...new Set(some.flatMap((one) => one.upstream?.spaceSlug ?? []))].toSorted(),
    units: some.length,
    upgradeNeeded: some.filter(isBehind).length,
    pending: some.filter((one) => WAITING_FOR in one.annotations).length,
  }));
  const rows = shown(
    all.toSorted((a, b) => a.name.localeCompare(b.name)),
    reader,
  );
  writeResult(reader.output, rows, () =>
    renderTable(rows, [
      { title: 'NAME', value: (one) => one.name },
      { title: 'UPSTREAM', value: (one) => one.upstream.join(', ') || '-' },
      { title: 'UNITS', value: (one) => String(one.units) },
      {
        title: 'UPGRADE-NEEDED',
        value: (one) => (one.upgradeNeeded > 0 ? `Yes (${one.upgradeNeeded})` : 'No'),
      },
      { title: 'STATUS', value: (one) => spaceStatus(one) },
    ]),
  );
}

function spaceStatus(space: { readonly upgradeNeeded: number; readonly pending: number }): string {
  if (space.pending > 0) return 'Pending Approval';
  return space.upgradeNeeded > 0 ? 'Behind' : 'Updated';
}
