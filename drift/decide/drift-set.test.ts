import { describe, expect, it } from 'vitest';
import type { ChangeType, Severity } from '../field-change.ts';
import { driftCategoryOf, driftSetOf, recordStatusOf, unitCategoryOf } from './drift-set.ts';
import type { Finding } from './record.ts';

function finding(
  kind: string,
  group: string,
  changes: readonly (readonly [ChangeType, Severity])[],
  severity: Severity,
): Finding {
  return {
    ref: { environment: 'prod', group, version: 'v1', kind, namespace: 'shop', name: 'web' },
    changes: changes.map(([type, worst]) => ({
      ...{ path: 'spec', op: 'changed', type, severity: worst, who: 'kubectl', confidence: 'high' },
    })),
    ...{ uid: '', resourceVersion: '', omitted: 0, severity, direction: 'forward', who: 'kubectl' },
    ...{ diffDigest: '', score: 0 },
  };
}

describe('the set of a recorded drift', () => {
  it.each<[string, Finding, string | undefined]>([
    ['replicas', finding('Deployment', 'apps', [['Scaling', 'high']], 'high'), 'replica-drifts'],
    [
      'memory',
      finding('Deployment', 'apps', [['ResourceChange', 'medium']], 'medium'),
      'resource-drifts',
    ],
    [
      'what is worst',
      finding(
        'Deployment',
        'apps',
        [
          ['ResourceChange', 'low'],
          ['Scaling', 'high'],
        ],
        'high',
      ),
      'replica-drifts',
    ],
    [
      'a role',
      finding('Role', 'rbac.authorization.k8s.io', [['SecurityChange', 'low']], 'low'),
      'critical-drifts',
    ],
    ['a Secret', finding('Secret', '', [['LabelChange', 'low']], 'low'), 'critical-drifts'],
    [
      'anything critical',
      finding('Deployment', 'apps', [['SecurityChange', 'critical']], 'critical'),
      'critical-drifts',
    ],
    ['an image', finding('Deployment', 'apps', [['VersionChange', 'high']], 'high'), undefined],
  ])('is told by %s', (_name, drift, set) => {
    expect(driftSetOf(drift, 'open')).toBe(set);
    expect(driftSetOf(drift, 'corrected')).toBe('corrected-drifts');
    expect(driftSetOf(drift, 'resolved')).toBeUndefined();
  });

  it('is of corrected ones only where Realign corrected', () => {
    expect(recordStatusOf('fixed', true)).toBe('corrected');
    expect(recordStatusOf('accepted', true)).toBe('corrected');
    expect(recordStatusOf('resolved', true)).toBe('resolved');
    expect(recordStatusOf('fixed', false)).toBe('open');
    expect(recordStatusOf('partly-fixed', false)).toBe('open');
  });
});

describe('the security category', () => {
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' };
  const secret = { apiVersion: 'v1', kind: 'Secret' };

  it('is RBAC and Secrets only', () => {
    expect(driftCategoryOf({ group: 'rbac.authorization.k8s.io', kind: 'ClusterRole' })).toBe(
      'security',
    );
    expect(driftCategoryOf({ group: '', kind: 'Secret' })).toBe('security');
    expect(driftCategoryOf({ group: '', kind: 'ConfigMap' })).toBeUndefined();
    expect(driftCategoryOf({ group: 'example.com', kind: 'Secret' })).toBeUndefined();
  });

  it('is a unit only if it holds nothing else', () => {
    expect(unitCategoryOf([role, secret])).toBe('security');
    expect(unitCategoryOf([role, { apiVersion: 'v1', kind: 'ConfigMap' }])).toBeUndefined();
    expect(unitCategoryOf([])).toBeUndefined();
  });
});
