import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterNameOf } from '../lib/cluster-name.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { testPostgres } from '../testing/stack.ts';
import { type ApiDeps, createApi, type RunningApi, startApi } from './index.ts';

const TOKEN = 'the-audit-token-of-the-cluster';
const PERSON_TOKEN = 'the-token-of-ann';
const WEB = { group: 'apps', resource: 'deployments', namespace: 'shop', name: 'web' };
const log = createLog('silent');

let store: Store;
let api: RunningApi;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log });
  api = await startApi(createApi(deps(['dev', 'qa'])), { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api?.close();
  await store?.close();
});

function deps(contexts: readonly string[]): ApiDeps {
  const environments = contexts.map((name) => ({ name, cluster: { context: name } }));
  return {
    store,
    people: [{ name: 'ann', roles: ['admin'], tokenSha256: sha256(PERSON_TOKEN) }],
    auth: 'token',
    log,
    metrics: createMetrics({ version: '0', processMetrics: false }),
    links: { workflowUrl: (id) => id },
    decisions: { decide: async () => ({ ok: true, status: 'taken' }) },
    drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
    analyses: { start: async () => ({ runId: '', workflowId: '', alreadyRunning: false }) },
    audit: { tokenSha256: sha256(TOKEN), clusterOf: (name) => clusterNameOf(environments, name) },
    readiness: async () => [],
  };
}

let serial = 0;
/** As kube-apiserver 1.36 sends it at level Metadata. */
function event(fields: object = {}): object {
  serial += 1;
  return {
    level: 'Metadata',
    auditID: `00000000-0000-4000-8000-${String(serial).padStart(12, '0')}`,
    stage: 'ResponseComplete',
    requestURI: '/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl-edit',
    verb: 'patch',
    user: { username: 'bob', groups: ['system:authenticated'] },
    sourceIPs: ['127.0.0.1'],
    userAgent: 'kubectl/v1.36.0 (linux/amd64) kubernetes/abc',
    objectRef: {
      resource: 'deployments',
      namespace: 'shop',
      name: 'web',
      apiGroup: 'apps',
      apiVersion: 'v1',
    },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: new Date().toISOString().replace('Z', '999Z'),
    stageTimestamp: new Date().toISOString().replace('Z', '999Z'),
    annotations: { 'authorization.k8s.io/decision': 'allow' },
    ...fields,
  };
}

function post(body: unknown, { path = '/dev', token = TOKEN, url = api.url } = {}) {
  return fetch(`${url}/internal/audit${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

function list(...items: object[]): object {
  return { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items };
}

describe('POST /internal/audit', () => {
  test('keeps the writes that happened, and nothing else', async () => {
    const ignored = [
      { verb: 'get' },
      { stage: 'RequestReceived' },
      { responseStatus: { code: 403 } },
      { objectRef: undefined },
      { objectRef: { resource: 'deployments', name: 'web', subresource: 'status' } },
      { objectRef: { resource: 'leases', apiGroup: 'coordination.k8s.io', name: 'node-1' } },
      { requestURI: '/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All' },
    ];
    const scale = event({
      verb: 'update',
      requestURI: '/apis/apps/v1/namespaces/shop/deployments/web/scale',
      objectRef: {
        resource: 'deployments',
        namespace: 'shop',
        name: 'web',
        apiGroup: 'apps',
        subresource: 'scale',
      },
      responseObject: { metadata: { resourceVersion: '77' } },
    });
    const answer = await post(list(event(), scale, ...ignored.map(event)));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'taken', writes: 2 });
    // Both happened in the same instant: which comes first says nothing.
    const kept = (await store.auditWrites.listFor('dev', WEB)).toSorted((a, b) =>
      (b.subresource ?? '').localeCompare(a.subresource ?? ''),
    );
    expect(kept).toMatchObject([
      {
        verb: 'update',
        user: 'bob',
        manager: 'kubectl',
        subresource: 'scale',
        resourceVersion: '77',
      },
      { verb: 'patch', user: 'bob', manager: 'kubectl-edit', subresource: '' },
    ]);
  });

  test('names the person behind a proxy, and not whom a person pretends to be', async () => {
    const name = 'impersonated';
    const objectRef = { resource: 'deployments', namespace: 'shop', name, apiGroup: 'apps' };
    const impersonatedUser = { username: 'carol' };
    const proxy = { username: 'system:serviceaccount:rancher:rancher' };
    await post(list(event({ objectRef, impersonatedUser, user: proxy })));
    await post(list(event({ objectRef, impersonatedUser })));
    const kept = await store.auditWrites.listFor('dev', { ...WEB, name });
    expect(kept.map((one) => one.user).sort()).toEqual(['bob', 'carol']);
  });

  test('opens to its own token only', async () => {
    expect((await post(list(event()), { token: PERSON_TOKEN })).status).toBe(401);
    const basic = (password: string) =>
      fetch(`${api.url}/internal/audit/dev?timeout=30s`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Basic ${btoa(`audit:${password}`)}`,
        },
        body: JSON.stringify(list()),
      });
    expect((await basic(TOKEN)).status).toBe(200);
    expect((await basic(PERSON_TOKEN)).status).toBe(401);
    const person = await fetch(`${api.url}/api/v1/questions`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(person.status).toBe(401);
    const { audit: _none, ...without } = deps(['dev']);
    const closed = await startApi(createApi(without), { host: '127.0.0.1', port: 0 });
    expect((await post(list(event()), { url: closed.url })).status).toBe(404);
    await closed.close();
  });

  test('wants to know which cluster, where there are several', async () => {
    expect((await post(list(event()), { path: '' })).status).toBe(400);
    expect((await post(list(event()), { path: '/prod' })).status).toBe(404);
    const single = await startApi(createApi(deps(['dev'])), { host: '127.0.0.1', port: 0 });
    expect((await post(list(event()), { path: '', url: single.url })).status).toBe(200);
    await single.close();
  });

  test('refuses what is no event list, or too large', async () => {
    expect((await post({ kind: 'Pod' })).status).toBe(400);
    expect((await post('[')).status).toBe(400);
    expect((await post(list(event({ auditID: 7 })))).status).toBe(400);
    const large = await post(list(event({ annotations: { big: 'x'.repeat(11 * 1024 * 1024) } })));
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ detail: 'the body is larger than 10240 KiB' });
  });
});
