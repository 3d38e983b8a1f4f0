import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorshipOf } from '../activities/authorship.ts';
import { createApi, type RunningApi, startApi } from '../api/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { compare } from '../drift/compare/compare.ts';
import { compileDesired } from '../drift/compare/compile.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import { parseConfig } from '../lib/config.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { freePort } from '../stack/free-port.ts';
import { type Identity, type Stack, startStack } from '../stack/index.ts';
import { createKubeRequests, type KubeRequests } from '../stack/kube-request.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { eventually } from '../testing/eventually.ts';
import { testPostgres } from '../testing/stack.ts';

// A real API server that sends its audit log to a real api: who made which change.

const TOKEN = 'the-audit-token-of-this-test';
const MERGE = 'application/merge-patch+json';
const log = createLog('silent');

let store: Store;
let stack: Stack;
let api: RunningApi;
let cluster: KubernetesClient;
let as: (identity: Identity) => KubeRequests;
const opened: KubeRequests[] = [];
const config = parseConfig(
  `environments: [{ name: dev, source: { space: dev }, defaultNamespace: default }]
audit: { token: ${TOKEN} }
people: [{ name: ann, roles: [approver], tokenHash: "sha256:${sha256('ann')}", kubernetesUser: admin }]`,
  { env: {} },
);

beforeAll(async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/internal/audit`;
  const [database, started] = await Promise.all([
    testPostgres({ name: 'realign', prepare: migrate }),
    startStack({ without: ['postgres', 'temporal'], auditWebhook: { url, token: TOKEN } }),
  ]);
  stack = started;
  store = createStore({ databaseUrl: database.url, log });
  api = await startApi(createApi(apiDeps()), { host: '127.0.0.1', port });
  const { kubernetes } = stack;
  if (!kubernetes) throw new Error('the stack has no Kubernetes');
  cluster = await createKubernetesClient({
    kubeconfig: kubernetes.kubeconfigs.realign,
    userAgent: 'realign',
  });
  as = (identity) => {
    const { tokens, ...access } = kubernetes;
    const requests = createKubeRequests({ ...access, token: tokens[identity] });
    opened.push(requests);
    return requests;
  };
}, 120_000);

afterAll(async () => {
  for (const one of opened) one.close();
  cluster?.close();
  await api?.close();
  await store?.close();
  await stack?.stop();
});

function apiDeps() {
  return {
    store,
    people: [],
    auth: 'token' as const,
    log,
    metrics: createMetrics({ version: '0', processMetrics: false }),
    links: { workflowUrl: (id: string) => id },
    decisions: { decide: async () => ({ ok: true, status: 'taken' }) as const },
    drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
    analyses: { start: async () => ({ runId: '', workflowId: '', alreadyRunning: false }) },
    audit: {
      tokenSha256: sha256(TOKEN),
      clusterOf: (name?: string) => clusterNameOf(config.environments, name),
    },
    readiness: async () => [],
  };
}

function settings(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data: { mode: 'fast', level: 'info' },
  };
}

const pathOf = (name: string, query = '') =>
  `/api/v1/namespaces/default/configmaps/${name}${query}`;

/** As ConfigHub's worker applies. */
async function apply(name: string): Promise<KubeObject> {
  const desired = settings(name);
  const query = '?fieldManager=confighub&force=true';
  const { status } = await as('confighub').send(
    'PATCH',
    pathOf(name, query),
    desired,
    'application/apply-patch+yaml',
  );
  expect(status).toBeLessThan(300);
  return desired;
}

/** Who did it, once the events of all writes are there. */
async function authorshipAfter(desired: KubeObject, writes: number) {
  const ref = refOf('dev', desired);
  const object = { ...ref, resource: 'configmaps' };
  await eventually(async () => (await store.auditWrites.listFor('dev', object)).length >= writes, {
    what: 'the audit events arrive',
  });
  const live = await cluster.get(ref);
  const compiled = compileDesired(desired);
  const { changes } = compare(compiled, live, { appliers: config.appliers, base: compiled });
  return authorshipOf({ config, auditWrites: store.auditWrites, cluster }, { ref, live, changes });
}

test('a changed field, a removed one and a deleted object have their authors', async () => {
  const desired = await apply('edited');
  const edit = (data: object) =>
    as('admin').send('PATCH', pathOf('edited', '?fieldManager=kubectl-edit'), { data }, MERGE);
  await edit({ mode: 'slow' });
  expect(await authorshipAfter(desired, 2)).toEqual({ author: 'ann', authors: ['ann'] });
  await edit({ mode: 'fast', level: null });
  expect(await authorshipAfter(desired, 3)).toEqual({ author: 'ann', authors: ['ann'] });
  await as('controllers').send('DELETE', pathOf('edited'), {});
  expect(await authorshipAfter(desired, 4)).toEqual({
    author: 'controllers',
    authors: ['controllers'],
    isAuthorUnlisted: true,
  });
});

test('two people with one tool are possible authors both, until we apply again', async () => {
  const desired = await apply('shared');
  const edit = (identity: Identity, data: object) =>
    as(identity).send('PATCH', pathOf('shared', '?fieldManager=kubectl-edit'), { data }, MERGE);
  await edit('admin', { mode: 'slow' });
  await edit('controllers', { level: 'debug' });
  const both = await authorshipAfter(desired, 3);
  expect(both.author).toBeUndefined();
  expect([...(both.authors ?? [])].sort()).toEqual(['ann', 'controllers']);
  await apply('shared');
  await edit('controllers', { level: 'debug' });
  expect(await authorshipAfter(desired, 5)).toMatchObject({ author: 'controllers' });
});

test('a refused write and a dry run made nothing', async () => {
  const desired = await apply('quiet');
  const patch = { data: { mode: 'slow' } };
  const refused = await as('realign').send('PATCH', pathOf('quiet'), patch, MERGE);
  expect(refused.status).toBe(403);
  await as('controllers').send('PATCH', pathOf('quiet', '?dryRun=All'), patch, MERGE);
  await as('admin').send('PATCH', pathOf('quiet', '?fieldManager=k9s'), patch, MERGE);
  expect(await authorshipAfter(desired, 2)).toEqual({ author: 'ann', authors: ['ann'] });
});
