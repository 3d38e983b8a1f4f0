import { expect, test } from 'vitest';
import { monthlyCostDeltaUsd, monthlyCostUsd } from './cost.ts';
import type { KubeObject } from './resource-ref.ts';

function workload(kind: string, spec: object, resources?: object): KubeObject {
  const pod = { containers: [{ name: 'api', ...(resources ? { resources } : {}) }] };
  const template = { template: { spec: pod } };
  const full = kind === 'CronJob' ? { jobTemplate: { spec: template } } : { ...spec, ...template };
  return { apiVersion: 'apps/v1', kind, metadata: { name: 'backend-api' }, spec: full };
}

const BACKEND = { requests: { cpu: '100m', memory: '256Mi' } };

test("the seed documents' drift of backend-api, 5 replicas instead of 3", () => {
  const requests = { requests: { cpu: '0.1', memory: '0.0625Gi' } };
  const desired = workload('Deployment', { replicas: 3 }, requests);
  const live = workload('Deployment', { replicas: 5 }, requests);
  expect(monthlyCostUsd(desired)).toBeCloseTo(3 * (0.1 * 0.024 + 0.0625 * 0.006) * 720, 6);
  expect(monthlyCostDeltaUsd(desired, live)).toBe(3.996);
});

test('limits stand in for missing requests, kinds count their pods', () => {
  const limited = { limits: BACKEND.requests };
  const one = monthlyCostUsd(workload('Deployment', {}, limited));
  expect(one).toBe(monthlyCostUsd(workload('Deployment', {}, BACKEND)));
  expect(monthlyCostUsd(workload('DaemonSet', {}, BACKEND))).toBe((one ?? 0) * 3);
  expect(monthlyCostUsd(workload('CronJob', {}, BACKEND))).toBe(one);
  expect(monthlyCostUsd(workload('Job', { parallelism: 2 }, BACKEND))).toBe((one ?? 0) * 2);
});

test('what is not known stays undefined', () => {
  const bare = workload('Deployment', { replicas: 3 });
  expect(monthlyCostUsd(bare)).toBeUndefined();
  expect(monthlyCostUsd(workload('Deployment', { replicas: 'many' }, BACKEND))).toBeUndefined();
  expect(monthlyCostUsd(workload('Deployment', {}, { requests: { cpu: 'x' } }))).toBeUndefined();
  expect(
    monthlyCostUsd({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }),
  ).toBeUndefined();
  expect(monthlyCostDeltaUsd(bare, bare)).toBeUndefined();
});
