import type { Unit } from '../clients/confighub/index.ts';
import type { DeclaringUnit, DesiredObject } from '../desired/source.ts';
import {
  type Chain,
  canAccept,
  type Downstream,
  inTurn,
  MAX_PUSHED,
} from '../drift/decide/make-plan.ts';
import type { ReachEntry } from '../drift/decide/plan.ts';
import type { Finding } from '../drift/decide/record.ts';
import { isLeftToPeople } from '../drift/decide/reserved.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import type { FilterMembership } from './filter-membership.ts';
import { promotionPolicy } from './promotion-policy.ts';
import { reachOfAccepted, reachOfApply, reachOfUpgrade } from './reach.ts';
import { type FedUnit, nextLevel, toUnitRef } from './unit-lineage.ts';

/** Each reads its unit, its policy and its live objects. */
const LOOKS_AT_ONCE = 8;

/** A unit that gets the accepted values, and what it gets by this plan, as fields of another environment's clones. */
type Source = {
  readonly unit: DeclaringUnit;
  gets(environment: string): Promise<readonly ReachEntry[]>;
};

type Link = Downstream & { readonly source: Source };

export const NOTHING_BELOW: Chain = { downstream: [], left: 0 };

/**
 * What is below the unit of a drift whose live values may be accepted, level by level: units that follow by themselves lead on to the
 * next level, those that ask do not. Nothing is written.
 */
export async function chainBelow(
  deps: ActivityDeps,
  membership: FilterMembership,
  finding: Finding,
  desired: DesiredObject,
): Promise<Chain> {
  if (!canAccept(finding)) return NOTHING_BELOW;
  const downstream: Downstream[] = [];
  let left = 0;
  let level: readonly Source[] = [acceptedSource(deps, finding, desired)];
  while (level.length > 0) {
    const upstreams = new Map(level.map((one) => [one.unit.unitId, one]));
    const found = await nextLevel(
      deps,
      level.map((one) => one.unit),
    );
    const fits = found.slice(0, MAX_PUSHED - downstream.length);
    left += found.length - fits.length;
    const links = await look(deps, membership, upstreams, fits);
    downstream.push(...links.map(({ source: _source, ...one }) => one));
    level = links.filter((one) => one.outcome === 'auto').map((one) => one.source);
  }
  return { downstream, left };
}

async function look(
  deps: ActivityDeps,
  membership: FilterMembership,
  upstreams: ReadonlyMap<string, Source>,
  found: readonly FedUnit[],
): Promise<readonly Link[]> {
  const links: Link[] = [];
  for (let at = 0; at < found.length; at += LOOKS_AT_ONCE) {
    const some = found.slice(at, at + LOOKS_AT_ONCE).map(async (one) => {
      const upstream = upstreams.get(one.unit.upstream?.unitId ?? '');
      return upstream ? [await linkOf(deps, membership, upstream, one)] : [];
    });
    links.push(...(await Promise.all(some)).flat());
  }
  return links;
}

async function linkOf(
  deps: ActivityDeps,
  membership: FilterMembership,
  upstream: Source,
  { unit, environment: { config } }: FedUnit,
): Promise<Link> {
  const environment = config.name;
  const source = sourceBelow(deps, upstream, unit);
  const about = {
    unit: toUnitRef(unit),
    upstream: toUnitRef(upstream.unit),
    environment,
    headRevision: unit.headRevision,
    upstreamRevision: unit.upstream?.revision ?? 0,
    source,
  };
  const { outcome } = await promotionPolicy(deps, membership, environment, unit);
  if (outcome === 'ask') return { ...about, outcome, reach: [] };
  const [applied, upgraded] = await Promise.all([
    reachOfApply(deps, environment, unit),
    source.gets(environment),
  ]);
  const reach = inTurn(applied, upgraded);
  // What an ignore rule keeps is not written over by itself, nor is what holds data deleted: that unit is asked about.
  const isLeft = isLeftToPeople({ reach }, 'promotion');
  return isLeft ? { ...about, outcome: 'ask', reach: [] } : { ...about, outcome, reach };
}

/** The drifted unit gets the accepted values. What lies in its environment's namespace lies in that of each clone's. */
function acceptedSource(
  deps: ActivityDeps,
  finding: Finding,
  { unit, ref }: DesiredObject,
): Source {
  const namespaceOf = (name: string) => environmentOf(deps, name).config.defaultNamespace;
  const isInOwn = ref.namespace === namespaceOf(ref.environment);
  return {
    unit,
    gets: async (environment) => {
      const namespace = isInOwn ? namespaceOf(environment) : ref.namespace;
      return reachOfAccepted({ ...ref, environment, namespace }, finding);
    },
  };
}

/** A clone gets what its upstream has had since the last upgrade, and what its upstream gets now. */
function sourceBelow(deps: ActivityDeps, upstream: Source, unit: Unit): Source {
  const isBehind = (unit.upstream?.revision ?? 0) < upstream.unit.headRevision;
  return {
    unit,
    gets: async (environment) => [
      ...(isBehind ? await reachOfUpgrade(deps, environment, unit) : []),
      ...(await upstream.gets(environment)),
    ],
  };
}
