import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { createKindScopes } from '../desired/kind-scopes.ts';
import { createCompiledCache, readUnitObjects } from '../desired/unit-objects.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { createKubeRequests, type KubeRequests } from '../stack/kube-request.ts';
import { declareObjects } from '../testing/declared-source.ts';
import { eventually } from '../testing/eventually.ts';
import { type TestCluster, testCluster } from '../testing/stack.ts';
import type { Report } from './types.ts';
import { createWatcher } from './watcher.ts';

// Any kind that the API server serves, and what happens to those that Realign may not read.

const log = createLog('silent');
const group = `t${randomBytes(4).toString('hex')}.example.com`;

let cluster: TestCluster;
let admin: KubernetesClient;
let requests: KubeRequests;
let namespace: string;
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await testCluster();
  namespace = await cluster.namespace();
  const { url, ca, tokens, kubeconfigs } = cluster;
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'test' });
  requests = createKubeRequests({ url, ca, token: tokens.admin });
  for (const scope of ['Cluster', 'Namespaced']) {
    await admin.applyServerSide(definition(scope), { fieldManager: 'test', force: true });
  }
  await eventually(
    async () => {
      const discovery = await admin.discover({ fresh: true });
      return ['Cluster', 'Namespaced'].every((scope) => discovery.find(kindOf(scope)));
    },
    { what: 'the custom kinds are served' },
  );
});

afterAll(async () => {
  for (const end of ending.reverse()) await end();
  for (const scope of ['Cluster', 'Namespaced']) await admin?.delete(refOf('', definition(scope)));
  requests?.close();
  admin?.close();
});

const kindOf = (scope: string) => ({ group, version: 'v1', kind: `${scope}Thing` });

function definition(scope: string): KubeObject {
  const { kind } = kindOf(scope);
  const plural = `${kind.toLowerCase()}s`;
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
}

const thing = (scope: string) => `apiVersion: ${group}/v1
kind: ${scope}Thing
metadata: { name: one }
spec: { size: 1 }
`;

async function watch(
  client: KubernetesClient,
  resources: readonly string[],
  objects: readonly KubeObject[],
) {
  const reports: Report[] = [];
  const watcher = createWatcher({
    environments: [
      {
        config: { name: 'dev', namespaces: [namespace] },
        source: declareObjects('dev', ...objects).source,
        cluster: client,
      },
    ],
    resources,
    judge: (_desired, live) => (live ? undefined : { digest: 'missing', severity: 'high' }),
    report: async (report) => void reports.push(report),
    activeRecords: async () => [],
    refreshMs: 50,
    log,
    reflector: { retryFirstMs: 10, forbiddenRetryMs: 50 },
  });
  ending.push(watcher.stop);
  await watcher.start(new AbortController().signal);
  return { watcher, missing: () => reports.map((one) => one.ref.kind).sort() };
}

it('reads manifests of custom kinds as the cluster scopes them', async () => {
  const isNamespaced = await createKindScopes({ cluster: admin, log });
  const place = {
    environment: 'dev',
    defaultNamespace: namespace,
    cache: createCompiledCache(10),
    isNamespaced,
  };
  const read = readUnitObjects(`${thing('Cluster')}---\n${thing('Namespaced')}`, place);
  expect(read.ok && [...read.objects.keys()]).toEqual([
    `${group}/ClusterThing//one`,
    `${group}/NamespacedThing/${namespace}/one`,
  ]);
  expect(isNamespaced({ group, kind: 'Unserved' })).toBeUndefined();
});

it('asks again for a kind that is not served yet, and goes on where kinds cannot be read', async () => {
  let nowMs = 0;
  let asked = 0;
  const late = {
    discover: async () => {
      asked += 1;
      if (asked === 1) throw new Error('away');
      return admin.discover();
    },
  };
  const isNamespaced = await createKindScopes({ cluster: late, log, now: () => nowMs });
  expect(isNamespaced(kindOf('Cluster'))).toBeUndefined();
  expect(asked).toBe(1);
  nowMs = 30_000;
  await eventually(() => isNamespaced(kindOf('Cluster')) === false, { what: 'the kind' });
  expect(asked).toBe(2);
});

it('watches custom kinds by plural, by plural with group, and by group/version/Kind', async () => {
  const objects = ['Cluster', 'Namespaced'].map((scope): KubeObject => {
    const where = scope === 'Cluster' ? {} : { namespace };
    return {
      apiVersion: `${group}/v1`,
      kind: `${scope}Thing`,
      metadata: { name: 'one', ...where },
    };
  });
  for (const names of [
    ['clusterthings', `namespacedthings.${group}`],
    [`${group}/v1/ClusterThing`, `${group}/v1/NamespacedThing`],
  ]) {
    const { missing } = await watch(admin, names, objects);
    await eventually(() => missing().length === 2, { what: 'both kinds' });
    expect(missing()).toEqual(['ClusterThing', 'NamespacedThing']);
  }
});

it('skips and names the kinds that its ServiceAccount may not read, and watches the others', async () => {
  const client = await asServiceAccount('lacking', ['configmaps']);
  const objects = ['ConfigMap', 'Secret'].map(
    (kind): KubeObject => ({ apiVersion: 'v1', kind, metadata: { name: 'gone', namespace } }),
  );
  const { watcher, missing } = await watch(client, ['configmaps', 'secrets'], objects);
  await eventually(() => missing().length > 0, { what: 'the kind that may be read' });
  const [status] = watcher.status().clusters;
  expect(status).toMatchObject({
    ready: true,
    reflectors: [
      { resource: 'configmaps', listed: true },
      {
        resource: 'secrets',
        state: 'forbidden',
        listed: false,
        message: expect.stringContaining(`system:serviceaccount:${namespace}:lacking`),
      },
    ],
  });
  // Nobody knows what is in a kind that cannot be read: nothing is missing there.
  expect(missing()).toEqual(['ConfigMap']);
});

/** A client that authenticates as a new ServiceAccount with the right to read some kinds of the namespace. */
async function asServiceAccount(name: string, resources: readonly string[]) {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const apiGroup = 'rbac.authorization.k8s.io';
  const made = [
    await requests.send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
      metadata: { name },
    }),
    await requests.send('POST', `${rbac}/roles`, {
      metadata: { name },
      rules: [{ apiGroups: [''], resources, verbs: ['get', 'list', 'watch'] }],
    }),
    await requests.send('POST', `${rbac}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    }),
  ];
  expect(made.map((one) => one.status)).toEqual([201, 201, 201]);
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const { body } = await requests.send('POST', path, { spec: { expirationSeconds: 3_600 } });
  const { token } = (body as { status: { token: string } }).status;
  const kubeconfig = JSON.parse(readFileSync(cluster.kubeconfigs.realign, 'utf8')) as {
    users: { user: { token: string } }[];
  };
  for (const { user } of kubeconfig.users) user.token = token;
  const file = `${cluster.kubeconfigs.realign}.${namespace}`;
  writeFileSync(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  const client = await createKubernetesClient({ kubeconfig: file, userAgent: 'realign' });
  ending.push(() => client.close());
  return client;
}
