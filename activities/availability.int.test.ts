import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { FieldChange } from '../drift/field-change.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { eventually } from '../testing/eventually.ts';
import { testCluster } from '../testing/stack.ts';
import { availabilityOf } from './availability.ts';
import { budgetsOf } from './disruption-budgets.ts';
import { usageOf } from './pod-usage.ts';

// Which disruption budgets speak of a workload, asked of a real API server under the shipped rights.

let admin: KubernetesClient;
let reader: KubernetesClient;
let namespace: string;

beforeAll(async () => {
  const cluster = await testCluster();
  const { kubeconfigs } = cluster;
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'test' });
  reader = await createKubernetesClient({ kubeconfig: kubeconfigs.realign, userAgent: 'test' });
  namespace = await cluster.namespace();
  await budget('keeps-two', { minAvailable: 2 }, 'web');
  await budget('spares-a-quarter', { maxUnavailable: '25%' }, 'web');
  await budget('of-others', { minAvailable: 9 }, 'api');
});
afterAll(async () => {
  const name = 'pods.metrics.k8s.io';
  const kind = { group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition' };
  await admin?.delete({ ...kind, namespace: '', name });
  admin?.close();
  reader?.close();
});

async function budget(name: string, limit: object, app: string): Promise<void> {
  const object: KubeObject = {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name, namespace } },
    spec: { ...limit, selector: { matchLabels: { app } } },
  };
  await admin.applyServerSide(object, { fieldManager: 'test', force: true });
}

/** A kind of the name and shape that a metrics server serves, kept by the API server itself. */
async function measures(): Promise<void> {
  const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const version = {
    name: 'v1beta1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: free },
  };
  await admin.applyServerSide(
    {
      ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
      metadata: {
        name: 'pods.metrics.k8s.io',
        annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
      },
      spec: {
        ...{ group: 'metrics.k8s.io', scope: 'Namespaced', versions: [version] },
        names: { plural: 'pods', singular: 'pod', kind: 'PodMetrics', listKind: 'PodMetricsList' },
      },
    } as KubeObject,
    { fieldManager: 'test', force: true },
  );
  const kind = { group: 'metrics.k8s.io', version: 'v1beta1', kind: 'PodMetrics' };
  await eventually(async () => (await reader.discover({ fresh: true })).find(kind), {
    ...{ what: 'the kind to be served', timeoutMs: 30_000 },
  });
}

async function used(name: string, labels: Record<string, string>, memory: string): Promise<void> {
  const containers = [{ name: 'web', usage: { cpu: '250000000n', memory } }];
  const metadata = { name, namespace, labels };
  const object = { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics', metadata, containers };
  await admin.applyServerSide(object as KubeObject, { fieldManager: 'test', force: true });
}

function workload(replicas: number): KubeObject {
  const labels = { app: 'web', tier: 'front' };
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace } },
    spec: {
      ...{ replicas, selector: { matchLabels: labels } },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'a:1' }] } },
    },
  };
}

test('budgets that select the pods, by count and by percentage', async () => {
  const found = await budgetsOf(reader, workload(1), 4);
  expect(found.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
    { name: 'keeps-two', minAvailable: 2 },
    { name: 'spares-a-quarter', minAvailable: 3 },
  ]);
  const unlabelled = { ...workload(1), spec: { template: {} } };
  expect(await budgetsOf(reader, unlabelled, 4)).toEqual([]);
});

test('a lowered limit is said with what pods use now, where the cluster measures it', async () => {
  const change: FieldChange = {
    ...{ path: 'spec.template.spec.containers[name=web].resources.limits.memory', op: 'changed' },
    ...{ desired: '256Mi', live: '64Mi', type: 'ResourceChange', severity: 'high' },
    ...{ who: 'kubectl', confidence: 'high' },
  } as FieldChange;
  const sides = { desired: workload(1), live: workload(1) };
  const said = async () => (await availabilityOf(reader, sides, [change])).availabilityRisks?.[0];
  expect(await said()).toMatch(/256Mi → 64Mi$/);

  await measures();
  await used('web-1', { app: 'web', tier: 'front' }, '90Mi');
  await used('web-2', { app: 'web', tier: 'front' }, '120Mi');
  await used('web-3', { app: 'web', tier: 'back' }, '900Mi');
  await used('api-1', { app: 'api' }, '900Mi');
  expect(await said()).toMatch(/64Mi, less than the 120Mi that a pod uses now$/);
  expect(await usageOf(reader, workload(1))).toEqual(
    new Map([['web', { cpu: 0.25, memory: 120 * 2 ** 20 }]]),
  );
});

test('an API server that is away leaves the budgets unknown, and the rest as it is', async () => {
  const away = {
    discover: () => Promise.reject(new Error('away')),
    list: () => Promise.reject(new Error('away')),
  };
  expect(await budgetsOf(away, workload(1), 4)).toEqual([]);
});

test('fewer replicas than declared are said with what the budgets say to it', async () => {
  const object = workload(4);
  const change: FieldChange = {
    ...{ path: 'spec.replicas', op: 'changed', desired: 4, live: 1, type: 'Scaling' },
    ...{ severity: 'high', who: 'kubectl', confidence: 'high' },
  };
  const sides = { desired: object, live: workload(1) };
  const { availabilityRisks } = await availabilityOf(reader, sides, [change]);
  expect(availabilityRisks).toContain('1 of 4 replicas');
  expect(availabilityRisks).toContain('below the disruption budget keeps-two, which wants 2');
});
