import { describe, expect, it } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import { reservedForPeople } from './reserved.ts';

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
