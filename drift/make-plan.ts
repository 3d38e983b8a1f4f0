import { describeStep, type Plan, type PlanStep, type ReachEntry, type UnitRef } from './plan.ts';
import type { PolicyRule } from './policy.ts';
import type { Finding } from './record.ts';
import { formatResource } from './resource-ref.ts';

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
  /** Clones of this unit one level down, with what their environment's policy says about a promotion. */
  readonly downstream: readonly {
    readonly unit: UnitRef;
    readonly environment: string;
    readonly headRevision: number;
    readonly upstreamRevision: number;
    readonly outcome: 'auto' | 'ask';
  }[];
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
): readonly Plan[] {
  const plans = [revertPlan(rule, lineage, reach, finding)];
  if (canAccept(finding)) plans.push(acceptPlan(finding, lineage, reach));
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

/** Applies the unit, unless that would overwrite what a rule keeps and a patch of the drifted fields alone would do. */
function revertPlan(
  rule: Pick<PolicyRule, 'upgrade'>,
  lineage: Lineage,
  reach: Reach,
  finding?: Finding,
): Plan {
  const { unit, environment, behind, headRevision } = lineage;
  if (!behind || rule.upgrade !== 'with-fix') {
    const keeps = reach.apply.some((one) => one.keptBy !== undefined);
    if (!keeps || !reach.patch || !finding) {
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
  return planOf('revert', [upgrade, apply], chain(reach.apply, reach.upgrade));
}

/** One entry for a field that both change: from what is live to what the upgrade brings. */
function chain(first: readonly ReachEntry[], second: readonly ReachEntry[]): readonly ReachEntry[] {
  const keyOf = (entry: ReachEntry) => `${entry.environment} ${entry.resource} ${entry.path}`;
  const later = new Map(second.map((entry) => [keyOf(entry), entry]));
  const chained = first.map((entry) => {
    const next = later.get(keyOf(entry));
    if (!next) return entry;
    later.delete(keyOf(entry));
    const { to: _overtaken, ...from } = entry;
    return next.to === undefined ? from : { ...from, to: next.to };
  });
  return [...chained, ...later.values()];
}

function acceptPlan(finding: Finding, lineage: Lineage, reach: Reach): Plan {
  const { unit, environment, headRevision, downstream } = lineage;
  const steps: PlanStep[] = [
    { kind: 'write', unit, revision: headRevision, paths: finding.changes.map((one) => one.path) },
    { kind: 'apply', unit, environment },
  ];
  for (const one of downstream) {
    if (one.outcome === 'ask') {
      steps.push({ kind: 'ask', unit: one.unit, upstream: unit, environment: one.environment });
      continue;
    }
    steps.push(
      {
        kind: 'upgrade',
        unit: one.unit,
        upstream: unit,
        revision: one.headRevision,
        fromRevision: one.upstreamRevision,
        environment: one.environment,
      },
      { kind: 'apply', unit: one.unit, environment: one.environment },
    );
  }
  return planOf('accept', steps, reach.accept);
}

function planOf(fix: Plan['fix'], steps: readonly PlanStep[], reach: readonly ReachEntry[]): Plan {
  return { fix, steps, reach, description: steps.map(describeStep).join(', then ') };
}

/** The plan that brings one unit to its upstream's head. */
export function promotionPlan(
  lineage: Lineage & { readonly behind: NonNullable<Lineage['behind']> },
  reach: Pick<Reach, 'apply' | 'upgrade'>,
): Plan {
  return revertPlan({ upgrade: 'with-fix' }, lineage, { ...reach, accept: [] });
}
