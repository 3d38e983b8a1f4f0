import type { Unit } from '../clients/confighub/index.ts';
import { parseManifests } from '../desired/manifests.ts';
import type { DesiredObject } from '../desired/source.ts';
import { compare } from '../drift/compare/compare.ts';
import { compileDesired } from '../drift/compare/compile.ts';
import { differences, type RuledComparison } from '../drift/compare/ignore.ts';
import { gravestFirst, type ReachEntry } from '../drift/decide/plan.ts';
import type { Finding } from '../drift/decide/record.ts';
import type { FieldChange } from '../drift/field-change.ts';
import {
  formatResource,
  type KubeObject,
  type ResourceRef,
  refOf,
  resourceKey,
} from '../drift/resource-ref.ts';
import { redactChanges } from '../drift/secrets/redact.ts';
import { type AppliedUnit, deletedByApply, deletedByRestore, deletedByUpgrade } from './deleted.ts';
import { type DeliveredBeside, deliveredBeside } from './delivered-beside.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { compareNow } from './inspect.ts';
import { readable, UNREADABLE } from './readable.ts';
import { withinBytes } from './within-bytes.ts';

/**
 * Every live field that applying the unit as it stands would change, over all its objects, and every object that it would delete: an
 * apply writes the whole unit, so whoever consents to it consents to all of this, also to what ignore rules hide. Where releases deliver whole spaces, the other
 * units' drift is part of it.
 */
export async function reachOfApply(
  deps: ActivityDeps,
  environment: string,
  unit: AppliedUnit,
): Promise<readonly ReachEntry[]> {
  const objects = await environmentOf(deps, environment).source.ofUnit(unit);
  const looks = await lookAtEach(deps, environment, objects);
  const deleted = await deletedByApply(deps, environment, unit, objects);
  const beside = await deliveredBeside(deps, environment, unit);
  return [
    ...looks.flatMap((look) => entriesOfLook(deps, look)),
    ...deleted,
    ...entriesBeside(deps, environment, beside),
  ];
}

/** The same for both fixes of a drift, by one look: of what is accepted the drift itself is written into the unit. */
export async function reachesOfApply(
  deps: ActivityDeps,
  { ref: drifted, unit }: Pick<DesiredObject, 'ref' | 'unit'>,
  objects: readonly DesiredObject[],
  beside: DeliveredBeside,
): Promise<{ readonly apply: readonly ReachEntry[]; readonly accept: readonly ReachEntry[] }> {
  const looks = await lookAtEach(deps, drifted.environment, objects);
  const rest = [
    ...(await deletedByApply(deps, drifted.environment, unit, objects)),
    ...entriesBeside(deps, drifted.environment, beside),
  ];
  return {
    apply: [...looks.flatMap((look) => entriesOfLook(deps, look)), ...rest],
    accept: [...looks.flatMap((look) => entriesOfLook(deps, look, drifted)), ...rest],
  };
}

/** A declared object beside what is live of it. */
type LiveLook =
  | { readonly ref: ResourceRef; readonly comparison: RuledComparison }
  | { readonly ref: ResourceRef; readonly comparison: typeof UNREADABLE };

async function lookAtEach(
  deps: ActivityDeps,
  environment: string,
  objects: readonly DesiredObject[],
): Promise<readonly LiveLook[]> {
  const { cluster } = environmentOf(deps, environment);
  const looks: LiveLook[] = [];
  for (const desired of objects) {
    const { ref } = desired;
    const live = await readable(cluster.get(ref));
    const comparison =
      live === UNREADABLE ? UNREADABLE : compareNow(deps, desired, live).comparison;
    looks.push({ ref, comparison });
  }
  return looks;
}

function entriesOfLook(
  deps: ActivityDeps,
  { ref, comparison }: LiveLook,
  accepted?: ResourceRef,
): readonly ReachEntry[] {
  if (comparison === UNREADABLE) return [unread(ref.environment, formatResource(ref))];
  const isAccepted = accepted && resourceKey(accepted) === resourceKey(ref);
  // Of the accepted resource the drift itself is written into the unit; the rest of it is applied all the same.
  const counted = new Set(isAccepted ? comparison.changes : []);
  const found = differences(comparison).filter(({ change }) => !counted.has(change));
  return found.flatMap((one) => entriesOf(deps, ref, [one.change], one.keptBy));
}

function entriesBeside(
  deps: ActivityDeps,
  environment: string,
  { differing, unreadable, omitted }: DeliveredBeside,
): readonly ReachEntry[] {
  const rest = `${omitted} more objects of the space`;
  return [
    ...differing.flatMap(({ desired: { ref }, comparison }) =>
      differences(comparison).flatMap((one) => entriesOf(deps, ref, [one.change], one.keptBy)),
    ),
    ...unreadable.map(({ ref }) => unread(environment, formatResource(ref))),
    ...(omitted > 0 ? [{ environment, resource: rest, path: '(not looked at)' }] : []),
  ];
}

function unread(environment: string, resource: string): ReachEntry {
  return { environment, resource, path: '(cannot be read)' };
}

/**
 * What a patch of the drifted fields alone would change; undefined where none may be sent: without a second identity, and where
 * the object is missing.
 */
export function reachOfPatch(
  deps: ActivityDeps,
  { ref, changes, omitted }: Finding,
): readonly ReachEntry[] | undefined {
  const { repair } = environmentOf(deps, ref.environment);
  const isMissing = changes.some((change) => change.op === 'object-missing');
  if (deps.config.residue !== 'patch' || !repair || isMissing) return undefined;
  const resource = formatResource(ref);
  const entries: ReachEntry[] = changes.map(({ path, live, desired }) => ({
    environment: ref.environment,
    resource,
    path,
    ...(live !== undefined && { from: live }),
    ...(desired !== undefined && { to: desired }),
  }));
  return omitted === 0 ? entries : [...entries, moreFields(omitted)];
}

/** Beyond this a person cannot judge a reach anyway; the plan says how many were left out, and the digest covers them. */
const SHOWN_REACH = { maxCount: 100, maxBytes: 10 * 1024 };

/** As much of a reach as is shown. What makes a fix ask is never left out for something else. */
export function shownReach(entries: readonly ReachEntry[]): readonly ReachEntry[] {
  const inOrder = withinBytes(entries, SHOWN_REACH);
  if (inOrder.length === entries.length) return entries;
  const shown = withinBytes(gravestFirst(entries), SHOWN_REACH);
  return [...shown, moreFields(entries.length - shown.length)];
}

function moreFields(count: number): ReachEntry {
  return { environment: '', resource: `… and ${count} more fields`, path: '' };
}

/** What the upstream's changes since the last upgrade bring to this unit's objects. */
export async function reachOfUpgrade(
  deps: ActivityDeps,
  environment: string,
  unit: Unit,
): Promise<readonly ReachEntry[]> {
  if (!unit.upstream) return [];
  const { spaceId, unitId, revision } = unit.upstream;
  const [before, after] = await Promise.all([
    deps.hub.revisionData(spaceId, unitId, revision),
    deps.hub.readData({ spaceId, unitId }),
  ]);
  return [
    ...reachBetween(deps, environment, before, after),
    ...(await deletedByUpgrade(deps, environment, unit, { before, after })),
  ];
}

/** What going back from the unit's head to older data of it changes. */
export async function reachOfRestore(
  deps: ActivityDeps,
  environment: string,
  unit: Unit,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<readonly ReachEntry[]> {
  return [
    ...reachBetween(deps, environment, before, after),
    ...(await deletedByRestore(deps, environment, unit, { before, after })),
  ];
}

/** What an object of a clone gets of a drift that is accepted upstream. */
export function reachOfAccepted(
  ref: ResourceRef,
  { changes }: Pick<Finding, 'changes'>,
): readonly ReachEntry[] {
  const { environment } = ref;
  return changes.map(({ path, desired, live }) => ({
    ...{ environment, resource: formatResource(ref), path },
    ...(desired !== undefined && { from: desired }),
    ...(live !== undefined && { to: live }),
  }));
}

/** Every field in which the objects of a state of a unit differ from those of another, as going from that to it changes them. */
function reachBetween(
  deps: ActivityDeps,
  environment: string,
  before: string,
  after: string,
): readonly ReachEntry[] {
  const { source } = environmentOf(deps, environment);
  const refIn = (object: KubeObject) => refOf(environment, source.place(object));
  const old = new Map(parseManifests(before).map((object) => [resourceKey(refIn(object)), object]));
  return parseManifests(after).flatMap((object) => {
    const ref = refIn(object);
    return entriesOf(deps, ref, changesBetween(old.get(resourceKey(ref)), object));
  });
}

/** Fields that differ between two manifests, `live` being the older: changed or new ones, then those that are dropped. */
function changesBetween(older: KubeObject | undefined, newer: KubeObject): readonly FieldChange[] {
  const context = { appliers: [] };
  const changed = compare(compileDesired(newer), older, context).changes;
  if (!older) return changed;
  const paths = new Set(changed.map((one) => one.path));
  const dropped = compare(compileDesired(older), newer, context).changes.filter(
    (one) => one.op === 'removed' && !paths.has(one.path),
  );
  return [
    ...changed,
    ...dropped.map(({ live: _absent, desired, ...rest }) => ({
      ...rest,
      ...(desired !== undefined && { live: desired }),
    })),
  ];
}

function entriesOf(
  deps: ActivityDeps,
  ref: ResourceRef,
  changes: readonly FieldChange[],
  keptBy?: string,
): readonly ReachEntry[] {
  return redactChanges(changes, ref.kind, deps.keyedHash).map(({ path, live, desired }) => ({
    environment: ref.environment,
    resource: formatResource(ref),
    path,
    ...(live !== undefined && { from: live }),
    ...(desired !== undefined && { to: desired }),
    ...(keptBy !== undefined && { keptBy }),
  }));
}
