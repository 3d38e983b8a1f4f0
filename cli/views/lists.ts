import type { ChangeSet, ConfigHub, Space } from '../../clients/confighub/index.ts';
import { formatAge, renderTable, writeResult } from '../output.ts';
import { type Reader, requireSpace, showLabels, shown, spaceSlugs } from './reader.ts';

/** Units of this many change sets are counted at once. */
const COUNTS_AT_ONCE = 8;

/** `realign spaces` */
export async function showSpaces(reader: Reader): Promise<void> {
  const spaces = shown(await reader.hub.summarizeSpaces(), reader);
  const count = (value: number | undefined) => (value === undefined ? '-' : String(value));
  writeResult(reader.output, spaces, () =>
    renderTable(spaces, [
      { title: 'NAME', value: (one) => one.slug },
      { title: 'UNITS', value: (one) => count(one.counts.units) },
      { title: 'UPGRADABLE', value: (one) => count(one.counts.upgradable) },
      { title: 'UNAPPLIED', value: (one) => count(one.counts.unapplied) },
      { title: 'GATED', value: (one) => count(one.counts.gated) },
      { title: 'TAGS', value: (one) => count(one.counts.tags) },
      { title: 'CHANGESETS', value: (one) => count(one.counts.changeSets) },
      { title: 'FILTERS', value: (one) => count(one.counts.filters) },
      { title: 'WORKERS', value: (one) => count(one.counts.workers) },
      { title: 'TARGETS', value: (one) => count(one.counts.targets) },
      { title: 'LABELS', value: (one) => showLabels(one.labels) },
    ]),
  );
}

/** `realign sets` */
export async function showSets(reader: Reader, spaceSlug: string | undefined): Promise<void> {
  const { hub } = reader;
  const spaces = await spacesOf(hub, spaceSlug);
  const lists = await Promise.all(
    spaces.map(async ({ spaceId, slug: space }) =>
      (await hub.listSets(spaceId)).map((set) => ({ ...set, space })),
    ),
  );
  const sets = await Promise.all(
    shown(lists.flat(), reader).map(async (set) => ({
      ...set,
      units: (await hub.listSetUnits(set.setId, 'state')).length,
    })),
  );
  writeResult(reader.output, sets, () =>
    renderTable(sets, [
      { title: 'NAME', value: (one) => one.slug },
      { title: 'SPACE', value: (one) => one.space },
      { title: 'UNITS', value: (one) => String(one.units) },
      { title: 'DESCRIPTION', value: (one) => one.displayName || '-' },
      { title: 'LABELS', value: (one) => showLabels(one.labels) },
    ]),
  );
}

/** `realign filters` */
export async function showFilters(reader: Reader, spaceSlug: string | undefined): Promise<void> {
  const { hub, output } = reader;
  const space = spaceSlug === undefined ? undefined : await requireSpace(hub, spaceSlug);
  const filters = shown(await hub.listFilters(space?.spaceId), reader);
  writeResult(output, filters, () =>
    renderTable(filters, [
      { title: 'NAME', value: (one) => one.slug },
      { title: 'SPACE', value: (one) => one.spaceSlug || spaceSlug || '-' },
      { title: 'FROM', value: (one) => one.from },
      { title: 'WHERE', value: (one) => one.where || '-' },
      { title: 'WHERE-DATA', value: (one) => one.whereData || '-' },
      { title: 'RESOURCE-TYPE', value: (one) => one.resourceType || '-' },
    ]),
  );
}

/** `realign changesets`, newest first */
export async function showChangeSets(reader: Reader, spaceSlug: string | undefined): Promise<void> {
  const { hub, output } = reader;
  const space = spaceSlug === undefined ? undefined : await requireSpace(hub, spaceSlug);
  const [all, slugs] = await Promise.all([hub.listChangeSets(space?.spaceId), spaceSlugs(hub)]);
  const newest = all.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const rows = await counted(hub, shown(newest, reader));
  writeResult(output, rows, () =>
    renderTable(rows, [
      { title: 'NAME', value: (one) => one.slug },
      { title: 'SPACE', value: (one) => slugs.get(one.spaceId) ?? '-' },
      { title: 'DESCRIPTION', value: (one) => one.description || one.displayName || '-' },
      { title: 'UNITS', value: (one) => (one.units === null ? '-' : String(one.units)) },
      { title: 'AGE', value: (one) => formatAge(one.createdAt) },
    ]),
  );
}

/** How many units a change set is about, where it names them by a Filter. */
async function counted(hub: ConfigHub, changeSets: readonly ChangeSet[]) {
  const rows: (ChangeSet & { readonly units: number | null })[] = [];
  for (let at = 0; at < changeSets.length; at += COUNTS_AT_ONCE) {
    const some = changeSets.slice(at, at + COUNTS_AT_ONCE).map(async (one) => {
      if (one.filterId === undefined) return { ...one, units: null };
      const units = await hub.listUnits({ filter: one.filterId, detail: 'state' });
      return { ...one, units: units.length };
    });
    rows.push(...(await Promise.all(some)));
  }
  return rows;
}

async function spacesOf(hub: ConfigHub, slug: string | undefined): Promise<readonly Space[]> {
  return slug === undefined ? hub.listSpaces() : [await requireSpace(hub, slug)];
}
