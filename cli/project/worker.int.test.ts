import { afterAll, beforeAll, expect, it } from 'vitest';
import { createConfighubClient } from '../../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../../clients/kubernetes/index.ts';
import { createLog } from '../../lib/log.ts';
import {
  startTestConfighub,
  TEST_TOKEN,
  type TestConfighub,
} from '../../testing/confighub-server.ts';
import { type FaultProxy, startFaultProxy } from '../../testing/fault-proxy.ts';
import { type TestCluster, testCluster } from '../../testing/stack.ts';
import type { Project } from '../project.ts';
import { runCleanup } from './cleanup.ts';
import { runSetupWorker, WORKER_NAMESPACE, workerSecretName } from './worker.ts';

// setup-worker where workers are no part of the server, as at the hosted ConfigHub: a proxy before our server, whose own workers are
// always ready, says what that one says of a worker that nobody has started.

const PREFIX = `worker-${process.pid}`;
const SPACES = [`${PREFIX}-dev`, `${PREFIX}-drift-detector-dev`];
const SECRET = 'canary-secret-of-the-worker';

let shared: TestCluster;
let server: TestConfighub;
let proxy: FaultProxy;
let admin: KubernetesClient;
let condition = 'Disconnected';
let said: string[] = [];

beforeAll(async () => {
  shared = await testCluster();
  server = await startTestConfighub();
  proxy = await startFaultProxy(new URL(server.url).origin);
  proxy.judge(async (method, path) => {
    if (!path.endsWith('/bridge_worker')) return 'pass';
    const body = method === 'GET' ? await workersAt(path) : await createdAt(path);
    return { fault: { kind: 'answer', status: 200, headers: JSON_BODY, body }, done: false };
  });
  admin = await createKubernetesClient({ kubeconfig: shared.kubeconfigs.admin, userAgent: 'test' });
  for (const slug of SPACES) {
    const { spaceId } = await server.hub.createSpace({
      slug,
      labels: { project: PREFIX, 'installed-by': 'realign' },
    });
    await server.hub.createUnit(spaceId, { slug: 'namespace', data: namespaceOf(slug) });
  }
}, 60_000);
afterAll(async () => {
  admin?.close();
  await proxy?.close();
  await server?.close();
});

it('makes no worker where what it logs in with could not be kept', async () => {
  const cluster = () => Promise.reject(new Error('no way into the cluster'));
  await expect(runSetupWorker({ ...project(), cluster }, 'dev')).rejects.toThrow('no way into');
  for (const slug of SPACES) {
    const space = await server.hub.findSpace(slug);
    const workers = await server.hub.listWorkers(space?.spaceId ?? '');
    expect(workers.filter((one) => one.slug === 'realign-worker')).toEqual([]);
  }
});

it('refuses to go on while the worker is away, and says what to start with what', async () => {
  await expect(runSetupWorker(project(), 'dev')).rejects.toMatchObject({
    code: 'SETUP_FAILED',
    message: SPACES.map(
      (space) =>
        `worker realign-worker of space ${space} is Disconnected: its CONFIGHUB_WORKER_ID and CONFIGHUB_WORKER_SECRET are in the Secret confighub/confighub-worker-${space}`,
    ).join('\n'),
    repair: expect.stringContaining("Start ConfigHub's worker in the cluster"),
  });
  expect(said.join('\n')).not.toContain(SECRET);
  for (const space of SPACES) {
    const { CONFIGHUB_WORKER_SECRET, CONFIGHUB_WORKER_ID } = (await secretOf(space)) ?? {};
    expect([CONFIGHUB_WORKER_SECRET, CONFIGHUB_WORKER_ID]).toEqual([
      `${SECRET} of ${space}`,
      await workerIdOf(space),
    ]);
  }
});

it('makes nothing twice while it waits for the worker', async () => {
  const before = await Promise.all(SPACES.map(workerIdOf));
  await runSetupWorker(project(true), 'dev');
  expect(said).toContain(`space ${PREFIX}-dev has worker realign-worker, Disconnected`);
  await expect(runSetupWorker(project(), 'dev')).rejects.toMatchObject({ code: 'SETUP_FAILED' });
  expect(await Promise.all(SPACES.map(workerIdOf))).toEqual(before);
});

it('does not send anybody to a Secret that is not there', async () => {
  const [slug = ''] = SPACES;
  const space = await server.hub.findSpace(slug);
  if (!space) throw new Error('there is no space');
  const name = workerSecretName(space);
  await admin.delete({
    ...{ group: '', version: 'v1', kind: 'Secret', namespace: WORKER_NAMESPACE, name },
  });
  await expect(runSetupWorker(project(), 'dev')).rejects.toMatchObject({
    code: 'SETUP_FAILED',
    message: expect.stringContaining(`is not in the Secret ${WORKER_NAMESPACE}/${name}`),
    repair: expect.stringContaining('cub worker delete'),
  });
});

it('goes on once the worker has connected', async () => {
  condition = 'Ready';
  await runSetupWorker(project(), 'dev');
  expect(said.at(-1)).toBe('the units of dev can be applied');
  for (const slug of SPACES) {
    const space = await server.hub.findSpace(slug);
    const [unit] = await server.hub.listUnits({ space: space?.spaceId ?? '', detail: 'summary' });
    expect(unit?.targetId).toBeDefined();
  }
});

it('leaves a Secret that cleanup takes away with the namespaces', async () => {
  const [unit] = await server.hub.listUnits({ detail: 'summary' });
  if (!unit) throw new Error('there is no unit');
  const { operationId } = await server.hub.applyUnit(unit);
  await server.hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
  const yes = async () => true;
  await runCleanup(project(), { confirm: yes, wantsCluster: yes });
  const left = await Promise.all(SPACES.map(secretOf));
  expect(left.filter((one) => one !== undefined)).toEqual([]);
});

const JSON_BODY = { 'content-type': 'application/json' };

function project(dryRun = false): Project {
  said = [];
  const url = `${proxy.url}/api`;
  return {
    ...{ url, prefix: PREFIX, dryRun, say: (line) => said.push(line) },
    hub: createConfighubClient({ url, token: TEST_TOKEN, log: createLog('fatal') }),
    cluster: () =>
      createKubernetesClient({ kubeconfig: shared.kubeconfigs.admin, userAgent: 'person' }),
  };
}

/** Without the server's own workers, and in the condition of the moment. */
async function workersAt(path: string): Promise<string> {
  const { body } = await server.call('GET', path.replace(/^\/api/, ''));
  const made = (body as readonly object[]).filter((one) =>
    JSON.stringify(one).includes('"Slug":"realign-worker"'),
  );
  return JSON.stringify(made).replaceAll('"Condition":"Ready"', `"Condition":"${condition}"`);
}

/** As the hosted one answers: with what the worker logs in with, this once. */
async function createdAt(path: string): Promise<string> {
  const { body } = await server.call('POST', path.replace(/^\/api/, ''), {
    Slug: 'realign-worker',
  });
  const spaceId = path.split('/').at(-2);
  const space = (await server.hub.listSpaces()).find((one) => one.spaceId === spaceId);
  return JSON.stringify({
    ...(body as object),
    Condition: condition,
    Secret: `${SECRET} of ${space?.slug}`,
  });
}

async function workerIdOf(slug: string): Promise<string | undefined> {
  const space = await server.hub.findSpace(slug);
  const workers = await server.hub.listWorkers(space?.spaceId ?? '');
  const made = workers.filter((one) => one.slug === 'realign-worker');
  expect(made).toHaveLength(1);
  return made[0]?.workerId;
}

async function secretOf(slug: string): Promise<Record<string, string> | undefined> {
  const space = await server.hub.findSpace(slug);
  const name = space ? workerSecretName(space) : `confighub-worker-${slug}`;
  const place = { group: '', version: 'v1', kind: 'Secret', namespace: WORKER_NAMESPACE, name };
  const data = (await admin.get(place))?.['data'] as Record<string, string> | undefined;
  if (!data) return undefined;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString('utf8'),
    ]),
  );
}

function namespaceOf(name: string): string {
  return `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`;
}
