import type { Unit } from '../clients/confighub/index.ts';
import { type Chain, type Lineage, makePlans, promotionPlan } from '../drift/decide/make-plan.ts';
import { describeDeleted, type ReachEntry, type UnitRef } from '../drift/decide/plan.ts';
import { isLeftToPeople } from '../drift/decide/reserved.ts';
import { strictestOf } from '../drift/decide/strictest.ts';
import { formatResource, type ResourceRef } from '../drift/resource-ref.ts';
import { digest } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import { promotedRevision, promotionWorkflowId } from '../lib/workflow-id.ts';
import { chainBelow, NOTHING_BELOW } from './chain-below.ts';
import { deliveredBeside, holdIdOf } from './delivered-beside.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import type { FilterMembership } from './filter-membership.ts';
import { frozenDuring } from './judge.ts';
import { promotionPolicy } from './promotion-policy.ts';
import { reachesOfApply, reachOfApply, reachOfPatch, reachOfUpgrade, shownReach } from './reach.ts';
import type { Activities, Planned, PlanPromotionInput, PromotionPlan } from './types.ts';
import { downstreamOf, toUnitRef } from './unit-lineage.ts';
import { shareOf, takeUnit } from './unit-share.ts';

/** Each is told that it is overtaken, so there is hardly ever more than one. */
const MAX_OTHERS = 20;

/** Whatever carries a plan out reads the unit anew, and refuses another revision than the plan's: detecting has just read it. */
const READ_WITHIN_MS = 1_000;

/** Works out what a fix or a promotion will do, before anyone is asked. Writes nothing. */
export function createPlanActivities(
  deps: ActivityDeps,
  membership: FilterMembership,
): Pick<Activities, 'plan' | 'planPromotion' | 'identifyPromotion' | 'listDownstream'> {
  return {
    async plan(input) {
      const { ref, finding } = input;
      const { source } = environmentOf(deps, ref.environment);
      const desired = await source.find(ref, undefined, READ_WITHIN_MS);
      if (!desired) throw new AppError('NOT_FOUND', 'nothing declares this resource any more');
      const objects = desired.ofUnit?.() ?? (await source.ofUnit(desired.unit));
      const beside = await deliveredBeside(deps, ref.environment, desired.unit);
      const share = await shareOf(deps, membership, ref, objects, beside);
      const heldBy = await takeUnit(deps, await holdIdOf(deps, desired.unit), input, share);
      const decision = strictestOf(input.decision, share.siblings);
      const decisions = [input.decision, ...share.siblings.map((one) => one.decision)];
      if (heldBy) return { plans: [], digest: '', decision, heldBy };
      const rule = decision.policy;
      const lineage = await lineageOf(deps, ref.environment, desired.unit);
      const patch = reachOfPatch(deps, finding);
      const reaches = await reachesOfApply(deps, desired, objects, beside);
      const reach = {
        ...reaches,
        upgrade:
          rule.upgrade === 'with-fix'
            ? await reachOfUpgrade(deps, ref.environment, desired.unit)
            : [],
        ...(patch && { patch }),
      };
      const plansWith = (chain: Chain) => makePlans(finding, rule, lineage, reach, chain);
      const reverts = plansWith(NOTHING_BELOW).filter((one) => one.fix === 'revert');
      // What nobody is asked about offers no other fix: what is downstream of that need not be read.
      const isUnasked =
        decision.outcome === 'auto' &&
        !input.looksOnly &&
        !reverts.some((one) => isLeftToPeople(one, 'drift'));
      const plans = isUnasked
        ? reverts
        : plansWith(await chainBelow(deps, membership, finding, desired));
      const { diffDigest: diff, uid } = finding;
      const bound = { diff, uid, revision: lineage.headRevision, rule };
      const frozen = frozenDuring(decisions, rule, Date.now());
      return { ...bind(bound, plans, ref), decision, ...frozen };
    },

    planPromotion: (input) => planPromotion(deps, membership, input),

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

async function planPromotion(
  deps: ActivityDeps,
  membership: FilterMembership,
  { unit: ref, environment, upstreamRevision }: PlanPromotionInput,
): Promise<PromotionPlan> {
  const unit = await deps.hub.getUnit(ref.spaceId, ref.unitId);
  const lineage = await lineageOf(deps, environment, unit);
  const policy = await promotionPolicy(deps, membership, environment, unit);
  const { rule, outcome } = policy;
  const others = await otherPromotions(deps, ref, upstreamRevision);
  if (!lineage.behind) {
    return { ...policy, others, needed: false, plans: [], digest: '', summary: '' };
  }
  const reach = {
    apply: await reachOfApply(deps, environment, unit),
    upgrade: await reachOfUpgrade(deps, environment, unit),
  };
  const plan = promotionPlan({ ...lineage, behind: lineage.behind }, reach);
  const bound = bind({ revision: lineage.headRevision, behind: lineage.behind, rule }, [plan]);
  const { upstream, fromRevision, toRevision } = lineage.behind;
  const deleted = describeDeleted(plan);
  const summary = `Promote ${unit.slug} from ${upstream.space} to ${environment} (revision ${fromRevision} → ${toRevision})${deleted && `; this deletes ${deleted}`}`;
  return {
    ...{ ...policy, ...bound, others },
    ...{ needed: true, outcome: isLeftToPeople(plan, 'promotion') ? 'ask' : outcome, summary },
  };
}

/**
 * What people consent to: of the drifted object itself every value; elsewhere which fields are written and with what, because what
 * is overwritten there may move all the time while they think. All of it counts, also what is too much to show.
 */
export function bind(rest: object, plans: Planned['plans'], drifted?: ResourceRef): Planned {
  const isSubject = (one: ReachEntry) =>
    one.environment === drifted?.environment && one.resource === formatResource(drifted);
  const bound = plans.map((plan) => ({
    ...plan,
    reach: plan.reach.map((one) => {
      const { from: _moving, ...written } = one;
      return isSubject(one) && one.keptBy === undefined ? one : written;
    }),
  }));
  const shown = plans.map((plan) => ({ ...plan, reach: shownReach(plan.reach) }));
  return { plans: shown, digest: digest({ ...rest, plans: bound }) };
}

async function lineageOf(deps: ActivityDeps, environment: string, unit: Unit): Promise<Lineage> {
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
  return {
    unit: toUnitRef(unit),
    environment,
    headRevision: unit.headRevision,
    ...(behind && { behind }),
  };
}

/** Several revisions of one upstream may be promoted one after the other: people are asked about the newest alone. */
async function otherPromotions(
  { store }: Pick<ActivityDeps, 'store'>,
  { space, slug }: UnitRef,
  upstreamRevision: number | undefined,
): Promise<NonNullable<PromotionPlan['others']>> {
  if (upstreamRevision === undefined) return [];
  const own = promotionWorkflowId(space, slug, upstreamRevision);
  const unit = `${space}/${slug}`;
  const open = await store.questions.list({ status: 'open', unit, limit: MAX_OTHERS });
  return open
    .filter((one) => one.kind === 'promotion' && one.workflowId !== own)
    .map(({ workflowId, id: questionId }) => {
      const isOlder = (promotedRevision(workflowId) ?? 0) < upstreamRevision;
      return { workflowId, questionId, isOlder };
    });
}
