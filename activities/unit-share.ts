import { decide } from '../drift/policy.ts';
import type { Finding } from '../drift/record.ts';
import { formatResource, type ResourceRef, resourceKey } from '../drift/resource-ref.ts';
import type { Sibling } from '../drift/strictest.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { lookAt } from './detect.ts';
import type { FilterMembership } from './filter-membership.ts';
import { readable, UNREADABLE } from './reach.ts';
import { rulesFor } from './remember-finding.ts';
import type { HeldBy, PlanInput } from './types.ts';

/** A unit's other objects that drift, too, and what their differences are called. */
export type UnitShare = {
  readonly siblings: readonly Sibling[];
  readonly drifts: readonly string[];
  /** False for a unit of one object, which nobody else plans for. */
  readonly isShared: boolean;
};

/** Looks at what else of a unit drifts: an apply writes all of it, so all of their rules count. */
export async function shareOf(
  deps: ActivityDeps,
  membership: FilterMembership,
  ref: ResourceRef,
  unit: { readonly unitId: string; readonly spaceId: string },
): Promise<UnitShare> {
  const objects = await environmentOf(deps, ref.environment).source.ofUnit(unit);
  const others = objects.filter((one) => resourceKey(one.ref) !== resourceKey(ref));
  const siblings: Sibling[] = [];
  const drifts: string[] = [];
  const { rules, autoFix } = rulesFor(deps, ref.environment);
  for (const other of others) {
    const look = await readable(lookAt(deps, membership, other.ref));
    if (look === UNREADABLE || !look?.finding) continue;
    const facts = { ...look.facts, flapping: false, atMs: Date.now() };
    const decision = decide(rules, facts, autoFix);
    siblings.push({ resource: formatResource(other.ref), decision });
    drifts.push(nameOf(look.finding));
  }
  return { siblings, drifts, isShared: others.length > 0 };
}

/** Makes this run the one that plans for the unit, or says which one does. A holder that does not know of this drift is woken. */
export async function takeUnit(
  { store, reportDrift }: Pick<ActivityDeps, 'store' | 'reportDrift'>,
  unitId: string,
  { episodeId, finding, looksOnly }: PlanInput,
  { drifts, isShared }: UnitShare,
): Promise<HeldBy | undefined> {
  if (!isShared || looksOnly) return undefined;
  const drift = nameOf(finding);
  const at = new Date().toISOString();
  const covers = [drift, ...drifts];
  const holder = await store.unitHolds.take(unitId, { episodeId, drift, covers, at });
  if (!holder) return undefined;
  if (!holder.isCovered) await reportDrift(holder.ref, `beside ${drift}`);
  return { episodeId: holder.episodeId, resource: formatResource(holder.ref) };
}

/** The same change of two objects has one digest: the object makes it a drift. */
function nameOf({ ref, diffDigest }: Finding): string {
  return `${formatResource(ref)} ${diffDigest}`;
}
