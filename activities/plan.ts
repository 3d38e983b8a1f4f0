import type { Unit } from '../clients/confighub/index.ts';
import { type Lineage, makePlans, promotionPlan } from '../drift/make-plan.ts';
import { overwrittenKept } from '../drift/plan.ts';
import { decide, type PolicyFacts } from '../drift/policy.ts';
import { strictestOf } from '../drift/strictest.ts';
import { digest } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import { promotionWorkflowId } from '../lib/workflow-id.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import type { FilterMembership } from './filter-membership.ts';
import { reachOfApply, reachOfPatch, reachOfUpgrade } from './reach.ts';
import type { Activities, Planned } from './types.ts';
import { downstreamOf, toUnitRef } from './unit-lineage.ts';
import { shareOf, takeUnit } from './unit-share.ts';

/** Works out what a fix or a promotion will do, before anyone is asked. Writes nothing. */
export function createPlanActivities(
  deps: ActivityDeps,
  membership: FilterMembership,
): Pick<Activities, 'plan' | 'planPromotion' | 'identifyPromotion' | 'listDownstream'> {
  return {
    async plan(input) {
      const { ref, finding } = input;
      const desired = await environmentOf(deps, ref.environment).source.find(ref);
      if (!desired) throw new AppError('NOT_FOUND', 'nothing declares this resource any more');
      const share = await shareOf(deps, membership, ref, desired.unit);
      const heldBy = await takeUnit(deps, desired.unit.unitId, input, share);
      const decision = strictestOf(input.decision, share.siblings);
      if (heldBy) return { plans: [], digest: '', decision, heldBy };
      const rule = decision.policy;
      const lineage = await lineageOf(deps, membership, ref.environment, desired.unit);
      const patch = reachOfPatch(deps, finding);
      const reach = {
        apply: await reachOfApply(deps, ref.environment, desired.unit),
        upgrade:
          rule.upgrade === 'with-fix'
            ? await reachOfUpgrade(deps, ref.environment, desired.unit)
            : [],
        accept: await reachOfApply(deps, ref.environment, desired.unit, ref),
        ...(patch && { patch }),
      };
      const plans = makePlans(finding, rule, lineage, reach);
      const { diffDigest: diff, uid } = finding;
      const bound = { diff, uid, revision: lineage.headRevision, rule };
      return { ...bind(bound, plans), decision };
    },

    async planPromotion({ unit: { spaceId, unitId }, environment }) {
      const unit = await deps.hub.getUnit(spaceId, unitId);
      const lineage = await lineageOf(deps, membership, environment, unit);
      const { rule, outcome } = await promotionPolicy(deps, membership, environment, unit);
      if (!lineage.behind) {
        return { needed: false, plans: [], digest: '', rule, outcome, summary: '' };
      }
      const reach = {
        apply: await reachOfApply(deps, environment, unit),
        upgrade: await reachOfUpgrade(deps, environment, unit),
      };
      const plan = promotionPlan({ ...lineage, behind: lineage.behind }, reach);
      const bound = bind({ revision: lineage.headRevision, behind: lineage.behind, rule }, [plan]);
      const { upstream, fromRevision, toRevision } = lineage.behind;
      const summary = `Promote ${unit.slug} from ${upstream.space} to ${environment} (revision ${fromRevision} → ${toRevision})`;
      // Nobody is asked about what an ignore rule keeps by writing over it.
      const kept = overwrittenKept(plan);
      return { ...bound, needed: true, rule, outcome: kept.length > 0 ? 'ask' : outcome, summary };
    },

    async identifyPromotion({ unit, upstream }) {
      const { headRevision } = await deps.hub.getUnit(upstream.spaceId, upstream.unitId);
      return {
        upstreamRevision: headRevision,
        workflowId: promotionWorkflowId(unit.space, unit.slug, headRevision),
      };
    },

    async listDownstream({ unit }) {
      const found = await downstreamOf(deps, unit);
      return found.map((one) => ({
        unit: toUnitRef(one.unit),
        environment: one.environment.config.name,
      }));
    },
  };
}

function bind(rest: object, plans: Planned['plans']): Planned {
  // A value that somebody is meant to write moves while people think; they consent to what is written over it.
  const bound = plans.map((plan) => ({
    ...plan,
    reach: plan.reach.map((one) => {
      const { from: _moving, ...fixed } = one;
      return one.keptBy === undefined ? one : fixed;
    }),
  }));
  return { plans, digest: digest({ ...rest, plans: bound }) };
}

async function lineageOf(
  deps: ActivityDeps,
  membership: FilterMembership,
  environment: string,
  unit: Unit,
): Promise<Lineage> {
  const upstream =
    unit.upstream && (await deps.hub.getUnit(unit.upstream.spaceId, unit.upstream.unitId));
  const behind =
    unit.upstream && upstream && unit.upstream.revision < upstream.headRevision
      ? {
          upstream: toUnitRef(upstream),
          fromRevision: unit.upstream.revision,
          toRevision: upstream.headRevision,
        }
      : undefined;
  const downstream = await Promise.all(
    (await downstreamOf(deps, unit)).map(async (one) => ({
      unit: toUnitRef(one.unit),
      environment: one.environment.config.name,
      headRevision: one.unit.headRevision,
      upstreamRevision: one.unit.upstream?.revision ?? 0,
      outcome: (await promotionPolicy(deps, membership, one.environment.config.name, one.unit))
        .outcome,
    })),
  );
  return {
    unit: toUnitRef(unit),
    environment,
    headRevision: unit.headRevision,
    ...(behind && { behind }),
    downstream,
  };
}

/** A promotion is judged by the receiving environment's policy, as a desired change that is not applied yet. */
async function promotionPolicy(
  deps: ActivityDeps,
  membership: FilterMembership,
  environment: string,
  unit: Unit,
) {
  const facts: PolicyFacts = {
    environment,
    kind: 'Unit',
    namespace: environmentOf(deps, environment).config.defaultNamespace,
    labels: unit.labels,
    filters: await membership.filtersOf(unit),
    types: [],
    severity: 'info',
    direction: 'reverse',
    name: unit.slug,
    managers: [],
    flapping: false,
    atMs: Date.now(),
  };
  const decision = decide(deps.config.policies, facts, deps.config.autoFix);
  const outcome: 'auto' | 'ask' = decision.outcome === 'auto' ? 'auto' : 'ask';
  return { rule: decision.policy, outcome };
}
