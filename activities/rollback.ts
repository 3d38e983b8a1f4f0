import { setTimeout as delay } from 'node:timers/promises';
import { rolloutOf } from '../drift/compare/rollout.ts';
import { rollbackPlan } from '../drift/decide/make-plan.ts';
import { describeDeleted, type UnitRef } from '../drift/decide/plan.ts';
import { isLeftToPeople } from '../drift/decide/reserved.ts';
import { strictestOf } from '../drift/decide/strictest.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { markStart } from './change-sets.ts';
import { type ChangedUnit, changedUnits, findChangeSet } from './changed-units.ts';
import type {
  CommandActivities,
  RollbackPart,
  RollbackPlan,
  VerifiedUnit,
} from './command-types.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import type { FilterMembership } from './filter-membership.ts';
import type { Heartbeat } from './heartbeat.ts';
import { inspect } from './inspect.ts';
import { frozenDuring } from './judge.ts';
import { bind } from './plan.ts';
import { promotionPolicy } from './promotion-policy.ts';
import { reachOfApply, reachOfRestore } from './reach.ts';
import { moved } from './remediate.ts';
import { toUnitRef } from './unit-lineage.ts';

const POLL_MS = 250;
const MAX_NAMED_FIELDS = 50;

/** Takes a ConfigHub ChangeSet back: what it did to its units, how to undo that, and whether the undoing holds. */
export function createRollbackActivities(
  deps: ActivityDeps,
  membership: FilterMembership,
  heartbeat: () => Heartbeat,
): Pick<CommandActivities, 'planRollback' | 'rollBackUnit' | 'verifyUnit'> {
  const { hub } = deps;
  return {
    planRollback: ({ changeSet }) => planRollback(deps, membership, changeSet),

    async rollBackUnit({ step, description, changeSet }) {
      const { unit: ref, revision, toRevision } = step;
      const unit = await hub.getUnit(ref.spaceId, ref.unitId);
      const isDone = unit.lastChangeDescription === description;
      if (isDone && unit.headRevision <= revision + 1) return { revision: unit.headRevision };
      if (unit.headRevision !== revision) throw moved(ref, unit, revision);
      await markStart(hub, unit, changeSet, 'HeadRevisionNum');
      const written = await hub.restoreUnit(unit, toRevision, { changeDescription: description });
      return { revision: written.headRevision };
    },

    async verifyUnit({ unit, environment }) {
      using beat = heartbeat();
      return verifyUnit(deps, unit, environment, beat);
    },
  };
}

async function planRollback(
  deps: ActivityDeps,
  membership: FilterMembership,
  name: string,
): Promise<RollbackPlan> {
  const { entity, ...changeSet } = await findChangeSet(deps.hub, name);
  const changed = await changedUnits(deps, entity, changeSet);
  const toRestore = changed.filter((one) => one.state === 'changed');
  refuseWhereImpossible(changed, `${changeSet.space}/${changeSet.slug}`);
  const parts: RollbackPart[] = [];
  for (const environment of new Set(toRestore.map((one) => one.environment))) {
    const units = toRestore.filter((one) => one.environment === environment);
    parts.push(await planPart(deps, membership, { environment, units, changeSet }));
  }
  return {
    changeSet,
    parts,
    unchanged: changed
      .filter((one) => one.state !== 'changed')
      .map(({ environment, unit, because }) => {
        const name = `${unit.spaceSlug}/${unit.slug}`;
        return { environment, unit: name, result: 'unchanged', reason: because };
      }),
  };
}

/** All or nothing: half of a change set undone is a state that nobody ever declared. */
function refuseWhereImpossible(changed: readonly ChangedUnit[], name: string): void {
  const [stuck] = changed.filter((one) => one.state === 'stuck');
  if (stuck) throw new AppError('CONFLICT', `${name} is not rolled back: ${stuck.because}`);
  if (changed.some((one) => one.state === 'changed')) return;
  const again = changed.find((one) => one.state === 'rolled-back');
  if (again) throw new AppError('CONFLICT', `${name} is rolled back already: ${again.because}`);
  const [first] = changed;
  const why = first?.because ?? 'no unit that Realign knows carries its tags';
  throw new AppError('CONFLICT', `there is nothing to roll back of ${name}: ${why}`);
}

async function planPart(
  deps: ActivityDeps,
  membership: FilterMembership,
  {
    environment,
    units,
    changeSet,
  }: {
    readonly environment: string;
    readonly units: readonly ChangedUnit[];
    readonly changeSet: RollbackPlan['changeSet'];
  },
): Promise<RollbackPart> {
  const decided = await Promise.all(
    units.map(async ({ unit }) => {
      const policy = await promotionPolicy(deps, membership, environment, unit);
      const { rule, outcome } = policy;
      const decision = { rule: rule.name, outcome, policy: rule };
      return { ...policy, resource: `${unit.spaceSlug}/${unit.slug}`, decision };
    }),
  );
  const [first, ...others] = decided;
  if (!first) throw new AppError('INTERNAL', 'a part of a rollback has no units');
  const { policy: rule, outcome } = strictestOf(first.decision, others);
  const decisions = decided.map((one) => one.decision);
  const restorations = await Promise.all(
    units.map(async ({ unit, headData, beforeData, before }) => ({
      unit: toUnitRef(unit),
      environment,
      headRevision: unit.headRevision,
      toRevision: before,
      apply: await reachOfApply(deps, environment, unit),
      restored: await reachOfRestore(deps, environment, unit, {
        ...{ before: headData, after: beforeData },
      }),
    })),
  );
  const plan = rollbackPlan(restorations);
  const named = restorations.map((one) => `${one.unit.slug} to revision ${one.toRevision}`);
  const { changeSetId, slug, description } = changeSet;
  const deleted = describeDeleted(plan);
  return {
    ...bind({ changeSetId, rule }, [plan]),
    ...{ environment, units: restorations.map((one) => one.unit), rule },
    outcome: outcome === 'auto' && !isLeftToPeople(plan, 'rollback') ? 'auto' : 'ask',
    ...frozenDuring(decisions, rule, Date.now()),
    summary: `Roll back ${slug} (${description}) in ${environment}: ${named.join(', ')}${deleted && `; this deletes ${deleted}`}`,
  };
}

/** Compares every object of a unit after its apply, and follows their rollouts. */
async function verifyUnit(
  deps: ActivityDeps,
  unit: UnitRef,
  environment: string,
  beat: Heartbeat,
): Promise<VerifiedUnit> {
  const deadlineMs = beat.scheduledAtMs + deps.config.rolloutTimeoutMs;
  for (;;) {
    beat.beat();
    const residue: string[] = [];
    const rollouts: string[] = [];
    for (const { ref } of await environmentOf(deps, environment).source.ofUnit(unit)) {
      const inspection = await inspect(deps, ref, beat.signal);
      if (!inspection) continue;
      const paths = inspection.comparison.changes.map((one) => one.path);
      residue.push(...paths.map((path) => `${formatResource(ref)} ${path}`.trimEnd()));
      if (inspection.live) rollouts.push(rolloutOf(inspection.live));
    }
    if (residue.length > 0) return { residue: residue.slice(0, MAX_NAMED_FIELDS), rollout: 'none' };
    if (!rollouts.includes('progressing')) return { residue, rollout: 'finished' };
    if (Date.now() >= deadlineMs) return { residue, rollout: 'unfinished' };
    await delay(POLL_MS, undefined, { signal: beat.signal });
  }
}
