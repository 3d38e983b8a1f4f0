import type { Unit } from '../clients/confighub/index.ts';
import { parseManifests } from '../desired/manifests.ts';
import { compare } from '../drift/compare.ts';
import { compileDesired } from '../drift/compile.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { differences } from '../drift/ignore.ts';
import type { ReachEntry } from '../drift/plan.ts';
import type { Finding } from '../drift/record.ts';
import { redactChanges } from '../drift/redact.ts';
import {
  formatResource,
  type KubeObject,
  type ResourceRef,
  refOf,
  resourceKey,
} from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { compareNow } from './inspect.ts';

/** Beyond this a person cannot judge the reach anyway; the plan says how many were left out. */
const MAX_REACH = 100;

/**
 * Every live field that applying the unit as it stands would change, over all its objects: an apply writes the whole unit, so
 * whoever consents to it consents to all of this, also to what ignore rules hide. `except` leaves out the drift whose live values
 * are being accepted.
 */
export async function reachOfApply(
  deps: ActivityDeps,
  environment: string,
  unit: Pick<Unit, 'unitId' | 'spaceId'>,
  except?: ResourceRef,
): Promise<readonly ReachEntry[]> {
  const { source, cluster } = environmentOf(deps, environment);
  const objects = await source.ofUnit(unit);
  const entries: ReachEntry[] = [];
  for (const desired of objects) {
    const live = await readable(cluster.get(desired.ref));
    if (live === UNREADABLE) {
      entries.push({
        environment,
        resource: formatResource(desired.ref),
        path: '(cannot be read)',
      });
      continue;
    }
    const { comparison } = compareNow(deps, desired, live);
    const isAccepted = except && resourceKey(except) === resourceKey(desired.ref);
    // Of the accepted resource the drift itself is written into the unit; the rest of it is applied all the same.
    const counted = new Set(isAccepted ? comparison.changes : []);
    const found = differences(comparison).filter(({ change }) => !counted.has(change));
    entries.push(...found.flatMap((one) => entriesOf(deps, desired.ref, [one.change], one.keptBy)));
  }
  return limit(entries);
}

/**
 * What a patch of the drifted fields alone would change; undefined where none may be sent: without a second identity, and where
 * the object is missing.
 */
export function reachOfPatch(
  deps: ActivityDeps,
  { ref, changes }: Finding,
): readonly ReachEntry[] | undefined {
  const { repair } = environmentOf(deps, ref.environment);
  const isMissing = changes.some((change) => change.op === 'object-missing');
  if (deps.config.residue !== 'patch' || !repair || isMissing) return undefined;
  return limit(
    changes.map(({ path, live, desired }) => ({
      environment: ref.environment,
      resource: formatResource(ref),
      path,
      ...(live !== undefined && { from: live }),
      ...(desired !== undefined && { to: desired }),
    })),
  );
}

export const UNREADABLE = Symbol('unreadable');

/** An object that Realign may not read is part of the reach all the same: it is named instead of compared. */
export async function readable<T>(reading: Promise<T>): Promise<T | typeof UNREADABLE> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AppError && UNREADABLE_CODES.has(error.code)) return UNREADABLE;
    throw error;
  }
}

const UNREADABLE_CODES: ReadonlySet<string> = new Set(['KUBERNETES_FORBIDDEN', 'NOT_FOUND']);

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
  const old = new Map(parseManifests(before).map((object) => [keyOf(object), object]));
  const { defaultNamespace } = environmentOf(deps, environment).config;
  const entries = parseManifests(after).flatMap((object) => {
    const ref = refOf(environment, object, object.metadata.namespace ?? defaultNamespace);
    return entriesOf(deps, ref, changesBetween(old.get(keyOf(object)), object));
  });
  return limit(entries);
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

function limit(entries: readonly ReachEntry[]): readonly ReachEntry[] {
  if (entries.length <= MAX_REACH) return entries;
  const left = entries.length - MAX_REACH;
  const last: ReachEntry = { environment: '', resource: `… and ${left} more fields`, path: '' };
  // What is cut off must not be what makes a fix ask.
  const kept = entries.filter((one) => one.keptBy !== undefined);
  const others = entries.filter((one) => one.keptBy === undefined);
  return [...[...kept, ...others].slice(0, MAX_REACH), last];
}

function keyOf(object: KubeObject): string {
  return `${object.apiVersion}/${object.kind}/${object.metadata.name}`;
}
