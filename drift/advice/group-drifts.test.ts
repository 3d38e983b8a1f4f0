import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Finding } from '../decide/record.ts';
import { describeGroup, groupDrifts, type OpenDrift } from './group-drifts.ts';

function drift(
  name: string,
  minute: number,
  different: Partial<Finding> = {},
  path = 'spec.replicas',
): OpenDrift {
  const ref = {
    ...{ environment: 'prod', group: 'apps', version: 'v1', kind: 'Deployment' },
    ...{ namespace: 'shop', name },
  };
  return {
    firstDetected: new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString(),
    finding: {
      ...{ ref, uid: 'u', resourceVersion: '1', omitted: 0, severity: 'high', score: 40 },
      ...{ direction: 'forward', who: 'kubectl-scale', diffDigest: name },
      changes: [
        {
          ...{ path, op: 'changed', desired: 3, live: 5, type: 'Scaling', severity: 'high' },
          ...{ who: 'kubectl-scale', confidence: 'high' },
        },
      ],
      ...different,
    },
  };
}

test('drifts of one hand are one group: the same actor and fields, one after the other', () => {
  const groups = groupDrifts([
    drift('a', 0, { author: 'alice', costDeltaUsdMonthly: 3.996 }),
    drift('b', 10, { author: 'alice', costDeltaUsdMonthly: -0.999 }),
    drift('c', 20, { author: 'alice', severity: 'critical' }),
    drift('later', 50, { author: 'alice' }),
    drift('bob', 1, { author: 'bob' }),
  ]);
  expect(groups.map(describeGroup)).toEqual([
    '3 drifts of spec.replicas by alice within 20 minutes',
    '1 drift of spec.replicas by bob',
    '1 drift of spec.replicas by alice',
  ]);
  expect(groups[0]).toMatchObject({
    ...{ severity: 'critical', kinds: ['Deployment'], costDeltaUsdMonthly: 2.997 },
    resources: ['prod/Deployment/shop/a', 'prod/Deployment/shop/b', 'prod/Deployment/shop/c'],
  });
  expect(groups[1]?.costDeltaUsdMonthly).toBeUndefined();
});

test('the same field of different list items is the same; unknown actors are said to be', () => {
  const image = (name: string) => `spec.template.spec.containers[name=${name}].image`;
  const unknown = { who: 'unknown' };
  const groups = groupDrifts([
    drift('a', 0, unknown, image('web')),
    drift('b', 0, unknown, image('api')),
    drift('gone', 0, unknown, ''),
  ]);
  expect(groups.map(describeGroup)).toEqual([
    '2 drifts of spec.template.spec.containers[].image by somebody unknown within a minute',
    '1 drift of whole objects by somebody unknown',
  ]);
});

test('each drift is in exactly one group', () => {
  const some = fc.array(
    fc.record({
      actor: fc.constantFrom('a', 'b'),
      minute: fc.nat(59),
      path: fc.constantFrom('x', 'y'),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(some, (all) => {
      const drifts = all.map(({ actor, minute, path }, at) =>
        drift(`n${at}`, minute, { author: actor }, path),
      );
      const named = groupDrifts(drifts).flatMap((group) => group.resources);
      return named.length === drifts.length && new Set(named).size === named.length;
    }),
  );
});
