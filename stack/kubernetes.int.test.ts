import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { type TestCluster, testCluster } from '../testing/stack.ts';
import { createKubeRequests, type KubeRequests } from './kube-request.ts';
import { IDENTITIES, type Identity } from './kubernetes-identities.ts';

const PATCH = 'application/merge-patch+json';
const DEPLOYMENTS = 'apis/apps/v1';

let cluster: TestCluster;
let namespace: string;
let as: Record<Identity, KubeRequests>;

beforeAll(async () => {
  cluster = await testCluster();
  namespace = await cluster.namespace();
  const open = (name: Identity) =>
    createKubeRequests({ url: cluster.url, ca: cluster.ca, token: cluster.tokens[name] });
  as = {
    admin: open('admin'),
    realign: open('realign'),
    'realign-repair': open('realign-repair'),
    confighub: open('confighub'),
    controllers: open('controllers'),
  };
  await as.admin.send('POST', collection(), deployment('web', 2));
});

afterAll(async () => {
  await as.admin.send('DELETE', `/api/v1/namespaces/${namespace}`, {});
  for (const name of IDENTITIES) as[name].close();
});

test('realign reads, and writes nothing', async () => {
  expect((await as.realign.get(collection())).status).toBe(200);
  expect((await as.realign.get(`/api/v1/namespaces/${namespace}/services`)).status).toBe(200);
  const writes = await Promise.all([
    as.realign.send('POST', collection(), deployment('other', 1)),
    as.realign.send('PATCH', `${collection()}/web`, { spec: { replicas: 9 } }, PATCH),
    as.realign.send('PUT', `${collection()}/web`, deployment('web', 9)),
    as.realign.send('DELETE', `${collection()}/web`, {}),
  ]);
  expect(writes.map((answer) => answer.status)).toEqual([403, 403, 403, 403]);
});

test('realign-repair patches, and can neither create nor delete', async () => {
  const repair = as['realign-repair'];
  const patched = await repair.send(
    'PATCH',
    `${collection()}/web`,
    { spec: { replicas: 3 } },
    PATCH,
  );
  expect(patched.status).toBe(200);
  expect((await repair.send('POST', collection(), deployment('other', 1))).status).toBe(403);
  expect((await repair.send('DELETE', `${collection()}/web`, {})).status).toBe(403);
});

test('confighub may write Roles, which takes the rights that they grant', async () => {
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }];
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'all' },
    rules,
  };
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`;
  expect((await as.confighub.send('POST', path, role)).status).toBe(201);
});

test('a stranger is turned away', async () => {
  const stranger = createKubeRequests({ url: cluster.url, ca: cluster.ca, token: 'guess' });
  expect((await stranger.get('/api/v1/namespaces')).status).toBe(401);
  stranger.close();
});

test('the audit log says who wrote what, and how it was answered', async () => {
  await as.admin.send('PATCH', `${collection()}/web`, { spec: { replicas: 4 } }, PATCH);
  await as.realign.send('DELETE', `${collection()}/web`, {});
  const writes = auditLog().filter((entry) => entry.objectRef?.namespace === namespace);
  const seen = writes.map((entry) => [entry.user.username, entry.verb, entry.responseStatus?.code]);
  expect(seen).toContainEqual(['admin', 'patch', 200]);
  expect(seen).toContainEqual(['realign', 'delete', 403]);
  expect(writes.some((entry) => ['get', 'list', 'watch'].includes(entry.verb))).toBe(false);
});

test('kubeconfigs are for our eyes only', () => {
  for (const name of IDENTITIES) {
    expect(statSync(cluster.kubeconfigs[name]).mode & 0o777).toBe(0o600);
  }
});

test('the status player completes rollouts, unless it is stalled', async () => {
  const path = `${collection()}/web`;
  await cluster.pauseStatus();
  const scaled = await as.admin.send('PATCH', path, { spec: { replicas: 6 } }, PATCH);
  const { generation } = (scaled.body as Workload).metadata;
  expect((await read(path)).status?.observedGeneration ?? 0).toBeLessThan(generation);
  await cluster.resumeStatus();
  const settled = await eventually(
    async () => {
      const { status } = await read(path);
      return status?.observedGeneration === generation ? status : undefined;
    },
    { what: 'the status catches up' },
  );
  expect(settled).toMatchObject({
    replicas: 6,
    readyReplicas: 6,
    updatedReplicas: 6,
    availableReplicas: 6,
  });
});

test('a deleted namespace goes, with all that was in it', async () => {
  const doomed = await cluster.namespace();
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'left' }, data: {} };
  await as.admin.send('POST', `/api/v1/namespaces/${doomed}/configmaps`, configMap);
  await as.admin.send('DELETE', `/api/v1/namespaces/${doomed}`, {});
  await eventually(
    async () => (await as.admin.get(`/api/v1/namespaces/${doomed}`)).status === 404,
    { what: 'the namespace is gone' },
  );
  const left = await as.admin.get(`/api/v1/namespaces/${doomed}/configmaps/left`);
  expect(left.status).toBe(404);
});

type Workload = {
  metadata: { generation: number };
  status?: { observedGeneration?: number; [field: string]: unknown };
};

type AuditEntry = {
  user: { username: string };
  verb: string;
  objectRef?: { namespace?: string };
  responseStatus?: { code: number };
};

async function read(path: string): Promise<Workload> {
  return (await as.admin.get(path)).body as Workload;
}

function auditLog(): AuditEntry[] {
  const lines = readFileSync(cluster.auditLogPath, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as AuditEntry);
}

function collection(): string {
  return `/${DEPLOYMENTS}/namespaces/${namespace}/deployments`;
}

function deployment(name: string, replicas: number): object {
  const labels = { app: name };
  const containers = [{ name: 'web', image: 'nginx:1.27' }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}
