import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../resource-ref.ts';
import { type CostRates, formatCostDelta, monthlyCostDeltaUsd, monthlyCostUsd } from './cost.ts';
import { COST_PRICES, COST_PROVIDERS, costPricesOf } from './cost-prices.ts';

const RATES: CostRates = { prices: COST_PRICES.aws['us-east-1'] ?? failed() };

function failed(): never {
  throw new Error('the default region has no prices');
}

function workload(kind: string, spec: object, resources?: object): KubeObject {
  const pod = { containers: [{ name: 'api', ...(resources ? { resources } : {}) }] };
  const template = { template: { spec: pod } };
  const full = kind === 'CronJob' ? { jobTemplate: { spec: template } } : { ...spec, ...template };
  return { apiVersion: 'apps/v1', kind, metadata: { name: 'backend-api' }, spec: full };
}

const BACKEND = { requests: { cpu: '100m', memory: '64Mi' } };
const FRONTEND = { requests: { cpu: '50m', memory: '32Mi' } };

test("the seed documents' drifts of replicas, to the tenth of a cent", () => {
  const backend = (replicas: number) => workload('Deployment', { replicas }, BACKEND);
  const frontend = (replicas: number) => workload('Deployment', { replicas }, FRONTEND);
  expect(monthlyCostUsd(backend(3), RATES)).toBeCloseTo(5.994, 9);
  expect(monthlyCostUsd(backend(5), RATES)).toBeCloseTo(9.99, 9);
  expect(monthlyCostDeltaUsd(backend(3), backend(5), RATES)).toBe(3.996);
  expect(monthlyCostDeltaUsd(frontend(2), frontend(1), RATES)).toBe(-0.999);
  expect(monthlyCostDeltaUsd(backend(3), backend(0), RATES)).toBe(-5.994);
  expect(monthlyCostDeltaUsd(backend(3), backend(3), RATES)).toBe(0);
});

test('limits stand in for missing requests, kinds count their pods', () => {
  const one = monthlyCostUsd(workload('Deployment', {}, { limits: BACKEND.requests }), RATES) ?? 0;
  expect(one).toBe(monthlyCostUsd(workload('Deployment', {}, BACKEND), RATES));
  expect(monthlyCostUsd(workload('CronJob', {}, BACKEND), RATES)).toBe(one);
  expect(monthlyCostUsd(workload('Job', { parallelism: 2 }, BACKEND), RATES)).toBe(one * 2);
});

test('a DaemonSet is counted by its nodes, where they are known', () => {
  const small = workload('DaemonSet', {}, FRONTEND);
  const large = { ...workload('DaemonSet', {}, BACKEND), status: { desiredNumberScheduled: 7 } };
  const one = monthlyCostUsd(workload('Deployment', {}, FRONTEND), RATES) ?? 0;
  expect(monthlyCostUsd(small, RATES)).toBeUndefined();
  expect(monthlyCostUsd(small, { ...RATES, nodes: 4 })).toBe(one * 4);
  expect(monthlyCostDeltaUsd(small, large, RATES)).toBe(6.993);
  expect(monthlyCostDeltaUsd(small, workload('DaemonSet', {}, BACKEND), RATES)).toBeUndefined();
});

test('volumes cost what they claim, for each pod', () => {
  const claim = (storage: string) => ({ spec: { resources: { requests: { storage } } } });
  const set = (replicas: number, storage: string) =>
    workload('StatefulSet', { replicas, volumeClaimTemplates: [claim(storage)] }, BACKEND);
  expect(monthlyCostUsd(set(2, '10Gi'), RATES)).toBeCloseTo(2 * (1.998 + 1), 9);
  expect(monthlyCostDeltaUsd(set(2, '10Gi'), set(2, '20Gi'), RATES)).toBe(2);
  expect(monthlyCostUsd(set(2, 'much'), RATES)).toBeUndefined();
  const volume = { ...workload('PersistentVolumeClaim', {}), ...claim('5Gi') };
  expect(monthlyCostUsd(volume, RATES)).toBeCloseTo(0.5, 9);
});

test('replicas that desired leaves to an autoscaler cost no difference', () => {
  const scaled = workload('Deployment', { replicas: 9 }, BACKEND);
  expect(monthlyCostDeltaUsd(workload('Deployment', {}, BACKEND), scaled, RATES)).toBe(0);
});

test('sidecars that run beside the containers are counted, other init containers are not', () => {
  const pod = (restartPolicy?: string) => ({
    ...workload('Pod', {}),
    spec: {
      containers: [{ name: 'api', resources: BACKEND }],
      initContainers: [
        { name: 'init', resources: BACKEND, ...(restartPolicy && { restartPolicy }) },
      ],
    },
  });
  expect(monthlyCostUsd(pod('Always'), RATES)).toBeCloseTo(2 * 1.998, 9);
  expect(monthlyCostUsd(pod(), RATES)).toBeCloseTo(1.998, 9);
});

test('what is unknown has no cost', () => {
  expect(monthlyCostUsd(workload('Deployment', { replicas: 3 }), RATES)).toBeUndefined();
  const unreadable = { requests: { cpu: 'lots', memory: '64Mi' } };
  expect(monthlyCostUsd(workload('Deployment', {}, unreadable), RATES)).toBeUndefined();
  const map: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
  expect(monthlyCostUsd(map, RATES)).toBeUndefined();
  expect(
    monthlyCostUsd(workload('Deployment', { replicas: 'many' }, BACKEND), RATES),
  ).toBeUndefined();
});

test('whatever an object says, its cost is a finite number or unknown', () => {
  const odd = fc.oneof(
    fc.constantFrom('100m', '64Mi', '1e99', '-1', '', 'NaN', '9999999999999999999Ei', '0'),
    fc.double(),
    fc.integer(),
    fc.constant(null),
  );
  const object = fc.record({
    kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Pod'),
    replicas: odd,
    cpu: odd,
    memory: odd,
    storage: odd,
  });
  const toObject = ({ kind, replicas, cpu, memory, storage }: Record<string, unknown>) =>
    workload(
      String(kind),
      { replicas, volumeClaimTemplates: [{ spec: { resources: { requests: { storage } } } }] },
      { requests: { cpu, memory } },
    );
  fc.assert(
    fc.property(object, object, odd, (left, right, nodes) => {
      const [desired, live] = [toObject(left), toObject(right)];
      const running = { ...live, status: { desiredNumberScheduled: nodes } };
      const cost = monthlyCostUsd(desired, RATES);
      const delta = monthlyCostDeltaUsd(desired, running, RATES);
      return (
        (cost === undefined || (Number.isFinite(cost) && cost >= 0)) &&
        (delta === undefined || (Number.isFinite(delta) && !Object.is(delta, -0)))
      );
    }),
    { numRuns: 500 },
  );
});

test('every provider has prices, the first region by default', () => {
  for (const provider of COST_PROVIDERS) {
    const prices = Object.values(COST_PRICES[provider]);
    expect(costPricesOf(provider)).toBe(prices[0]);
    for (const one of prices) expect(Object.values(one).every((price) => price > 0)).toBe(true);
  }
  expect(costPricesOf('aws', 'nowhere')).toBeUndefined();
});

test('amounts are written with their sign', () => {
  expect(formatCostDelta(3.996)).toBe('+$3.996/month');
  expect(formatCostDelta(-0.999)).toBe('−$0.999/month');
  expect(formatCostDelta(2)).toBe('+$2.00/month');
});
