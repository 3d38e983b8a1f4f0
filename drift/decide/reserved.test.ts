import { describe, expect, it } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import { isLeftToPeople, reservedForPeople } from './reserved.ts';

const REF = {
  environment: 'dev',
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
};
const SCALED: FieldChange = {
  path: 'spec.replicas',
  op: 'changed',
  type: 'Scaling',
  severity: 'high',
  who: 'kubectl',
  confidence: 'high',
};

describe('reservedForPeople', () => {
  it.each([
    ['an ordinary drift', REF, SCALED, 'forward', undefined],
    [
      'a desired change that is not applied',
      REF,
      { ...SCALED, op: 'pending' },
      'reverse',
      'not applied',
    ],
    ['both directions', REF, SCALED, 'both', 'not applied'],
    [
      'a Secret',
      { ...REF, kind: 'Secret' },
      { ...SCALED, type: 'SecretChange' },
      'forward',
      'Secret',
    ],
    [
      'a missing claim',
      { ...REF, kind: 'PersistentVolumeClaim' },
      { ...SCALED, op: 'object-missing' },
      'forward',
      'PersistentVolumeClaim',
    ],
    ['a missing Deployment', REF, { ...SCALED, op: 'object-missing' }, 'forward', undefined],
    [
      'a critical change by nobody knows whom',
      REF,
      { ...SCALED, severity: 'critical', who: 'unknown' },
      'forward',
      'unknown writer',
    ],
    [
      'a critical change by kubectl',
      REF,
      { ...SCALED, severity: 'critical' },
      'forward',
      undefined,
    ],
  ] as const)('%s', (_name, ref, change, direction, reason) => {
    const reserved = reservedForPeople({ ref, changes: [change], direction });
    if (reason === undefined) expect(reserved).toBeUndefined();
    else expect(reserved).toContain(reason);
  });
});

describe('isLeftToPeople', () => {
  const deletes = (resource: string) => ({
    reach: [{ environment: 'dev', resource, path: '', isDeleted: true as const }],
  });
  const kept = { environment: 'dev', resource: 'Deployment/shop/web', path: 'spec.replicas' };

  it.each([
    ['a ConfigMap', deletes('ConfigMap/shop/web'), [true, false, true]],
    ['a claim', deletes('PersistentVolumeClaim/shop/data'), [true, true, true]],
    ['a Secret', deletes('Secret/shop/keys'), [true, true, true]],
    ['a Namespace', deletes('Namespace/_/shop'), [true, true, true]],
    ['what a rule keeps', { reach: [{ ...kept, keptBy: 'hpa' }] }, [true, true, true]],
    ['a mere field', { reach: [kept] }, [false, false, false]],
  ])('%s', (_name, plan, [drift, promotion, rollback]) => {
    expect(isLeftToPeople(plan, 'drift')).toBe(drift);
    expect(isLeftToPeople(plan, 'promotion')).toBe(promotion);
    expect(isLeftToPeople(plan, 'rollback')).toBe(rollback);
  });
});
