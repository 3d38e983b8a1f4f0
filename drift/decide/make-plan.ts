import { formatResource } from '../resource-ref.ts';
import { describeStep, type Plan, type PlanStep, type ReachEntry, type UnitRef } from './plan.ts';
import type { PolicyRule } from './policy.ts';
import type { Finding } from './record.ts';
import { isLeftToPeople } from './reserved.ts';

/** Where a drifted unit stands among the others. */
export type Lineage = {
  readonly unit: UnitRef;
  readonly environment: string;
  readonly headRevision: number;
  /** Set when the unit is behind its upstream. */
  readonly behind?: {
    readonly upstream: UnitRef;
    readonly fromRevision: number;
    readonly toRevision: number;
  };
};

/** A unit somewhere below an accepted one, with what its environment's policy says about a promotion. */
export type Downstream = {
  readonly unit: UnitRef;
  readonly upstream: UnitRef;
  readonly environment: string;
  readonly headRevision: number;
  readonly upstreamRevision: number;
  readonly outcome: 'auto' | 'ask';
  /** What upgrading and applying it changes in its cluster; empty where it is asked about on its own. */
  readonly reach: readonly ReachEntry[];
};

/** What an accepted value reaches. */
export type Chain = {
  /** Level by level; below one that asks there is none, because that is its promotion's matter. */
  readonly downstream: readonly Downstream[];
  /** Units that were found, but are too many for one plan. */
  readonly left: number;
};

/** What the applies of each fix would change in the cluster. */
export type Reach = {
  /** Everything that applying the unit as it is would change. */
  readonly apply: readonly ReachEntry[];
  /** What the upgrade from upstream adds to that. */
  readonly upgrade: readonly ReachEntry[];
  /** What the other objects of the unit would get when the live values are accepted. */
  readonly accept: readonly ReachEntry[];
  /** What a patch of the drifted fields alone would change; present where Realign may send one. */
  readonly patch?: readonly ReachEntry[];
};

/** The fixes that can be offered for a drift, revert first. */
export function makePlans(
  finding: Finding,
  rule: Pick<PolicyRule, 'upgrade'>,
  lineage: Lineage,
  reach: Reach,
  chain: Chain,
): readonly Plan[] {
  const plans = [revertPlan(rule, lineage, reach, finding)];
  if (canAccept(finding)) plans.push(acceptPlan(finding, lineage, reach, chain));
  return plans;
}

/**
 * Live can be kept only where it can be read and written down: not for an object that is gone, not for values that Realign may
 * not see, and not for a desired change that simply has not been applied yet.
 */
export function canAccept(finding: Finding): boolean {
  if (finding.omitted > 0 || finding.ref.kind === 'Secret') return false;
  return finding.changes.every(
    (change) =>
      change.op !== 'object-missing' && change.op !== 'pending' && change.redacted !== true,
  );
}

/** Applies the unit, unless that would overwrite what a rule keeps, or delete, and a patch of the drifted fields alone would do. */
function revertPlan(
  rule: Pick<PolicyRule, 'upgrade'>,
  lineage: Lineage,
  reach: Reach,
  finding?: Finding,
): Plan {
  const { unit, environment, behind, headRevision } = lineage;
  if (!behind || rule.upgrade !== 'with-fix') {
    const isGrave = isLeftToPeople({ reach: reach.apply }, 'drift');
    if (!isGrave || !reach.patch || !finding) {
      const apply: PlanStep = { kind: 'apply', unit, environment, revision: headRevision };
      return planOf('revert', [apply], reach.apply);
    }
    const resource = formatResource(finding.ref);
    return planOf('revert', [{ kind: 'patch', unit, environment, resource }], reach.patch);
  }
  const upgrade: PlanStep = {
    kind: 'upgrade',
    unit,
    environment,
    upstream: behind.upstream,
    revision: headRevision,
    fromRevision: behind.fromRevision,
    toRevision: behind.toRevision,
  };
  const apply: PlanStep = { kind: 'apply', unit, environment };
  return planOf('revert', [upgrade, apply], inTurn(reach.apply, reach.upgrade));
}

/** One entry for a field that both change: from what is live to what the upgrade brings. What it declares again is not deleted. */
export function inTurn(
  first: readonly ReachEntry[],
  second: readonly ReachEntry[],
): readonly ReachEntry[] {
  const keyOf = (entry: ReachEntry) => `${entry.environment} ${entry.resource} ${entry.path}`;
  const later = new Map(second.map((entry) => [keyOf(entry), entry]));
  const chained = first.map((entry) => {
    const next = later.get(keyOf(entry));
    if (!next) return entry;
    later.delete(keyOf(entry));
    const { to: _overtaken, isDeleted: _kept, ...from } = entry;
    return {
      ...from,
      ...(next.to !== undefined && { to: next.to }),
      ...(next.isDeleted && { isDeleted: next.isDeleted }),
    };
  });
  return [...chained, ...later.values()];
}

/** More downstream units make payloads large and questions unreadable; `realign promote` brings the others. */
export const MAX_PUSHED = 40;

/**
 * Writes what is live, and pushes it down. Whoever asks is handed over as soon as its upstream has the values: a unit that fails later
 * does not keep their question back.
 */
function acceptPlan(
  finding: Finding,
  { unit, environment, headRevision }: Lineage,
  reach: Reach,
  { downstream, left }: Chain,
): Plan {
  const asked = Map.groupBy(
    downstream.filter((one) => one.outcome === 'ask'),
    (one) => one.upstream.unitId,
  );
  const askBelow = (upstream: UnitRef): readonly PlanStep[] =>
    (asked.get(upstream.unitId) ?? []).map((one) => ({
      kind: 'ask',
      unit: one.unit,
      upstream,
      environment: one.environment,
    }));
  const pushed = downstream.filter((one) => one.outcome === 'auto');
  const paths = finding.changes.map((one) => one.path);
  const steps: readonly PlanStep[] = [
    { kind: 'write', unit, revision: headRevision, paths },
    { kind: 'apply', unit, environment },
    ...askBelow(unit),
    ...pushed.flatMap((one) => [...push(one), ...askBelow(one.unit)]),
  ];
  const plan = planOf('accept', steps, [...reach.accept, ...pushed.flatMap((one) => one.reach)]);
  if (left === 0) return plan;
  const rest = `${left} more downstream units, and what is below them, are left`;
  return { ...plan, description: `${plan.description}; ${rest}` };
}

function push(one: Downstream): readonly PlanStep[] {
  const { unit, upstream, environment, headRevision: revision, upstreamRevision } = one;
  return [
    { kind: 'upgrade', unit, upstream, revision, fromRevision: upstreamRevision, environment },
    { kind: 'apply', unit, environment },
  ];
}

function planOf(fix: Plan['fix'], steps: readonly PlanStep[], reach: readonly ReachEntry[]): Plan {
  return { fix, steps, reach, description: steps.map(describeStep).join(', then ') };
}

/** One unit that a change set has changed, and what taking that back would change in its cluster. */
export type Restoration = {
  readonly unit: UnitRef;
  readonly environment: string;
  readonly headRevision: number;
  readonly toRevision: number;
  /** Everything that applying the unit as it is would change. */
  readonly apply: readonly ReachEntry[];
  /** What the older data changes beside that. */
  readonly restored: readonly ReachEntry[];
};

/** The plan that gives units the data which they had before a change set, in this order. */
export function rollbackPlan(restorations: readonly Restoration[]): Plan {
  const steps = restorations.flatMap(({ unit, environment, headRevision, toRevision }) => [
    { kind: 'restore', unit, environment, revision: headRevision, toRevision } as const,
    { kind: 'apply', unit, environment } as const,
  ]);
  const reach = restorations.flatMap((one) => inTurn(one.apply, one.restored));
  return planOf('revert', steps, reach);
}

/** The plan that brings one unit to its upstream's head. */
export function promotionPlan(
  lineage: Lineage & { readonly behind: NonNullable<Lineage['behind']> },
  reach: Pick<Reach, 'apply' | 'upgrade'>,
): Plan {
  return revertPlan({ upgrade: 'with-fix' }, lineage, { ...reach, accept: [] });
}
