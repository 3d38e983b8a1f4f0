import { afterEach, beforeAll, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { DesiredSource } from '../desired/source.ts';
import { unmanagedChange } from '../drift/compare/unmanaged.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { declareObjects } from '../testing/declared-source.ts';
import { eventually } from '../testing/eventually.ts';
import { type TestCluster, testCluster } from '../testing/stack.ts';
import type { Report } from './types.ts';
import { createWatcher } from './watcher.ts';

let cluster: TestCluster;
let admin: KubernetesClient;
const ending: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await testCluster();
  admin = await createKubernetesClient({
    kubeconfig: cluster.kubeconfigs.admin,
    userAgent: 'kubectl',
  });
});

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

function configMap(namespace: string, name: string, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, ...metadata },
    data: { value: 'a' },
  };
}

async function create(...objects: KubeObject[]): Promise<void> {
  for (const object of objects) {
    await admin.applyServerSide(object, { fieldManager: 'kubectl', force: false });
  }
}

/** Watches the namespace for several environments; each says whether it reports what nobody declares. */
async function watch(
  namespace: string,
  environments: readonly { source: DesiredSource; unmanaged: 'ignore' | 'report' }[],
) {
  const reports: Report[] = [];
  const watcher = createWatcher({
    environments: environments.map(({ source, unmanaged }) => ({
      config: { name: source.environment, namespaces: [namespace], unmanaged },
      source,
      cluster: admin,
    })),
    resources: ['configmaps', 'clusterroles'],
    judge: (_desired, live) => (live ? undefined : { digest: 'missing', severity: 'high' }),
    judgeUnmanaged(live) {
      const change = unmanagedChange(live);
      return change && { digest: 'extra', severity: change.severity, unmanaged: true };
    },
    report: async (report) => void reports.push(report),
    activeRecords: async () => [],
    refreshMs: 20,
    signalIntervalMs: 20,
    log: createLog('silent'),
  });
  ending.push(watcher.stop);
  await watcher.start(new AbortController().signal);
  const seen = (count: number) =>
    eventually(() => reports.length >= count, { what: `${count} reports` });
  const told = () => reports.map((one) => `${one.ref.environment} ${one.ref.name} ${one.kind}`);
  return { watcher, seen, told };
}

it('reports what nobody declares, and what the cluster makes for itself never', async () => {
  const namespace = await cluster.namespace();
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u', controller: true };
  await create(
    configMap(namespace, 'declared'),
    configMap(namespace, 'extra'),
    configMap(namespace, 'kube-root-ca.crt'),
    configMap(namespace, 'owned', { ownerReferences: [owner] }),
  );
  const { source, set } = declareObjects('dev', configMap(namespace, 'declared'));
  const { seen, told, watcher } = await watch(namespace, [{ source, unmanaged: 'report' }]);
  await seen(1);
  expect(told()).toEqual(['dev extra drift']);
  await create(configMap(namespace, 'late'));
  await seen(2);
  expect(told().at(-1)).toBe('dev late drift');
  await admin.delete(refOf('', configMap(namespace, 'late')));
  await seen(3);
  expect(told().at(-1)).toBe('dev late clean');
  set(configMap(namespace, 'declared'), configMap(namespace, 'extra'));
  await seen(4);
  expect(told().at(-1)).toBe('dev extra clean');
  // What is not declared any more is still there.
  set(configMap(namespace, 'extra'));
  await seen(5);
  expect(told().at(-1)).toBe('dev declared drift');
  expect(watcher.status().environments[0]).toMatchObject({ drifted: 1 });
});

it('leaves alone what an environment beside it declares, and says nothing where it is not asked', async () => {
  const namespace = await cluster.namespace();
  await create(configMap(namespace, 'shared'), configMap(namespace, 'extra'));
  const dev = declareObjects('dev');
  const qa = declareObjects('qa', configMap(namespace, 'shared'));
  const { seen, told } = await watch(namespace, [
    { source: dev.source, unmanaged: 'report' },
    { source: qa.source, unmanaged: 'ignore' },
  ]);
  await seen(1);
  expect(told()).toEqual(['dev extra drift']);
  qa.set();
  await seen(2);
  expect(told().at(-1)).toBe('dev shared drift');
});

it('takes nothing for unmanaged while a unit cannot be read: it may be declared there', async () => {
  const namespace = await cluster.namespace();
  await create(configMap(namespace, 'perhaps'));
  const { source, breakUnit } = declareObjects('dev', configMap(namespace, 'gone'));
  breakUnit(true);
  const { seen, told } = await watch(namespace, [{ source, unmanaged: 'report' }]);
  await seen(1);
  expect(told()).toEqual(['dev gone drift']);
  breakUnit(false);
  await seen(2);
  expect(told().at(-1)).toBe('dev perhaps drift');
});
