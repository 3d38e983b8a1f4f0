import type { DesiredObject } from '../desired/source.ts';
import { decide } from '../drift/decide/policy.ts';
import type { Finding } from '../drift/decide/record.ts';
import type { Sibling } from '../drift/decide/strictest.ts';
import { formatResource, type ResourceRef, resourceKey } from '../drift/resource-ref.ts';
import { digest } from '../lib/digest.ts';
import type { DeliveredBeside } from './delivered-beside.ts';
import type { ActivityDeps } from './deps.ts';
import { lookAt } from './detect.ts';
import type { FilterMembership } from './filter-membership.ts';
import { readable, UNREADABLE } from './readable.ts';
import { rulesFor } from './remember-finding.ts';
import type { HeldBy, PlanInput } from './types.ts';

/** A unit's other objects that drift, too, and what their differences are called. */
export type UnitShare = {
  readonly siblings: readonly Sibling[];
  readonly drifts: readonly string[];
  /** False for a unit of one object, which nobody else plans for. */
  readonly isShared: boolean;
};

/**
 * Looks at what else drifts of a unit's objects, and of whatever is delivered with it: an apply writes all of that, so all of their rules
 * count.
 */
export async function shareOf(
  deps: ActivityDeps,
  membership: FilterMembership,
  ref: ResourceRef,
  objects: readonly DesiredObject[],
  beside: DeliveredBeside,
): Promise<UnitShare> {
  const others = [...objects, ...beside.differing.map((one) => one.desired)].filter(
    (one) => resourceKey(one.ref) !== resourceKey(ref),
  );
  const siblings: Sibling[] = [];
  const drifts: string[] = [];
  const { rules, autoFix } = rulesFor(deps, ref.environment);
  for (const other of others) {
    const look = await readable(lookAt(deps, membership, other.ref));
    if (look === UNREADABLE || !look?.finding) continue;
    const facts = { ...look.facts, flapping: false, atMs: Date.now() };
    const decision = decide(rules, facts, autoFix);
    siblings.push({ resource: formatResource(other.ref), decision });
    drifts.push(...namesOf(look.finding));
  }
  return { siblings, drifts, isShared: others.length > 0 || beside.isWhole };
}

/** Makes this run the one that plans for the unit, or says which one does. A holder that does not know of this drift is woken. */
export async function takeUnit(
  { store, stir }: Pick<ActivityDeps, 'store' | 'stir'>,
  unitId: string,
  { episodeId, finding, looksOnly }: PlanInput,
  { drifts, isShared }: UnitShare,
): Promise<HeldBy | undefined> {
  if (!isShared || looksOnly) return undefined;
  const [drift, exact] = namesOf(finding);
  const at = new Date().toISOString();
  const covers = [drift, exact, ...drifts];
  const holder = await store.unitHolds.take(unitId, { episodeId, drift, exact, covers, at });
  if (!holder) return undefined;
  if (!holder.isCovered) await stir(holder.ref, 'unit');
  return { episodeId: holder.episodeId, resource: formatResource(holder.ref) };
}

/**
 * The same change of two objects has one digest: the object makes it a drift. First by what a fix would write: while somebody asks or
 * fixes, a value that moves all the time is one drift. Then also by what is live: what was decided about is that, and nothing else.
 */
function namesOf({
  ref,
  changes,
  omitted,
  diffDigest,
}: Finding): readonly [drift: string, exact: string] {
  const written = changes.map(({ path, desired }) => ({ path, desired }));
  const drift = `${formatResource(ref)} ${digest({ written, omitted })}`;
  return [drift, `${drift} ${diffDigest}`];
}
