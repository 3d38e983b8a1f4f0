import { decide } from '../drift/policy.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { formatResource, resourceKey } from '../drift/resource-ref.ts';
import type { Sibling } from '../drift/strictest.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { lookAt } from './detect.ts';
import type { FilterMembership } from './filter-membership.ts';
import { readable, UNREADABLE } from './reach.ts';
import { rulesFor } from './remember-finding.ts';
import type { HeldBy, PlanInput } from './types.ts';

/** A unit's other objects that drift, too, and the digests of their differences. */
export type UnitShare = {
  readonly siblings: readonly Sibling[];
  readonly digests: readonly string[];
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
  const digests: string[] = [];
  const { rules, autoFix } = rulesFor(deps, ref.environment);
  for (const other of others) {
    const look = await readable(lookAt(deps, membership, other.ref));
    if (look === UNREADABLE || !look?.finding) continue;
    const facts = { ...look.facts, flapping: false, atMs: Date.now() };
    const decision = decide(rules, facts, autoFix);
    siblings.push({ resource: formatResource(other.ref), decision });
    digests.push(look.finding.diffDigest);
  }
  return { siblings, digests, isShared: others.length > 0 };
}

/** Makes this run the one that plans for the unit, or says which one does. A holder that does not know of this drift is woken. */
export async function takeUnit(
  { store, reportDrift }: Pick<ActivityDeps, 'store' | 'reportDrift'>,
  unitId: string,
  { episodeId, finding, looksOnly }: PlanInput,
  { digests, isShared }: UnitShare,
): Promise<HeldBy | undefined> {
  if (!isShared || looksOnly) return undefined;
  const { diffDigest } = finding;
  const at = new Date().toISOString();
  const covers = [diffDigest, ...digests];
  const holder = await store.unitHolds.take(unitId, { episodeId, diffDigest, covers, at });
  if (!holder) return undefined;
  if (!holder.isCovered) await reportDrift(holder.ref, `unit ${unitId}: ${diffDigest}`);
  return { episodeId: holder.episodeId, resource: formatResource(holder.ref) };
}
