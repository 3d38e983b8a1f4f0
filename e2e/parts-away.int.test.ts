import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Space, Unit } from '../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type Config, parseConfig } from '../lib/config.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { startTestConfighub, TEST_TOKEN, type TestConfighub } from '../testing/confighub-server.ts';
import { eventually } from '../testing/eventually.ts';
import { testCluster, testPostgres, testTemporal } from '../testing/stack.ts';
import { createTcpProxy, type TcpProxy, viaProxy } from '../testing/tcp-proxy.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';
import { installRuntime } from '../workers/worker.ts';

type Part = 'postgres' | 'temporal' | 'confighub' | 'kubernetes';

const RECOVERY = { timeoutMs: 60_000 };
const controller = new AbortController();
const lines: string[] = [];
const log = recordingLog();

let proxies: Readonly<Record<Part, TcpProxy>>;
let confighub: TestConfighub;
let admin: KubernetesClient;
let config: Config;
let directory: string;
let namespace: string;
let space: Space;
let unit: Unit;
let realign: Realign;

beforeAll(async () => {
  installRuntime(log);
  const [cluster, temporal, postgres] = await Promise.all([
    testCluster(),
    testTemporal(),
    testPostgres(),
  ]);
  confighub = await startTestConfighub({ kubeconfig: cluster.kubeconfigs.confighub });
  admin = await createKubernetesClient({
    kubeconfig: cluster.kubeconfigs.admin,
    userAgent: 'test',
  });
  namespace = await cluster.namespace();
  const proxyOf = (url: string) => {
    const { hostname: host, port } = new URL(url);
    return createTcpProxy({ host, port: Number(port) });
  };
  proxies = {
    postgres: await proxyOf(postgres.url),
    temporal: await proxyOf(`http://${temporal.address}`),
    confighub: await proxyOf(confighub.url),
    kubernetes: await proxyOf(cluster.url),
  };
  directory = await mkdtemp(join(tmpdir(), 'realign-away-'));
  const kubeconfig = join(directory, 'kubeconfig');
  const direct = await readFile(cluster.kubeconfigs.realign, 'utf8');
  const { origin } = new URL(cluster.url);
  await writeFile(kubeconfig, direct.replaceAll(origin, viaProxy(origin, proxies.kubernetes)));
  config = configFor({
    DATABASE_URL: viaProxy(postgres.url, proxies.postgres),
    TEMPORAL_ADDRESS: `${proxies.temporal.host}:${proxies.temporal.port}`,
    CUB_API_URL: viaProxy(confighub.url, proxies.confighub),
    CUB_TOKEN: TEST_TOKEN,
    KUBECONFIG: kubeconfig,
  });
  await install();
});

afterAll(async () => {
  controller.abort();
  await realign?.stop();
  for (const proxy of Object.values(proxies)) await proxy.vanish();
  admin.close();
  await confighub.close();
  await rm(directory, { recursive: true });
});

test('with every part away it lives, says for whom it waits, and answers nothing else', async () => {
  realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
  expect((await get('/health')).status).toBe(200);
  expect(await missing()).toEqual([
    'postgres',
    'temporal',
    'confighub',
    'kubernetes',
    'watcher',
    'worker',
  ]);
  const refused = await get('/api/v1/drift-records');
  expect(refused).toMatchObject({ status: 503, body: { code: 'STARTING', retryable: true } });
  for (const name of ['Postgres', 'Temporal', 'ConfigHub', 'Kubernetes']) {
    await eventually(() => lines.some((line) => line.includes(`waiting for ${name}`)), {
      what: `the log names ${name}`,
    });
  }
});

test('as parts come, each is no longer missed; with the last one it is ready', {
  timeout: 120_000,
}, async () => {
  const first = ['kubernetes', 'confighub', 'postgres'] as const;
  for (const part of first) await proxies[part].appear();
  for (const part of first) {
    const isThere = async () => !(await missing()).includes(part);
    await eventually(isThere, { ...RECOVERY, what: `${part} is there` });
  }
  expect(await missing()).toEqual(['temporal', 'watcher', 'worker']);
  await proxies.temporal.appear();
  await eventually(async () => (await missing()).length === 0, { ...RECOVERY, what: 'ready' });
  expect((await get('/api/v1/drift-records')).status).toBe(200);
  await driftIsFixed('wild');
});

test.for(['postgres', 'temporal', 'confighub', 'kubernetes'] as const)(
  '%s away later: a drift made meanwhile is fixed, once, when it is back',
  { timeout: 120_000 },
  async (part) => {
    const before = await countApplies();
    await proxies[part].vanish();
    try {
      await edit(`while ${part} is away`);
      // The watcher mends its watches by itself and stays ready meanwhile.
      if (part !== 'kubernetes') {
        const isMissed = async () => (await missing()).includes(part);
        await eventually(isMissed, { ...RECOVERY, what: `/ready names ${part}` });
      }
    } finally {
      await proxies[part].appear();
    }
    await isRestored();
    expect(await countApplies()).toBe(before + 1);
    await eventually(async () => (await missing()).length === 0, { ...RECOVERY, what: 'ready' });
  },
);

test('a unit with invalid YAML is an error of that unit, and the others go on', async () => {
  await confighub.hub.createUnit(space.spaceId, { slug: 'broken', data: 'kind: [ConfigMap\n' });
  await eventually(
    () => lines.some((line) => line.includes('broken') && line.includes('the others go on')),
    { ...RECOVERY, what: 'the log names the unit' },
  );
  const { body } = await get('/api/v1/analyze', 'POST');
  const run = `/api/v1/analysis-runs/${(body as { run_id: string }).run_id}`;
  const finished = await eventually(
    async () => {
      const answer = await get(run);
      return (answer.body as { status: string }).status === 'completed' && answer.body;
    },
    { ...RECOVERY, what: 'the analysis' },
  );
  expect(JSON.stringify(finished)).toContain('unit broken');
  await driftIsFixed('beside a broken unit');
});

test('a refused token ends the start, with the variable to check and without the token', async () => {
  const token = 'sesame-open-now';
  const other = await startRealign({
    config: { ...config, confighub: { ...config.confighub, token } },
    log,
    roles: ['worker'],
    signal: controller.signal,
  });
  const error = fromUnknown(await other.failed.catch((reason: unknown) => reason));
  await other.stop();
  expect(error.code).toBe('CONFIGHUB_UNAUTHORIZED');
  expect(error.repair).toContain('CUB_TOKEN');
  expect(lines.join('\n') + error.message).not.toContain(token);
});

test('an api alone asks neither ConfigHub nor a cluster, and needs no right there', async () => {
  const { token: _none, ...hub } = config.confighub;
  const environments = config.environments.map((one) => {
    return { ...one, cluster: { kubeconfig: join(directory, 'nowhere') } };
  });
  const api = await startRealign({
    config: { ...config, confighub: hub, environments },
    log,
    roles: ['api'],
    signal: controller.signal,
  });
  try {
    await api.ready;
    const answer = await fetch(`${api.url}/ready`);
    expect(answer.status).toBe(200);
    expect((await fetch(`${api.url}/api/v1/drift-records`)).status).toBe(200);
    expect(() => api.parts.hub).toThrow('has no ConfigHub');
  } finally {
    await api.stop();
  }
});

/** Port 0 cannot be configured: a test takes any free one. */
function configFor(env: NodeJS.ProcessEnv): Config {
  const parsed = parseConfig(
    JSON.stringify({
      environments: [
        { name: namespace, source: { space: namespace }, defaultNamespace: namespace },
      ],
      resources: ['configmaps'],
      confighub: { refresh: '500ms' },
      temporal: { taskQueue: namespace },
      autoFix: true,
      settle: { quiet: '50ms', max: '1s' },
      policies: [{ name: 'all', outcome: 'auto' }],
      // The same field is edited again and again here, which is not what is tested.
      guards: { backOff: { enabled: false }, fight: { enabled: false } },
      api: { auth: 'none' },
    }),
    { env },
  );
  return { ...parsed, api: { ...parsed.api, port: 0 } };
}

async function install(): Promise<void> {
  const { hub } = confighub;
  space = await hub.createSpace({ slug: namespace });
  const parameters = { KubeNamespace: namespace };
  const { targetId } = await hub.createTarget(space.spaceId, { slug: 'cluster', parameters });
  const data =
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  mode: calm\n';
  unit = await hub.createUnit(space.spaceId, { slug: 'settings', data, targetId });
  const { operationId } = await hub.applyUnit(unit);
  await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
}

function settingsRef(): ResourceRef {
  const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
  return { environment: namespace, namespace, ...kind, name: 'settings' };
}

async function edit(value: string): Promise<void> {
  const change = { op: 'replace', path: '/data/mode', value } as const;
  await admin.jsonPatch(settingsRef(), [change], { fieldManager: 'kubectl-edit' });
}

/** Live is as declared, and the read model says so. */
async function isRestored(): Promise<void> {
  await eventually(
    async () => {
      const live = await admin.get(settingsRef());
      const { body } = await get('/api/v1/drift-records/active');
      const mode = (live?.['data'] as { mode?: string } | undefined)?.mode;
      return mode === 'calm' && JSON.stringify(body).includes('"count":0');
    },
    { ...RECOVERY, what: 'the drift is fixed' },
  );
}

async function driftIsFixed(value: string): Promise<void> {
  await edit(value);
  await isRestored();
}

async function countApplies(): Promise<number> {
  const events = await confighub.hub.listUnitEvents(unit);
  return new Set(events.filter((one) => one.action === 'Apply').map((one) => one.operationId)).size;
}

async function missing(): Promise<readonly string[]> {
  const { body } = await get('/ready');
  const { components } = body as { components: { name: string; ready: boolean }[] };
  return components.filter((one) => !one.ready).map((one) => one.name);
}

async function get(path: string, method = 'GET'): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${realign.url}${path}`, { method });
  return { status: response.status, body: await response.json() };
}

function recordingLog(): Log {
  const write = (fields: object, message: string): void => {
    lines.push(`${JSON.stringify(fields)} ${message}`);
  };
  const own: Log = { debug: write, info: write, warn: write, error: write, child: () => own };
  return own;
}
