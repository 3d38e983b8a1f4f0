import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubeObject, refOf } from '../../drift/resource-ref.ts';
import { type FaultyProxy, startFaultyProxy } from '../../testing/faulty-proxy.ts';
import { type TestCluster, testCluster } from '../../testing/stack.ts';
import { causesOf, createKubernetesClient, type KubernetesClient } from './index.ts';

let cluster: TestCluster;
let admin: KubernetesClient;
let realign: KubernetesClient;
let proxy: FaultyProxy;
let proxied: KubernetesClient;
let namespace: string;

beforeAll(async () => {
  cluster = await testCluster();
  namespace = await cluster.namespace();
  const { url, ca, tokens, kubeconfigs } = cluster;
  proxy = await startFaultyProxy({ url, ca, token: tokens.admin });
  const open = (kubeconfig: string) =>
    createKubernetesClient({ kubeconfig, userAgent: 'test', timeoutMs: 10_000 });
  admin = await open(kubeconfigs.admin);
  realign = await open(kubeconfigs.realign);
  proxied = await open(proxy.kubeconfig);
});

afterAll(async () => {
  for (const client of [admin, realign, proxied]) client.close();
  await proxy.stop();
});

const configMap = (name: string, value = 'a'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { value },
});
const apply = (object: KubeObject) =>
  admin.applyServerSide(object, { fieldManager: 'confighub', force: true });

describe('discovery', () => {
  it('knows a kind by every name it has', async () => {
    const discovery = await admin.discover();
    for (const name of ['deployments', 'deploy', 'Deployment', 'apps/v1/Deployment']) {
      expect(discovery.resolve(name)).toMatchObject({ group: 'apps', plural: 'deployments' });
    }
    expect(discovery.resolve('v1/ConfigMap').namespaced).toBe(true);
    expect(discovery.resolve('clusterroles').namespaced).toBe(false);
  });

  it('names the nearest when it knows none', async () => {
    const discovery = await admin.discover();
    expect(() => discovery.resolve('deploymnets')).toThrow(/did you mean "deployments"/);
    expect(() => discovery.resolveKind({ group: 'x.io', version: 'v1', kind: 'Y' })).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
  });
});

describe('reads and writes', () => {
  it('gets what it applied, and undefined for what is not there', async () => {
    await apply(configMap('one'));
    const ref = refOf('', configMap('one'));
    expect((await admin.get(ref))?.['data']).toEqual({ value: 'a' });
    expect(await admin.get({ ...ref, name: 'none' })).toBeUndefined();
  });

  it('lists in pages, each item with its kind', async () => {
    for (let index = 0; index < 5; index++) await apply(configMap(`page-${index}`));
    const resource = (await admin.discover()).resolve('configmaps');
    const names: string[] = [];
    let next: string | undefined;
    do {
      const page = await admin.list(resource, {
        namespace,
        limit: 2,
        ...(next === undefined ? {} : { continue: next }),
      });
      expect(page.items.length).toBeLessThanOrEqual(2);
      for (const item of page.items) {
        expect(item).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
        names.push(item.metadata.name);
      }
      next = page.continue;
    } while (next !== undefined);
    expect(names).toEqual(expect.arrayContaining(['page-0', 'page-4']));
    expect(new Set(names).size).toBe(names.length);
  });

  it('patches under a guard, and says CONFLICT or REFUSED when it does not hold', async () => {
    const live = await apply(configMap('guarded'));
    const ref = refOf('', live);
    const test = (value: unknown) =>
      ({ op: 'test', path: '/metadata/resourceVersion', value }) as const;
    const change = { op: 'replace', path: '/data/value', value: 'b' } as const;
    const options = { fieldManager: 'repair' };
    await admin.jsonPatch(ref, [test(live.metadata.resourceVersion), change], options);
    await expect(
      admin.jsonPatch(ref, [test(live.metadata.resourceVersion), change], options),
    ).rejects.toMatchObject({ code: expect.stringMatching(/CONFLICT|KUBERNETES_REFUSED/) });
  });

  it('names field and manager of an apply conflict', async () => {
    await apply(configMap('contested'));
    const failed = await admin
      .applyServerSide(configMap('contested', 'b'), { fieldManager: 'other', force: false })
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'CONFLICT' });
    expect(causesOf(failed)).toEqual([
      expect.objectContaining({
        field: '.data.value',
        message: expect.stringContaining('confighub'),
      }),
    ]);
  });

  it('refuses what the schema does not have, for good', async () => {
    const wrong = { ...configMap('wrong'), dta: {} };
    await expect(apply(wrong)).rejects.toMatchObject({
      code: 'KUBERNETES_REFUSED',
      retryable: false,
    });
  });

  it('deletes once', async () => {
    await apply(configMap('gone'));
    expect(await admin.delete(refOf('', configMap('gone')))).toBe(true);
    expect(await admin.delete(refOf('', configMap('gone')))).toBe(false);
  });

  it('does not take a collection for an object', async () => {
    const ref = { ...refOf('', configMap('x')), namespace: '' };
    await expect(admin.get(ref)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(admin.delete({ ...ref, namespace, name: '' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('rights and failures', () => {
  it('says what the identity may do', async () => {
    const resource = (await realign.discover()).resolve('deployments');
    expect(await realign.canI('watch', resource)).toBe(true);
    expect(await realign.canI('patch', resource, namespace)).toBe(false);
    await expect(
      realign.applyServerSide(configMap('mine'), { fieldManager: 'realign', force: true }),
    ).rejects.toMatchObject({ code: 'KUBERNETES_FORBIDDEN' });
  });

  it('tries a read again when the server asks for it, but no write', async () => {
    const ref = refOf('', await apply(configMap('busy')));
    let refusals = 0;
    await proxied.discover();
    proxy.answer(() => {
      refusals += 1;
      return refusals <= 2
        ? { status: 429, reason: 'TooManyRequests', message: 'busy' }
        : undefined;
    });
    expect((await proxied.get(ref))?.metadata.name).toBe('busy');
    refusals = 0;
    const patch = [{ op: 'replace', path: '/data/value', value: 'b' }] as const;
    await expect(proxied.jsonPatch(ref, patch, { fieldManager: 'x' })).rejects.toMatchObject({
      code: 'KUBERNETES_UNAVAILABLE',
    });
    expect(refusals).toBe(1);
    proxy.answer(undefined);
  });

  it('gives up on a server that does not answer, naming it', async () => {
    const silent = await createKubernetesClient({
      kubeconfig: proxy.kubeconfig,
      userAgent: 'test',
      timeoutMs: 1,
    });
    await expect(silent.version()).rejects.toMatchObject({
      code: 'KUBERNETES_UNAVAILABLE',
      message: expect.stringContaining('http://127.0.0.1'),
    });
    silent.close();
  });

  it('rejects with the reason of the caller who gave up', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(admin.get(refOf('', configMap('x')), signal)).rejects.toBe(reason);
  });

  it('names the contexts there are', async () => {
    await expect(
      createKubernetesClient({
        kubeconfig: cluster.kubeconfigs.admin,
        context: 'moon',
        userAgent: 'test',
      }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('admin') });
  });
});
