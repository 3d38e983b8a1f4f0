import { describe, expect, it } from 'vitest';
import type { FieldChange } from './field-change.ts';
import { canAccept, type Lineage, makePlans, promotionPlan } from './make-plan.ts';
import { overwrittenKept, type UnitRef } from './plan.ts';
import type { Finding } from './record.ts';

function unit(space: string): UnitRef {
  return { space, spaceId: `id-${space}`, slug: 'api', unitId: `api-${space}` };
}

const SCALED: FieldChange = {
  path: 'spec.replicas',
  op: 'changed',
  desired: 3,
  live: 5,
  type: 'Scaling',
  severity: 'high',
  who: 'kubectl',
  confidence: 'high',
};
const FINDING: Finding = {
  ref: {
    environment: 'staging',
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'staging',
    name: 'api',
  },
  uid: 'u',
  resourceVersion: '1',
  changes: [SCALED],
  omitted: 0,
  severity: 'high',
  direction: 'forward',
  who: 'kubectl',
  diffDigest: 'd',
  score: 1,
};
const LINEAGE: Lineage = {
  unit: unit('staging'),
  environment: 'staging',
  headRevision: 4,
  downstream: [],
};
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

describe('makePlans', () => {
  it('applies the unit for a revert, and offers it first', () => {
    const plans = makePlans(FINDING, NEVER, LINEAGE, REACH);
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
    const [applied] = makePlans(FINDING, NEVER, LINEAGE, reach);
    expect(applied).toMatchObject({ steps: [APPLY], reach: reach.apply });
    expect(overwrittenKept({ reach: reach.apply })).toEqual([
      'spec.replicas of Deployment/staging/api (rule hpa)',
    ]);
    const [patched] = makePlans(FINDING, NEVER, LINEAGE, { ...reach, patch });
    expect(patched).toMatchObject({
      steps: [{ kind: 'patch', resource: 'Deployment/staging/api', environment: 'staging' }],
      reach: patch,
      description: 'patch the drifted fields of Deployment/staging/api in staging',
    });
    const [whole] = makePlans(FINDING, NEVER, LINEAGE, { ...REACH, patch });
    expect(whole?.steps).toEqual([APPLY_HEAD]);
    const behind = { ...LINEAGE, behind: BEHIND };
    const [upgraded] = makePlans(FINDING, UPGRADE, behind, { ...reach, patch });
    expect(upgraded?.steps.map((step) => step.kind)).toEqual(['upgrade', 'apply']);
  });

  it('upgrades a unit that is behind first, only where the rule says so', () => {
    const behind = { ...LINEAGE, behind: BEHIND };
    const [plan] = makePlans(FINDING, UPGRADE, behind, REACH);
    expect(plan?.steps).toEqual([
      { kind: 'upgrade', unit: unit('staging'), environment: 'staging', revision: 4, ...BEHIND },
      APPLY,
    ]);
    // What the upgrade sets stands behind what the unit as it is would set.
    expect(plan?.reach).toEqual([...REACH.apply, ...REACH.upgrade]);
    expect(makePlans(FINDING, NEVER, behind, REACH)[0]?.steps).toEqual([APPLY_HEAD]);
    expect(makePlans(FINDING, UPGRADE, LINEAGE, REACH)[0]?.steps).toEqual([APPLY_HEAD]);
  });

  it('writes what is live for an accept, applies it, and hands it down one level', () => {
    const below = { headRevision: 3, upstreamRevision: 2 };
    const downstream = [
      { ...below, unit: unit('qa'), environment: 'qa', outcome: 'auto' as const },
      { ...below, unit: unit('prod'), environment: 'prod', outcome: 'ask' as const },
    ];
    const plans = makePlans(FINDING, UPGRADE, { ...LINEAGE, behind: BEHIND, downstream }, REACH);
    const accept = plans.find((plan) => plan.fix === 'accept');
    expect(accept?.steps).toEqual([
      { kind: 'write', unit: unit('staging'), revision: 4, paths: ['spec.replicas'] },
      APPLY,
      {
        kind: 'upgrade',
        unit: unit('qa'),
        upstream: unit('staging'),
        revision: 3,
        fromRevision: 2,
        environment: 'qa',
      },
      { kind: 'apply', unit: unit('qa'), environment: 'qa' },
      { kind: 'ask', unit: unit('prod'), upstream: unit('staging'), environment: 'prod' },
    ]);
    expect(accept?.reach).toEqual(REACH.accept);
    expect(accept?.description.split(', then ')).toHaveLength(5);
    expect(accept?.description).toContain('write spec.replicas into unit staging/api');
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
    const fixes = makePlans(finding, NEVER, LINEAGE, REACH).map((plan) => plan.fix);
    expect(fixes.includes('accept')).toBe(expected);
  });
});
