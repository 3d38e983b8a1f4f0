import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { type KubeObject, refOf, resourceKey } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { eventually } from '../testing/eventually.ts';
import { type TestCluster, testCluster } from '../testing/stack.ts';
import { compareLive } from './compare-live.ts';
import { createConfighubSource } from './confighub.ts';
import { createCustomSchemas } from './custom-schemas.ts';

const APPLIERS = ['confighub'];
const log = createLog('silent');
const group = `t${randomBytes(4).toString('hex')}.example.com`;
const kind = { group, version: 'v1', kind: 'Gateway' };

let cluster: TestCluster;
let admin: KubernetesClient;
let confighub: TestConfighub;
let namespace: string;

beforeAll(async () => {
  cluster = await testCluster();
  namespace = await cluster.namespace();
  admin = await createKubernetesClient({
    kubeconfig: cluster.kubeconfigs.admin,
    userAgent: 'test',
  });
  confighub = await startTestConfighub({ kubeconfig: cluster.kubeconfigs.confighub });
  await admin.applyServerSide(definition(), { fieldManager: 'test', force: true });
  await eventually(async () => (await admin.discover({ fresh: true })).find(kind) !== undefined, {
    what: 'the custom kind is served',
  });
});

afterAll(async () => {
  await admin?.delete(refOf('', definition()));
  admin?.close();
  await confighub?.close();
});

it('compares by the schema that the cluster has, where managedFields tell nothing', async () => {
  const desired = gateway('quiet', {
    // Another order, other texts and fewer keys than the server stores.
    listeners: [{ id: 'b' }, { id: 'a', zone: 'x', cap: '1000m' }],
    hosts: ['two', 'one'],
    steps: [{ run: 'x' }],
  });
  await admin.applyServerSide(
    gateway('quiet', {
      listeners: [{ id: 'a', zone: 'x', cap: '1' }, { id: 'b' }],
      hosts: ['one', 'two'],
      steps: [{ run: 'x' }],
    }),
    { fieldManager: 'confighub', force: true },
  );
  const live = await admin.jsonPatch(
    refOf('', desired),
    [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }],
    { fieldManager: 'test' },
  );
  expect(live['spec']).toMatchObject({ size: 3, steps: [{ run: 'x', retries: 3 }] });
  expect(live.metadata.managedFields).toBeUndefined();
  expect(await pathsOf(desired, live)).toEqual([]);

  const edited = await admin.jsonPatch(
    refOf('', desired),
    [{ op: 'replace', path: '/spec/listeners/0/cap', value: '2' }],
    { fieldManager: 'kubectl-edit' },
  );
  expect(await pathsOf(desired, edited)).toEqual(['spec.listeners[id=a,zone=x].cap']);
});

it('tells defaults from what people add, whoever owns them', async () => {
  const desired = gateway('owned', { hosts: ['one'] });
  await admin.applyServerSide(desired, { fieldManager: 'confighub', force: true });
  const by = (spec: object) =>
    admin.applyServerSide(gateway('owned', spec), { fieldManager: 'someone', force: true });
  expect(await pathsOf(desired, await by({ size: 3, steps: [] }))).toEqual([]);
  expect(await pathsOf(desired, await by({ size: 4, steps: [] }))).toEqual(['spec.size']);
});

it('reads a definition once, and goes on without those it may not read', async () => {
  let reads = 0;
  const counted = (client: KubernetesClient) => ({
    discover: client.discover,
    get: (...args: Parameters<KubernetesClient['get']>) => {
      reads += 1;
      return client.get(...args);
    },
  });
  const schemas = createCustomSchemas({ cluster: counted(admin), log });
  const builtIn = { group: 'apps', version: 'v1', kind: 'Deployment' };
  await Promise.all([schemas.load([kind, builtIn, kind]), schemas.load([kind])]);
  await schemas.load([kind]);
  expect(reads).toBe(1);
  expect(schemas.find(kind)?.fields.has('spec')).toBe(true);
  expect(schemas.find({ ...kind, version: 'v2' })).toBeUndefined();
  expect(schemas.find(builtIn)).toBeUndefined();

  const { kubeconfigs } = cluster;
  const stranger = await createKubernetesClient({
    kubeconfig: kubeconfigs['realign-repair'],
    userAgent: 'test',
  });
  try {
    let now = 0;
    const refused = createCustomSchemas({ cluster: counted(stranger), log, now: () => now });
    reads = 0;
    await refused.load([kind]);
    await refused.load([kind]);
    expect(refused.find(kind)).toBeUndefined();
    expect(reads).toBe(1);
    now += 3_600_000;
    await refused.load([kind]);
    expect(reads).toBe(2);
  } finally {
    stranger.close();
  }
});

/** What the source says of the object: its unit read, its kind's schema read, compared as watcher and workflow do. */
async function pathsOf(desired: KubeObject, live: KubeObject): Promise<readonly string[]> {
  const { hub } = confighub;
  const space = `s${randomBytes(4).toString('hex')}`;
  const { spaceId } = await hub.createSpace({ slug: space });
  await hub.createUnit(spaceId, { slug: 'unit', data: JSON.stringify(desired) });
  const source = createConfighubSource({
    hub,
    environment: { name: 'dev', source: { kind: 'confighub', space }, defaultNamespace: namespace },
    schemas: createCustomSchemas({ cluster: admin, log }),
  });
  const found = (await source.load()).objects.get(resourceKey(refOf('dev', desired)));
  if (!found) throw new Error('the unit declares nothing');
  return compareLive(found, live, { appliers: APPLIERS }).changes.map(({ path }) => path);
}

function gateway(name: string, spec: object): KubeObject {
  return { apiVersion: `${group}/v1`, kind: 'Gateway', metadata: { name, namespace }, spec };
}

function definition(): KubeObject {
  const quantity = {
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    pattern: '^(\\+|-)?[0-9.]+([KMGTPE]i|[numkMGTPE])?$',
    'x-kubernetes-int-or-string': true,
  };
  const listener = {
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string' }, zone: { type: 'string', default: 'any' }, cap: quantity },
  };
  const step = {
    type: 'object',
    properties: { run: { type: 'string' }, retries: { type: 'integer', default: 3 } },
  };
  const spec = {
    type: 'object',
    properties: {
      size: { type: 'integer', default: 3 },
      hosts: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      steps: { type: 'array', items: step },
      listeners: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['id', 'zone'],
        items: listener,
      },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gateways.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'gateways', singular: 'gateway', kind: 'Gateway', listKind: 'GatewayList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  };
}
