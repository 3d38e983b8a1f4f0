import { expect, test } from 'vitest';
import { announceDrift, announceFix } from './announce.ts';

const replicas = (desired: number, live: number) => ({ path: 'spec.replicas', desired, live });

test.each([
  ['backend-api', 3, 5, 'has 5 replicas, expected 3', 'scaled to 3 replicas'],
  ['frontend-web', 2, 1, 'has 1 replica, expected 2', 'scaled to 2 replicas'],
  ['worker', 1, 0, 'has 0 replicas, expected 1', 'scaled to 1 replica'],
])('%s: %d declared, %d running', (name, desired, live, drift, fix) => {
  const changes = [replicas(desired, live)];
  expect(announceDrift(name, changes)).toEqual([`⚠️  DRIFT DETECTED: ${name} ${drift}`]);
  expect(announceFix(name, changes)).toBe(`✅ Fixed: ${name} ${fix}`);
});

test('other fields are named by their path, one line each', () => {
  const changes = [
    { path: 'data.log_level', desired: 'info', live: 'debug' },
    { path: 'data.extra', desired: undefined, live: 'x' },
  ];
  expect(announceDrift('app-config', changes)).toEqual([
    '⚠️  DRIFT DETECTED: app-config has data.log_level debug, expected info',
    '⚠️  DRIFT DETECTED: app-config has data.extra x, expected ∅',
  ]);
  expect(announceFix('app-config', changes)).toBe('✅ Fixed: app-config is as declared again');
});

test('replicas among other fields are not all that was fixed', () => {
  const changes = [replicas(3, 5), { path: 'spec.paused', desired: false, live: true }];
  expect(announceFix('backend-api', changes)).toBe('✅ Fixed: backend-api is as declared again');
});

test('an object that is gone is missing', () => {
  const gone = { path: '', desired: undefined, live: undefined };
  expect(announceDrift('backend-api', [gone])).toEqual([
    '⚠️  DRIFT DETECTED: backend-api is missing',
  ]);
});
