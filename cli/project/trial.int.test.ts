import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../clients/kubernetes/index.ts';
import { type Config, parseConfig } from '../../lib/config.ts';
import { sha256 } from '../../lib/digest.ts';
import type { Log } from '../../lib/log.ts';
import {
  startTestConfighub,
  TEST_TOKEN,
  type TestConfighub,
} from '../../testing/confighub-server.ts';
import { eventually } from '../../testing/eventually.ts';
import { startCommand } from '../../testing/running-command.ts';
import { testCluster, testPostgres, testTemporal } from '../../testing/stack.ts';
import { ALL_ROLES, type Realign, startRealign } from '../../workers/realign.ts';
import { installRuntime } from '../../workers/worker.ts';

// The scripts that show Realign at work, as processes, beside a Realign that fixes what they break.

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));
const PREFIX = `trial-${process.pid}`;
const TOKEN = 'the-token-of-amir-who-approves';
/** All is fixed by itself, but for much of a change to frontend-web. */
const CONFIG = {
  environments: [
    {
      name: 'drift-test',
      source: { space: `${PREFIX}-drift-test` },
      defaultNamespace: 'drift-test',
    },
  ],
  resources: ['deployments'],
  confighub: { refresh: '500ms' },
  temporal: { taskQueue: PREFIX },
  autoFix: true,
  settle: { quiet: '50ms', max: '1s' },
  policies: [
    {
      name: 'careful',
      match: { names: ['frontend-web'], minSeverity: 'high' },
      outcome: 'ask',
      unknownAuthor: 'allow',
    },
    { name: 'auto', outcome: 'auto' },
  ],
};
const DEPLOYED = `🚀 Deploying test workloads
==========================
📦 Deploying workloads to drift-test namespace...
⏳ Waiting for deployments to be ready...

📊 Deployment Status:
NAME           READY   UP-TO-DATE   AVAILABLE
backend-api    3/3     3            3
frontend-web   2/2     2            2

✅ Test workloads deployed successfully!
`;
const DRIFTED = `
🔄 Introducing drift for testing...
deployment.apps/backend-api scaled
  - Scaled backend-api to 5 replicas (expected: 3)
deployment.apps/frontend-web scaled
  - Scaled frontend-web to 1 replica (expected: 2)

⚠️  Drift introduced! Run drift-detector to detect and fix.
`;

const controller = new AbortController();
const lines: string[] = [];
const log = recordingLog();
let server: TestConfighub;
let admin: KubernetesClient;
let adminKubeconfig: string;
let config: Config;
let realign: Realign;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'realign-trial-'));
  await writeFile(join(directory, 'realign.yaml'), JSON.stringify(CONFIG));
  installRuntime(log);
  const [{ kubeconfigs }, temporal, postgres] = await Promise.all([
    testCluster(),
    testTemporal(),
    testPostgres(),
  ]);
  adminKubeconfig = kubeconfigs.admin;
  server = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
  admin = await createKubernetesClient({ kubeconfig: adminKubeconfig, userAgent: 'test' });
  config = parsed({
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    CUB_API_URL: server.url,
    CUB_TOKEN: TEST_TOKEN,
    KUBECONFIG: kubeconfigs.realign,
  });
});
afterAll(async () => {
  controller.abort();
  await realign?.stop();
  admin?.close();
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

it('deploys the test workloads, in the words of the original', async () => {
  expect(await run('deploy-test')).toEqual({ code: 0, stdout: DEPLOYED, stderr: '' });
  realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
  await realign.ready;
}, 90_000);

it('drifts them when told so; Realign says it in those words too, and puts both right', async () => {
  const { code, stdout } = await run('deploy-test', '--with-drift');
  expect([code, stdout]).toEqual([0, DEPLOYED + DRIFTED]);
  await eventually(
    () =>
      [
        '⚠️  DRIFT DETECTED: backend-api has 5 replicas, expected 3',
        '⚠️  DRIFT DETECTED: frontend-web has 1 replica, expected 2',
        '✅ Fixed: backend-api scaled to 3 replicas',
        '✅ Fixed: frontend-web scaled to 2 replicas',
      ].every((text) => lines.includes(text)),
    { what: 'the lines of the original', timeoutMs: 60_000 },
  );
  const ready = async (name: string) => {
    const place = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'drift-test' };
    const live = await admin.get({ ...place, name });
    const { replicas, readyReplicas } = (live?.['status'] ?? {}) as Record<string, number>;
    return `${readyReplicas}/${replicas}`;
  };
  await eventually(
    async () => (await ready('backend-api')) === '3/3' && (await ready('frontend-web')) === '2/2',
    { what: 'both as declared' },
  );
}, 120_000);

it('drives a drift that is fixed by itself, step by step', async () => {
  const { code, stdout, stderr } = await run('test-workflow', '--environment', 'drift-test');
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^ok {4}backend-api is scaled by hand: 3 → 5 {2}\d/m);
  expect(stdout).toMatch(/^ok {4}the fix is verified: /m);
  expect(stdout).not.toContain('is approved');
  expect(stdout).toMatch(/^ {6}verify done$/m);
}, 90_000);

it('drives one that is asked about, and approves it', async () => {
  const args = ['--environment', 'drift-test', '--deployment', 'frontend-web'];
  const { code, stdout, stderr } = await run('test-workflow', ...args);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^ok {4}the question \S+ is approved/m);
}, 90_000);

it('says which step failed, why, and takes its edit back', async () => {
  const missing = await run('test-workflow', '--environment', 'moon');
  expect(missing).toMatchObject({ code: 2, stdout: '' });
  expect(missing.stderr).toContain('no environment moon; there are drift-test');
  const env = { REALIGN_URL: 'http://127.0.0.1:1' };
  const away = await runWith(env, 'test-workflow', '--environment', 'drift-test');
  expect(away).toMatchObject({ code: 2, stdout: 'FAIL  the api is ready\n' });
  expect(away.stderr).toContain('check REALIGN_URL');
}, 60_000);

it('says where things are looked at', async () => {
  const { code, stdout } = await run('view-dashboard');
  expect(code).toBe(0);
  expect(stdout).toContain(realign.url);
  expect(stdout).toContain(new URL(server.url).origin);
});

function run(script: string, ...args: readonly string[]) {
  return runWith({}, script, ...args);
}

async function runWith(env: NodeJS.ProcessEnv, script: string, ...args: readonly string[]) {
  const { PATH, HOME, XDG_CACHE_HOME } = process.env;
  const isOurs = ['deploy-test', 'test-workflow'].includes(script);
  const all = isOurs ? ['--project', PREFIX, ...args] : args;
  const command = startCommand(`${BIN}${script}`, all, {
    cwd: directory,
    env: {
      ...{ PATH, HOME, XDG_CACHE_HOME },
      CUB_API_URL: server.url,
      CUB_TOKEN: TEST_TOKEN,
      KUBECONFIG: '/nowhere',
      REALIGN_ADMIN_KUBECONFIG: adminKubeconfig,
      REALIGN_URL: realign?.url,
      REALIGN_TOKEN: TOKEN,
      ...env,
    },
  });
  const code = await command.ended;
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}

function parsed(env: NodeJS.ProcessEnv): Config {
  const read = parseConfig(JSON.stringify(CONFIG), { env });
  const amir = { name: 'amir', roles: ['approver'] as const, tokenSha256: sha256(TOKEN) };
  return { ...read, people: [amir], api: { ...read.api, port: 0 } };
}

function recordingLog(): Log {
  const write = (_fields: object, message?: string): void => void lines.push(message ?? '');
  const own: Log = { debug: write, info: write, warn: write, error: write, child: () => own };
  return own;
}
