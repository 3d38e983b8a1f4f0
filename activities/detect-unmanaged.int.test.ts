import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import { refOf } from '../drift/resource-ref.ts';
import { parseConfig } from '../lib/config.ts';
import { keyedHash } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { declareObjects } from '../testing/declared-source.ts';
import { type TestCluster, testCluster, testPostgres } from '../testing/stack.ts';
import { detectUnmanaged } from './detect-unmanaged.ts';

let cluster: TestCluster;
let admin: KubernetesClient;
let store: Store;
let namespace: string;

beforeAll(async () => {
  const [{ url }, started] = await Promise.all([
    testPostgres({ name: 'realign', prepare: migrate }),
    testCluster(),
  ]);
  cluster = started;
  store = createStore({ databaseUrl: url, log: createLog('silent') });
  namespace = await cluster.namespace();
  admin = await createKubernetesClient({
    kubeconfig: cluster.kubeconfigs.admin,
    userAgent: 'kubectl',
  });
});
afterAll(async () => {
  admin?.close();
  await store?.close();
});

function detect(ref: ResourceRef, unmanaged: 'ignore' | 'report') {
  const config = parseConfig(
    `environments: [{ name: dev, source: { space: dev }, defaultNamespace: ${namespace}, unmanaged: ${unmanaged} }]
policies: [{ name: everything, outcome: auto }]
autoFix: true`,
    { env: {} },
  );
  const [environment] = config.environments;
  if (!environment) throw new Error('the configuration has one environment');
  const parts = { config: environment, source: declareObjects('dev').source, cluster: admin };
  const deps = {
    config,
    store,
    log: createLog('silent'),
    environments: new Map([['dev', parts]]),
    keyedHash: (text: string) => keyedHash('a-key-of-this-test', text),
    metrics: createMetrics({ version: '0', processMetrics: false }),
  };
  return detectUnmanaged(deps, { episodeId: 'd1', key: '1', ref, opened: false }, 'run');
}

it('records what nobody declares, redacted, and leaves it to people', async () => {
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'extra', namespace },
    stringData: { password: 'canary-in-the-secret' },
  };
  await admin.applyServerSide(secret, { fieldManager: 'kubectl-create', force: false });
  const ref = refOf('dev', secret);
  expect(await detect(ref, 'ignore')).toMatchObject({ inScope: false });
  const detection = await detect(ref, 'report');
  expect(detection).toMatchObject({
    inScope: true,
    finding: {
      who: 'kubectl-create',
      severity: 'medium',
      changes: [{ path: '', op: 'added', type: 'ExtraResource' }],
    },
  });
  expect(detection.judgement?.decision).toMatchObject({ outcome: 'notify' });
  const [record] = await store.records.find({ kind: 'Secret', namespace, name: 'extra' });
  expect(record).toMatchObject({ status: 'active', policyOutcome: 'notify', desiredState: null });
  expect(JSON.stringify(record)).toContain('password');
  expect(JSON.stringify(record)).not.toContain(btoa('canary-in-the-secret'));

  await admin.delete(ref);
  expect(await detect(ref, 'report')).toEqual({ inScope: true });
});
