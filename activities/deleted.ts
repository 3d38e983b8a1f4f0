import { parseManifests } from '../desired/manifests.ts';
import type { DeclaringUnit, DesiredObject } from '../desired/source.ts';
import { isDriftRecord } from '../drift/decide/drift-unit.ts';
import type { ReachEntry } from '../drift/decide/plan.ts';
import { formatResource, type ResourceRef, refOf, resourceKey } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { readable } from './readable.ts';

/** A unit, and how far it has been applied. */
export type AppliedUnit = Pick<
  DeclaringUnit,
  'unitId' | 'spaceId' | 'headRevision' | 'lastAppliedRevision' | 'liveRevision'
>;

/**
 * An apply deletes (prunes) what an earlier one wrote and the unit does not declare any more. An apply that failed has become the last
 * one, but not live: both count.
 */
export async function deletedByApply(
  deps: ActivityDeps,
  environment: string,
  unit: AppliedUnit,
  declared: readonly DesiredObject[],
): Promise<readonly ReachEntry[]> {
  const keys = new Set(declared.map(({ ref }) => resourceKey(ref)));
  const dropped = new Map<string, ResourceRef>();
  const unread: ReachEntry[] = [];
  for (const revision of new Set([unit.lastAppliedRevision, unit.liveRevision])) {
    if (revision === 0 || revision >= unit.headRevision) continue;
    const applied = await refsOfRevision(deps, environment, unit, revision);
    if (!applied) {
      const resource = `what revision ${revision} declared`;
      unread.push({ environment, resource, path: '(cannot be read)' });
    }
    for (const ref of applied ?? []) {
      if (!keys.has(resourceKey(ref))) dropped.set(resourceKey(ref), ref);
    }
  }
  return [...(await entriesOf(deps, environment, unit, [...dropped.values()])), ...unread];
}

/** What going back to an older state of the unit's own data deletes. */
export function deletedByRestore(
  deps: ActivityDeps,
  environment: string,
  unit: AppliedUnit,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<readonly ReachEntry[]> {
  return entriesOf(deps, environment, unit, droppedBetween(deps, environment, before, after));
}

/**
 * What the unit loses because its upstream has dropped it: ConfigHub merges by kind and name, so an object may lie in another
 * namespace here than it does upstream.
 */
export async function deletedByUpgrade(
  deps: ActivityDeps,
  environment: string,
  unit: AppliedUnit,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<readonly ReachEntry[]> {
  const dropped = droppedBetween(deps, environment, before, after);
  if (dropped.length === 0) return [];
  const kept = new Set(refsOf(deps, environment, after).map(resourceKey));
  const own = (await environmentOf(deps, environment).source.ofUnit(unit)).map(({ ref }) => ref);
  const lost = own.filter(
    (ref) => !kept.has(resourceKey(ref)) && dropped.some((one) => isNamedAlike(one, ref)),
  );
  return entriesOf(deps, environment, unit, lost);
}

function isNamedAlike(one: ResourceRef, other: ResourceRef): boolean {
  return one.group === other.group && one.kind === other.kind && one.name === other.name;
}

function droppedBetween(
  deps: ActivityDeps,
  environment: string,
  before: string,
  after: string,
): readonly ResourceRef[] {
  const kept = new Set(refsOf(deps, environment, after).map(resourceKey));
  return refsOf(deps, environment, before).filter((ref) => !kept.has(resourceKey(ref)));
}

function refsOf(deps: ActivityDeps, environment: string, text: string): readonly ResourceRef[] {
  const { source } = environmentOf(deps, environment);
  return parseManifests(text)
    .filter((object) => !isDriftRecord(object))
    .map((object) => refOf(environment, source.place(object)));
}

/** Undefined where the revision is no longer kept, or is no manifest. */
async function refsOfRevision(
  deps: ActivityDeps,
  environment: string,
  { spaceId, unitId }: AppliedUnit,
  revision: number,
): Promise<readonly ResourceRef[] | undefined> {
  const data = deps.hub.revisionData(spaceId, unitId, revision);
  return unlessUnreadable(data.then((text) => refsOf(deps, environment, text)));
}

async function unlessUnreadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AppError && UNREADABLE_CODES.has(error.code)) return undefined;
    throw error;
  }
}

const UNREADABLE_CODES: ReadonlySet<string> = new Set(['NOT_FOUND', 'MANIFEST_INVALID']);

/** Of these objects the ones that are there to be deleted. */
async function entriesOf(
  deps: ActivityDeps,
  environment: string,
  unit: AppliedUnit,
  refs: readonly ResourceRef[],
): Promise<readonly ReachEntry[]> {
  const entries: ReachEntry[] = [];
  for (const ref of refs) {
    if (!(await isDeleted(deps, ref, unit))) continue;
    entries.push({ environment, resource: formatResource(ref), path: '', isDeleted: true });
  }
  return entries;
}

/** What may not be read may be there; what another unit applies, too, is left alone. */
async function isDeleted(
  deps: ActivityDeps,
  ref: ResourceRef,
  unit: AppliedUnit,
): Promise<boolean> {
  const { cluster, source } = environmentOf(deps, ref.environment);
  if ((await readable(cluster.get(ref))) === undefined) return false;
  const other = await unlessUnreadable(source.find(ref));
  if (!other || other.unit.unitId === unit.unitId) return true;
  return other.applied !== 'head' && other.applied !== 'behind';
}
