import { describe, expect, it } from 'vitest';
import { findingOf, scaled } from '../../testing/findings.ts';
import {
  type Chain,
  canAccept,
  type Downstream,
  type Lineage,
  makePlans,
  promotionPlan,
} from './make-plan.ts';
import {
  deletedObjects,
  describeLeft,
  overwrittenKept,
  type ReachEntry,
  type UnitRef,
} from './plan.ts';
import type { Finding } from './record.ts';

function unit(space: string): UnitRef {
  return { space, spaceId: `id-${space}`, slug: 'api', unitId: `api-${space}` };
}

const SCALED = scaled();
const FINDING = findingOf({
  ...{ environment: 'staging', group: 'apps', version: 'v1' },
  ...{ kind: 'Deployment', namespace: 'staging', name: 'api' },
});
const LINEAGE: Lineage = {
  unit: unit('staging'),
  environment: 'staging',
  headRevision: 4,
};
const NOTHING: Chain = { downstream: [], left: 0 };
const BEHIND = { upstream: unit('dev'), fromRevision: 2, toRevision: 6 };
const entry = (path: string) => ({
  environment: 'staging',
  resource: 'Deployment/staging/api',
  path,
});
const REACH = {
  apply: [entry('spec.replicas')],
  upgrade: [entry('spec.template')],
  accept: [entry('data.a')],
};
const APPLY = { kind: 'apply', unit: unit('staging'), environment: 'staging' };
/** Nothing of the plan makes another head: this one was shown, and no other is applied. */
const APPLY_HEAD = { ...APPLY, revision: 4 };
const UPGRADE = { upgrade: 'with-fix' } as const;
const NEVER = { upgrade: 'never' } as const;

function below(upstream: string, space: string, outcome: 'auto' | 'ask'): Downstream {
  const of = { unit: unit(space), upstream: unit(upstream), environment: space };
  const reach = [
    { environment: space, resource: `Deployment/${space}/api`, path: 'spec.replicas' },
  ];
  return {
    ...{ ...of, headRevision: 3, upstreamRevision: 2, outcome },
    reach: outcome === 'auto' ? reach : [],
  };
}

function asked(upstream: string, space: string): object {
  return { kind: 'ask', unit: unit(space), upstream: unit(upstream), environment: space };
}

function pushed(upstream: string, space: string): readonly object[] {
  const to = { unit: unit(space), environment: space };
  return [
    { kind: 'upgrade', ...to, upstream: unit(upstream), revision: 3, fromRevision: 2 },
    { kind: 'apply', ...to },
  ];
}

describe('makePlans', () => {
  it('applies the unit for a revert, and offers it first', () => {
    const plans = makePlans(FINDING, NEVER, LINEAGE, REACH, NOTHING);
    expect(plans.map((plan) => plan.fix)).toEqual(['revert', 'accept']);
    expect(plans[0]).toEqual({
      fix: 'revert',
      steps: [APPLY_HEAD],
      reach: REACH.apply,
      description: 'apply unit staging/api to staging',
    });
  });

  it('patches the drifted fields alone where an apply would write over what a rule keeps', () => {
    const kept = { ...entry('spec.replicas'), keptBy: 'hpa' };
    const patch = [entry('spec.template')];
    const reach = { ...REACH, apply: [kept, ...patch] };
    const [applied] = makePlans(FINDING, NEVER, LINEAGE, reach, NOTHING);
    expect(applied).toMatchObject({ steps: [APPLY], reach: reach.apply });
    expect(overwrittenKept({ reach: reach.apply })).toEqual([
      'spec.replicas of Deployment/staging/api (rule hpa)',
    ]);
    const [patched] = makePlans(FINDING, NEVER, LINEAGE, { ...reach, patch }, NOTHING);
    expect(patched).toMatchObject({
      steps: [{ kind: 'patch', resource: 'Deployment/staging/api', environment: 'staging' }],
      reach: patch,
      description: 'patch the drifted fields of Deployment/staging/api in staging',
    });
    const [whole] = makePlans(FINDING, NEVER, LINEAGE, { ...REACH, patch }, NOTHING);
    expect(whole?.steps).toEqual([APPLY_HEAD]);
    const behind = { ...LINEAGE, behind: BEHIND };
    const [upgraded] = makePlans(FINDING, UPGRADE, behind, { ...reach, patch }, NOTHING);
    expect(upgraded?.steps.map((step) => step.kind)).toEqual(['upgrade', 'apply']);
  });

  it('patches where an apply would delete, and says what else is deleted', () => {
    const patch = [entry('spec.replicas')];
    const deleted = { ...entry(''), resource: 'Secret/staging/keys', isDeleted: true } as const;
    const reach = { ...REACH, apply: [...REACH.apply, deleted] };
    const [patched] = makePlans(FINDING, NEVER, LINEAGE, { ...reach, patch }, NOTHING);
    expect(patched?.reach).toEqual(patch);
    const [applied] = makePlans(FINDING, NEVER, LINEAGE, reach, NOTHING);
    expect(deletedObjects(applied ?? { reach: [] })).toEqual(['Secret/staging/keys']);
  });

  it('deletes what an upgrade drops, and not what it declares again', () => {
    const behind = { ...LINEAGE, behind: BEHIND };
    const object = { ...entry(''), resource: 'Secret/staging/keys' };
    const deleted = { ...object, isDeleted: true } as const;
    const planned = (apply: readonly ReachEntry[], upgrade: readonly ReachEntry[]) =>
      promotionPlan(behind, { apply, upgrade });
    expect(deletedObjects(planned([], [deleted]))).toEqual(['Secret/staging/keys']);
    expect(deletedObjects(planned([object], [deleted]))).toEqual(['Secret/staging/keys']);
    expect(deletedObjects(planned([deleted], []))).toEqual(['Secret/staging/keys']);
    expect(planned([deleted], [object]).reach).toEqual([object]);
  });

  it('upgrades a unit that is behind first, only where the rule says so', () => {
    const behind = { ...LINEAGE, behind: BEHIND };
    const [plan] = makePlans(FINDING, UPGRADE, behind, REACH, NOTHING);
    expect(plan?.steps).toEqual([
      { kind: 'upgrade', unit: unit('staging'), environment: 'staging', revision: 4, ...BEHIND },
      APPLY,
    ]);
    // What the upgrade sets stands behind what the unit as it is would set.
    expect(plan?.reach).toEqual([...REACH.apply, ...REACH.upgrade]);
    expect(makePlans(FINDING, NEVER, behind, REACH, NOTHING)[0]?.steps).toEqual([APPLY_HEAD]);
    expect(makePlans(FINDING, UPGRADE, LINEAGE, REACH, NOTHING)[0]?.steps).toEqual([APPLY_HEAD]);
  });

  it('writes what is live for an accept, applies it, and pushes it down level by level', () => {
    const toQa = below('staging', 'qa', 'auto');
    const toLab = below('qa', 'lab', 'auto');
    const toEdge = below('lab', 'edge', 'auto');
    const downstream = [
      ...[toQa, below('staging', 'prod', 'ask')],
      ...[toLab, below('qa', 'demo', 'ask')],
      toEdge,
    ];
    const plans = makePlans(FINDING, UPGRADE, { ...LINEAGE, behind: BEHIND }, REACH, {
      downstream,
      left: 0,
    });
    const accept = plans.find((plan) => plan.fix === 'accept');
    // Whoever asks is asked once its upstream has been reached, before a later unit can fail.
    expect(accept?.steps).toEqual([
      { kind: 'write', unit: unit('staging'), revision: 4, paths: ['spec.replicas'] },
      APPLY,
      asked('staging', 'prod'),
      ...pushed('staging', 'qa'),
      asked('qa', 'demo'),
      ...pushed('qa', 'lab'),
      ...pushed('lab', 'edge'),
    ]);
    expect(accept?.reach).toEqual([
      ...REACH.accept,
      ...[toQa, toLab, toEdge].flatMap((one) => one.reach),
    ]);
    expect(accept?.description.split(', then ')).toHaveLength(10);
    expect(accept?.description).toContain('write spec.replicas into unit staging/api');
    // A revert changes nothing below.
    expect(plans[0]?.reach.map((one) => one.environment)).not.toContain('qa');
  });

  it('says how many downstream units are left, where a plan cannot take them all', () => {
    const chain = { downstream: [below('staging', 'qa', 'auto')], left: 3 };
    const plans = makePlans(FINDING, NEVER, LINEAGE, REACH, chain);
    const accept = plans.find((one) => one.fix === 'accept');
    expect(accept?.steps).toHaveLength(4);
    expect(accept?.description).toMatch(
      /; 3 more downstream units, and what is below them, are left$/,
    );
    expect(plans[0]?.description).not.toMatch(/left/);
  });

  it('names what is left of a plan that stopped, a few units of many', () => {
    const spaces = Array.from({ length: 7 }, (_, at) => `qa-${at}`);
    const downstream = [
      ...spaces.map((space) => below('staging', space, 'auto')),
      below('staging', 'prod', 'ask'),
    ];
    const [, accept] = makePlans(FINDING, NEVER, LINEAGE, REACH, { downstream, left: 0 });
    const steps = accept?.steps ?? [];
    expect(describeLeft(steps.slice(2))).toBe(
      'Left as they are: prod/api, qa-0/api, qa-1/api, qa-2/api, qa-3/api and 3 more.',
    );
    expect(describeLeft(steps.slice(-4))).toBe('Left as they are: qa-5/api, qa-6/api.');
    expect(describeLeft(steps.slice(-1))).toBeUndefined();
  });

  it('brings a unit to its upstream for a promotion, whatever the rule', () => {
    const plan = promotionPlan({ ...LINEAGE, behind: BEHIND }, REACH);
    expect(plan.steps.map((step) => step.kind)).toEqual(['upgrade', 'apply']);
    expect(plan.reach).toEqual([...REACH.apply, ...REACH.upgrade]);
  });
});

describe('canAccept', () => {
  it.each<[string, Partial<Finding>, boolean]>([
    ['a changed field', {}, true],
    [
      'an added and a removed field',
      {
        changes: [
          { ...SCALED, op: 'added' },
          { ...SCALED, op: 'removed' },
        ],
      },
      true,
    ],
    ['a missing object', { changes: [{ ...SCALED, path: '', op: 'object-missing' }] }, false],
    [
      'a field that waits for its apply',
      { changes: [SCALED, { ...SCALED, op: 'pending' }] },
      false,
    ],
    ['a redacted value', { changes: [{ ...SCALED, redacted: true }] }, false],
    ['more changes than are listed', { omitted: 1 }, false],
    ['a Secret', { ref: { ...FINDING.ref, kind: 'Secret' } }, false],
  ])('of %s', (_case, part, expected) => {
    const finding = { ...FINDING, ...part };
    expect(canAccept(finding)).toBe(expected);
    const fixes = makePlans(finding, NEVER, LINEAGE, REACH, NOTHING).map((plan) => plan.fix);
    expect(fixes.includes('accept')).toBe(expected);
  });
});
