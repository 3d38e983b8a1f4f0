import type { ChangeSet, ConfigHub, Revision, Unit } from '../clients/confighub/index.ts';
import { equals } from '../clients/confighub/where.ts';
import { rollbackDescription } from '../drift/decide/rollback.ts';
import { AppError } from '../lib/errors.ts';
import { FILTER_LABEL, tagsOf } from './change-sets.ts';
import type { ChangeSetRef } from './command-types.ts';
import type { ActivityDeps } from './deps.ts';
import { environmentOfSpace } from './unit-lineage.ts';

/** A change set that may have touched more units than this has to be taken back by hand. */
const MAX_CANDIDATES = 500;
/** As many histories are read at once. */
const READ_AT_ONCE = 10;
/** As much of what others write is shown. */
const MAX_DESCRIPTION = 100;
/** base → dev → staging → prod → regions, with room. */
const MAX_LEVELS = 8;

/**
 * A unit that a change set has marked. `changed`: it is as the change set left it and can be taken back; `same`: it is as it was
 * before; `rolled-back`: a rollback made it so; `applied-only`: no revision was made; `stuck`: it cannot be taken back.
 */
export type ChangedUnit = {
  readonly unit: Unit;
  readonly environment: string;
  readonly state: 'changed' | 'same' | 'rolled-back' | 'applied-only' | 'stuck';
  /** The revision to return to; 0 where there is none. */
  readonly before: number;
  readonly beforeData: string;
  readonly headData: string;
  /** A sentence for people. */
  readonly because: string;
};

/** By id, by `space/slug`, or by a slug that only one change set has. */
export async function findChangeSet(
  hub: ConfigHub,
  name: string,
): Promise<ChangeSetRef & { readonly entity: ChangeSet }> {
  const [space, slug] = name.includes('/') ? name.split('/', 2) : [undefined, name];
  const spaces = new Map((await hub.listSpaces()).map((one) => [one.spaceId, one.slug]));
  const found = (await hub.listChangeSets()).filter(
    (one) =>
      one.changeSetId === name ||
      (one.slug === slug && (space === undefined || spaces.get(one.spaceId) === space)),
  );
  const [changeSet, ...others] = found;
  if (!changeSet) throw new AppError('NOT_FOUND', `there is no change set ${name}`);
  const nameOf = (one: ChangeSet) => `${spaces.get(one.spaceId) ?? one.spaceId}/${one.slug}`;
  if (others.length > 0) {
    const candidates = found.map(nameOf).join(' or ');
    const repair = 'Name the space too: `space/change-set`.';
    throw new AppError('AMBIGUOUS', `${name} may mean ${candidates}`, { details: { repair } });
  }
  const { changeSetId, spaceId, description, displayName } = changeSet;
  return {
    ...{ changeSetId, spaceId, slug: changeSet.slug, entity: changeSet },
    space: spaces.get(spaceId) ?? spaceId,
    description: description || displayName,
  };
}

/** Every unit that the change set's tags mark, what is downstream first: it was changed last. */
export async function changedUnits(
  deps: ActivityDeps,
  changeSet: ChangeSet,
  named: ChangeSetRef,
): Promise<readonly ChangedUnit[]> {
  const tags = await tagsOf(deps.hub, changeSet);
  const levels: ChangedUnit[][] = [];
  const seen = new Set<string>();
  let candidates = await firstCandidates(deps.hub, changeSet);
  while (candidates.length > 0 && levels.length < MAX_LEVELS) {
    const fresh = candidates.filter((one) => !seen.has(one.unitId));
    for (const { unitId } of fresh) seen.add(unitId);
    if (seen.size > MAX_CANDIDATES) {
      const message = `change set ${named.slug} may have touched more than ${MAX_CANDIDATES} units`;
      throw new AppError('TOO_LARGE', message);
    }
    const marked = (
      await inBatches(fresh, async (unit) => {
        const revisions = await deps.hub.listRevisions(unit);
        const sides = sidesOf(revisions, tags, changeSet);
        return sides && stateOf(deps, unit, sides, named);
      })
    ).filter((one) => one !== undefined);
    levels.unshift(marked);
    candidates = (
      await inBatches(marked, ({ unit }) =>
        deps.hub.listUnits({ where: equals('UpstreamUnitID', unit.unitId), detail: 'summary' }),
      )
    ).flat();
  }
  return levels.flat();
}

/** Units that the change set's own Filter selects; where it has none, those of its space that were written since. */
async function firstCandidates(hub: ConfigHub, changeSet: ChangeSet): Promise<readonly Unit[]> {
  const { spaceId, slug, labels, createdAt } = changeSet;
  const filter =
    changeSet.filterId ?? labels[FILTER_LABEL] ?? (await hub.findFilter(spaceId, slug))?.filterId;
  if (filter !== undefined) return hub.listUnits({ filter, detail: 'summary' });
  const units = await hub.listUnits({ space: spaceId, detail: 'summary' });
  return units.filter((one) => one.updatedAt === '' || one.updatedAt >= createdAt);
}

type Sides = { readonly before?: number; readonly end?: number };

/** The revisions on either side of the change set; undefined where it did not touch the unit. */
function sidesOf(
  revisions: readonly Revision[],
  tags: { readonly start?: string; readonly end?: string },
  { description }: ChangeSet,
): Sides | undefined {
  const marked = (tag: string | undefined) =>
    tag === undefined ? [] : revisions.filter((one) => one.tagIds.includes(tag));
  const ends = marked(tags.end);
  const end = ends.find((one) => one.revision === Math.max(...ends.map((each) => each.revision)));
  const starts = marked(tags.start).map((one) => one.revision);
  if (!end && starts.length === 0) return undefined;
  // Change sets from before there were tags on what was before are known by what they described.
  const described = end && end.description === description ? end.revision - 1 : 0;
  const before = starts.length > 0 ? Math.min(...starts) : described;
  return { ...(before > 0 && { before }), ...(end && { end: end.revision }) };
}

async function stateOf(
  deps: ActivityDeps,
  unit: Unit,
  { before, end }: Sides,
  { space, slug }: ChangeSetRef,
): Promise<ChangedUnit> {
  const { hub } = deps;
  const name = `${unit.spaceSlug}/${unit.slug}`;
  const environment = environmentOfSpace(deps, unit.spaceSlug)?.config.name;
  const none = { unit, environment: environment ?? '', before: 0, beforeData: '', headData: '' };
  if (before === undefined || before === end) {
    const because = `unit ${name} was only applied, revision ${end}; what the fix took back was made in the cluster, and there is no earlier revision to return to`;
    return { ...none, state: 'applied-only', because };
  }
  const [headData, beforeData] = await Promise.all([
    hub.readData(unit),
    hub.revisionData(unit.spaceId, unit.unitId, before),
  ]);
  const both = { ...none, before, headData, beforeData };
  if (headData === beforeData) {
    const isOurs = unit.lastChangeDescription === rollbackDescription({ space, slug });
    const because = `unit ${name} is as revision ${before} was, at revision ${unit.headRevision}`;
    return { ...both, state: isOurs ? 'rolled-back' : 'same', because };
  }
  if (environment === undefined) {
    const because = `unit ${name} is in a space that feeds no environment, so nothing applies it`;
    return { ...both, state: 'stuck', because };
  }
  const left = end === undefined ? '' : await hub.revisionData(unit.spaceId, unit.unitId, end);
  if (headData !== left) {
    const because = `unit ${name} has moved on to revision ${unit.headRevision} (${unit.lastChangeDescription.slice(0, MAX_DESCRIPTION) || 'without a description'}); the change set left it at ${end ?? 'none'}. Take back what came later first`;
    return { ...both, state: 'stuck', because };
  }
  return { ...both, state: 'changed', because: '' };
}

async function inBatches<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += READ_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + READ_AT_ONCE).map(work))));
  }
  return results;
}
