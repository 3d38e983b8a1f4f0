import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Unit } from '../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { compareLive } from '../desired/compare-live.ts';
import type { DesiredObject, DesiredSource } from '../desired/source.ts';
import { compileDesired } from '../drift/compare/compile.ts';
import { type KubeObject, type ResourceRef, refOf } from '../drift/resource-ref.ts';
import { digest } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createKubeRequests } from '../stack/kube-request.ts';
import { declareObjects } from '../testing/declared-source.ts';
import { eventually } from '../testing/eventually.ts';
import { type FaultyProxy, startFaultyProxy } from '../testing/faulty-proxy.ts';
import { type TestCluster, testCluster } from '../testing/stack.ts';
import type { Judge, Report, WatcherDeps } from './types.ts';
import { createWatcher } from './watcher.ts';

const MANAGER = 'confighub';
const judge: Judge = (desired, live) => {
  const { changes, severity } = compareLive(desired, live, { appliers: [MANAGER] });
  return changes.length === 0 ? undefined : { digest: digest(changes), severity };
};

let cluster: TestCluster;
let admin: KubernetesClient;
const ending: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await testCluster();
  admin = await createKubernetesClient({
    kubeconfig: cluster.kubeconfigs.admin,
    userAgent: 'kubectl-edit',
  });
});

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

function configMap(namespace: string, name: string, value: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { value } };
}

function deployment(namespace: string, name: string, replicas: number): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] },
      },
    },
  };
}

async function apply(...objects: KubeObject[]): Promise<void> {
  for (const object of objects) {
    await admin.applyServerSide(object, { fieldManager: MANAGER, force: true });
  }
}

async function edit(object: KubeObject, path: string, value: unknown): Promise<void> {
  const operation = { op: 'replace', path, value } as const;
  await admin.jsonPatch(refOf('', object), [operation], { fieldManager: 'kubectl-edit' });
}

async function throughProxy(): Promise<{ proxy: FaultyProxy; client: KubernetesClient }> {
  const { url, ca, tokens } = cluster;
  const proxy = await startFaultyProxy({ url, ca, token: tokens.admin });
  ending.push(proxy.stop);
  const client = await createKubernetesClient({
    kubeconfig: proxy.kubeconfig,
    userAgent: 'realign',
  });
  ending.push(async () => client.close());
  return { proxy, client };
}

function watch(
  namespace: string,
  source: DesiredSource,
  options: { client?: KubernetesClient } & Partial<WatcherDeps> = {},
) {
  const { client = admin, ...deps } = options;
  const reports: Report[] = [];
  const config = { name: source.environment, namespaces: [namespace] };
  const watcher = createWatcher({
    environments: [{ config, source, cluster: client }],
    resources: ['configmaps', 'apps/v1/Deployment'],
    judge,
    report: async (report) => {
      reports.push(report);
    },
    activeRecords: async () => [],
    refreshMs: 50,
    signalIntervalMs: 50,
    log: createLog('silent'),
    ...deps,
    reflector: { retryFirstMs: 10, forbiddenRetryMs: 50, ...deps.reflector },
  });
  ending.push(watcher.stop);
  const of = (name: string) => reports.filter((one) => one.ref.name === name);
  return { watcher, reports, of, start: () => watcher.start(new AbortController().signal) };
}

const kinds = (reports: readonly Report[]) => reports.map((one) => one.kind);

describe('watcher', () => {
  it('reports what differs at the start, what is missing, and nothing else', async () => {
    const namespace = await cluster.namespace();
    const same = configMap(namespace, 'same', 'a');
    const other = configMap(namespace, 'other', 'a');
    await apply(same, other);
    await edit(other, '/data/value', 'b');
    const { source } = declareObjects('dev', same, other, configMap(namespace, 'missing', 'a'));
    const { watcher, reports, start } = watch(namespace, source);
    await start();
    expect(watcher.status()).toMatchObject({ ready: true, environments: [{ drifted: 2 }] });
    await eventually(() => reports.length === 2, { what: 'two reports' });
    expect(reports.map((one) => [one.kind, one.ref.name]).sort()).toEqual([
      ['drift', 'missing'],
      ['drift', 'other'],
    ]);
  });

  it('follows a resource through edit, another edit, revert, deletion and return', async () => {
    const namespace = await cluster.namespace();
    const map = configMap(namespace, 'map', 'a');
    await apply(map);
    const { of, start } = watch(namespace, declareObjects('dev', map).source);
    await start();
    const steps: [() => Promise<unknown>, Report['kind']][] = [
      [() => edit(map, '/data/value', 'b'), 'drift'],
      [() => edit(map, '/data/value', 'c'), 'drift'],
      [() => apply(map), 'clean'],
      [() => admin.delete(refOf('', map)), 'drift'],
      [() => apply(map), 'clean'],
    ];
    for (const [index, [step, kind]] of steps.entries()) {
      await step();
      await eventually(() => of('map').length > index, { what: `report ${index + 1}` });
      expect(of('map').at(-1)?.kind).toBe(kind);
    }
    expect(of('map')).toHaveLength(steps.length);
    const seqs = of('map').map((one) => one.seq);
    expect(seqs).toEqual([...seqs].sort((one, other) => one - other));
    expect(new Set(seqs).size).toBe(seqs.length);
  });

  it('collapses many edits of a second into a first and a last report', async () => {
    const namespace = await cluster.namespace();
    const map = configMap(namespace, 'map', 'a');
    const quiet = configMap(namespace, 'quiet', 'a');
    await apply(map, quiet);
    const { of, start, watcher } = watch(namespace, declareObjects('dev', map, quiet).source, {
      signalIntervalMs: 1_000,
    });
    await start();
    const startedAt = Date.now();
    for (let value = 0; value < 50; value++) await edit(map, '/data/value', `v${value}`);
    // The API server tells of all edits in order: once the neighbour's is seen, so are these.
    await edit(quiet, '/data/value', 'b');
    await eventually(() => of('quiet').length === 1, { what: 'the last edit' });
    await eventually(() => watcher.status().queued === 0, { what: 'an empty queue' });
    const seconds = Math.ceil((Date.now() - startedAt) / 1_000);
    expect(of('map').length).toBeLessThanOrEqual(seconds + 1);
    const live = await admin.get(refOf('', map));
    const last = of('map').at(-1);
    expect(last?.kind === 'drift' && last.digest).toBe(
      digest(compareLive(desiredOf(map), live, { appliers: [MANAGER] }).changes),
    );
  });

  it('does not compare when only status changes', async () => {
    const namespace = await cluster.namespace();
    const workload = deployment(namespace, 'web', 0);
    const map = configMap(namespace, 'map', 'a');
    await apply(workload, map);
    const { watcher, of, start } = watch(namespace, declareObjects('dev', workload, map).source);
    const requests = createKubeRequests({
      url: cluster.url,
      ca: cluster.ca,
      token: cluster.tokens.controllers,
    });
    ending.push(async () => requests.close());
    await eventually(async () => Boolean((await admin.get(refOf('', workload)))?.['status']), {
      what: 'the first status',
    });
    await start();
    const before = watcher.status().comparisons;
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
    for (let round = 1; round <= 5; round++) {
      const live = (await requests.get(path)).body as KubeObject;
      const status = { ...(live['status'] as object), collisionCount: round };
      const { status: code } = await requests.send('PUT', `${path}/status`, { ...live, status });
      expect([200, 409]).toContain(code);
    }
    await edit(workload, '/spec/replicas', 1);
    await eventually(() => of('web').length === 1, { what: 'the edit after the status changes' });
    // One for the edit, one that confirms it, and one for the annotation or status that followed at most.
    expect(watcher.status().comparisons - before).toBeLessThanOrEqual(2);
  });
});

describe('watcher on a bad network', () => {
  it('loses nothing and repeats nothing when connections are cut', async () => {
    const namespace = await cluster.namespace();
    const maps = Array.from({ length: 10 }, (_, index) => configMap(namespace, `m${index}`, 'a'));
    await apply(...maps);
    const { proxy, client } = await throughProxy();
    const { of, start } = watch(namespace, declareObjects('dev', ...maps).source, { client });
    await start();
    await eventually(() => proxy.openWatches() === 2, { what: 'open watches' });
    for (const map of maps) {
      proxy.cutWatches();
      await edit(map, '/data/value', 'b');
    }
    await eventually(() => maps.every((map) => of(map.metadata.name).length > 0), {
      what: 'a report of each edit',
    });
    for (const map of maps) {
      await apply(map);
      proxy.cutWatches();
    }
    await eventually(() => maps.every((map) => of(map.metadata.name).at(-1)?.kind === 'clean'), {
      what: 'a report of each return',
    });
    for (const map of maps) expect(kinds(of(map.metadata.name))).toEqual(['drift', 'clean']);
    // Resumed where they were: one list for each kind is all that there ever was.
    const lists = proxy.requests.filter((one) => !one.isWatch && one.path.endsWith('configmaps'));
    expect(lists).toHaveLength(1);
  });

  it('lists again after 410 and finds what was deleted meanwhile', async () => {
    const namespace = await cluster.namespace();
    const maps = [configMap(namespace, 'stays', 'a'), configMap(namespace, 'goes', 'a')] as const;
    await apply(...maps);
    const { proxy, client } = await throughProxy();
    const { reports, of, start } = watch(namespace, declareObjects('dev', ...maps).source, {
      client,
    });
    await start();
    await eventually(() => proxy.openWatches() === 2, { what: 'open watches' });
    let refusals = 0;
    const lists = () => proxy.requests.filter((one) => !one.isWatch && one.path.endsWith('maps'));
    const listedBefore = lists().length;
    proxy.answer(({ isWatch, path }) => {
      if (!isWatch || !path.endsWith('configmaps') || lists().length > listedBefore) return;
      refusals += 1;
      return { status: 410, reason: 'Expired', message: 'too old resource version' };
    });
    await admin.delete(refOf('', maps[1]));
    proxy.cutWatches();
    await eventually(() => of('goes').length === 1 && lists().length > listedBefore, {
      what: 'the deletion',
    });
    expect(kinds(reports)).toEqual(['drift']);
    await apply(maps[1]);
    await eventually(() => of('goes').length === 2, { what: 'the return' });
    expect(kinds(reports)).toEqual(['drift', 'clean']);
    expect(refusals).toBeLessThanOrEqual(1);
  });

  it('skips a kind that it may not read, says so, and takes it up when it may', async () => {
    const namespace = await cluster.namespace();
    const map = configMap(namespace, 'map', 'a');
    const workload = deployment(namespace, 'web', 1);
    await apply(map);
    const { proxy, client } = await throughProxy();
    proxy.answer(({ path }) =>
      path.endsWith('deployments')
        ? { status: 403, reason: 'Forbidden', message: 'deployments is forbidden' }
        : undefined,
    );
    const { watcher, reports, start } = watch(
      namespace,
      declareObjects('dev', map, workload).source,
      {
        client,
      },
    );
    await start();
    const [status] = watcher.status().clusters;
    expect(status?.reflectors.map((one) => [one.resource, one.state])).toContainEqual([
      'deployments',
      'forbidden',
    ]);
    await edit(map, '/data/value', 'b');
    await eventually(() => reports.length > 0, { what: 'drift of the readable kind' });
    // Nobody knows whether the Deployment is there: it is not called missing.
    expect(reports.map((one) => one.ref.name)).toEqual(['map']);
    proxy.answer(undefined);
    await eventually(() => reports.length === 2, { what: 'drift of the other kind' });
    expect(reports[1]).toMatchObject({ kind: 'drift', ref: { name: 'web' } });
  });

  it('notices a watch that fell silent', async () => {
    const namespace = await cluster.namespace();
    const map = configMap(namespace, 'map', 'a');
    await apply(map);
    const { proxy, client } = await throughProxy();
    const { of, start } = watch(namespace, declareObjects('dev', map).source, {
      client,
      reflector: { idleMs: 300 },
    });
    await start();
    await eventually(() => proxy.openWatches() === 2, { what: 'open watches' });
    proxy.stallWatches();
    await edit(map, '/data/value', 'b');
    await eventually(() => of('map').length === 1, { what: 'the edit' });
    expect(kinds(of('map'))).toEqual(['drift']);
  });

  it('waits for an API server that is away, and says so', async () => {
    const namespace = await cluster.namespace();
    const map = configMap(namespace, 'map', 'a');
    const { proxy, client } = await throughProxy();
    proxy.answer(() => ({ status: 503, reason: 'ServiceUnavailable', message: 'starting up' }));
    const { watcher, reports, start } = watch(namespace, declareObjects('dev', map).source, {
      client,
    });
    const started = start();
    await eventually(
      () => watcher.status().clusters.some((one) => one.message?.includes('starting up')),
      { what: 'a word about the API server' },
    );
    expect(watcher.status().ready).toBe(false);
    proxy.answer(undefined);
    await started;
    expect(watcher.status().ready).toBe(true);
    await eventually(() => reports.length === 1, { what: 'the missing object' });
  });
});

describe('watcher and its neighbours', () => {
  it('keeps a report until it is taken', async () => {
    const namespace = await cluster.namespace();
    const map = configMap(namespace, 'map', 'a');
    await apply(map);
    const taken: Report[] = [];
    let isAway = true;
    const { watcher, start } = watch(namespace, declareObjects('dev', map).source, {
      report: async (report) => {
        if (isAway) throw new Error('away');
        taken.push(report);
      },
    });
    await start();
    const lagMs = () => watcher.status().environments[0]?.lagMs ?? 0;
    expect(lagMs()).toBe(0);
    await edit(map, '/data/value', 'b');
    await eventually(() => lagMs() > 0, { what: 'a report that is late' });
    isAway = false;
    await eventually(() => taken.length === 1, { what: 'the report' });
    await eventually(() => watcher.status().queued === 0, { what: 'an empty queue' });
    expect(lagMs()).toBe(0);
    expect(kinds(taken)).toEqual(['drift']);
  });

  it('tells every open record the present verdict after a full list', async () => {
    const namespace = await cluster.namespace();
    const ended = configMap(namespace, 'ended', 'a');
    const goesOn = configMap(namespace, 'goes-on', 'a');
    const undeclared = configMap(namespace, 'undeclared', 'a');
    await apply(ended, goesOn, undeclared);
    await edit(goesOn, '/data/value', 'b');
    const active: ResourceRef[] = [ended, goesOn, undeclared].map((one) => refOf('dev', one));
    const { reports, start } = watch(namespace, declareObjects('dev', ended, goesOn).source, {
      activeRecords: async () => active,
    });
    await start();
    await eventually(() => new Set(reports.map((one) => one.ref.name)).size === 3, {
      what: 'three verdicts',
    });
    const last = new Map(reports.map((one) => [one.ref.name, one.kind]));
    expect(Object.fromEntries(last)).toEqual({
      ended: 'clean',
      'goes-on': 'drift',
      undeclared: 'clean',
    });
  });

  it('compares anew what desired state changed, and nothing else', async () => {
    const namespace = await cluster.namespace();
    const map = configMap(namespace, 'map', 'a');
    const other = configMap(namespace, 'other', 'a');
    await apply(map, other);
    await edit(map, '/data/value', 'b');
    const desired = declareObjects('dev', configMap(namespace, 'map', 'b'), other);
    const { reports, start } = watch(namespace, desired.source);
    await start();
    desired.set(map, other);
    await eventually(() => reports.length === 1, { what: 'the new difference' });
    desired.set(other);
    await eventually(() => reports.length === 2, { what: 'its end' });
    expect(reports.map((one) => [one.kind, one.ref.name])).toEqual([
      ['drift', 'map'],
      ['clean', 'map'],
    ]);
  });

  it('refuses to start for a kind that nobody knows, naming the nearest', async () => {
    const namespace = await cluster.namespace();
    const { start } = watch(namespace, declareObjects('dev').source, {
      resources: ['deploymnets'],
    });
    await expect(start()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('deployments'),
    });
  });
});

function desiredOf(object: KubeObject): DesiredObject {
  const compiled = compileDesired(object);
  const unit = { slug: 'shop' } as Unit;
  const ref = refOf('dev', object);
  return { ref, object, compiled, applied: 'head', base: compiled, unit, revision: '1' };
}
