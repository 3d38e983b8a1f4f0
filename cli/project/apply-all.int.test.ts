import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Unit } from '../../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../../clients/kubernetes/index.ts';
import { type Config, parseConfig } from '../../lib/config.ts';
import { sha256 } from '../../lib/digest.ts';
import { createLog } from '../../lib/log.ts';
import {
  startTestConfighub,
  TEST_TOKEN,
  type TestConfighub,
} from '../../testing/confighub-server.ts';
import { eventually } from '../../testing/eventually.ts';
import { testCluster, testPostgres, testTemporal } from '../../testing/stack.ts';
import { ALL_ROLES, type Realign, startRealign } from '../../workers/realign.ts';
import { installRuntime } from '../../workers/worker.ts';
import type { Project } from '../project.ts';
import { createRest, type Rest } from '../rest.ts';
import { decisionSchema, questionSchema } from '../wire.ts';
import { runApplyAll } from './apply-all.ts';

// apply-all beside a Realign that watches the environment: what is live there changes only as its question is answered.

const PREFIX = `apply-${process.pid}`;
const SPACE = `${PREFIX}-prod`;
const TOKEN = 'the-token-of-amir-who-approves';
const CONFIG = {
  environments: [{ name: 'prod', source: { space: SPACE }, defaultNamespace: SPACE }],
  resources: ['configmaps'],
  confighub: { refresh: '500ms' },
  temporal: { taskQueue: PREFIX },
  autoFix: true,
  // Nobody would be asked within this test.
  pending: { grace: '1h' },
  settle: { quiet: '50ms', max: '1s' },
  policies: [{ name: 'production', outcome: 'ask', unknownAuthor: 'allow' }],
};

const controller = new AbortController();
const log = createLog('silent');
let server: TestConfighub;
let admin: KubernetesClient;
let config: Config;
let readOnly: string;
let realign: Realign;
let rest: Rest;
let said: string[] = [];

beforeAll(async () => {
  installRuntime(log);
  const [{ kubeconfigs }, temporal, postgres] = await Promise.all([
    testCluster(),
    testTemporal(),
    testPostgres(),
  ]);
  server = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
  readOnly = kubeconfigs.realign;
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'test' });
  const env = {
    ...{ DATABASE_URL: postgres.url, TEMPORAL_ADDRESS: temporal.address },
    ...{ CUB_API_URL: server.url, CUB_TOKEN: TEST_TOKEN, KUBECONFIG: kubeconfigs.realign },
  };
  const read = parseConfig(JSON.stringify(CONFIG), { env });
  const amir = { name: 'amir', roles: ['approver'] as const, tokenSha256: sha256(TOKEN) };
  config = { ...read, people: [amir], api: { ...read.api, port: 0 } };
  await declareUnits();
  realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
  await realign.ready;
  rest = createRest({ REALIGN_URL: realign.url, REALIGN_TOKEN: TOKEN });
}, 120_000);
afterAll(async () => {
  controller.abort();
  await realign?.stop();
  admin?.close();
  await server?.close();
});

it('puts there what never was live only after a yes: there is nothing to compare it with', async () => {
  await expect(applyAll()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  expect(await live('word')).toBeUndefined();
  await applyAll({ yes: true });
  expect(said.at(-1)).toBe(`3 units of ${SPACE} applied`);
  expect(await live('word')).toBe('hello');
}, 60_000);

it('waits for no question about what Realign does not watch', async () => {
  await write('reader', role('list'));
  let looks = 0;
  const get: Rest['get'] = (path, ...more) => {
    if (path === '/api/v1/drift-records') looks += 1;
    return rest.get(path, ...more);
  };
  await applyAll({ yes: true, rest: { ...rest, get } });
  expect(said).toContain(
    `${SPACE}/reader (revision 1 is live, revision 2 declared) needs your yes`,
  );
  expect(looks).toBe(1);
}, 60_000);

it('has a change of what is live asked about, and leaves it until somebody approves', async () => {
  await write('greeting', configMap('greeting', 'bye'));
  // Nothing of it is watched, so there is no question to be had.
  await write('reader', role('watch'));
  await eventually(
    async () => {
      await applyAll({ dryRun: true });
      return said.some((line) => line.includes('data.word: hello → bye'));
    },
    { what: 'the plan, once Realign has seen the change', timeoutMs: 60_000 },
  );
  expect(await live('word')).toBe('hello');

  await expect(applyAll()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  expect(said).toContain(
    `${SPACE}/reader (revision 2 is live, revision 3 declared) needs your yes`,
  );
  await applyAll({ yes: true });
  expect(said.at(-1)).toBe(`1 units of ${SPACE} applied`);
  expect(await live('word')).toBe('hello');
  const waits = said.find((line) => line.startsWith(`${SPACE}/greeting`)) ?? '';
  const id = /waits: realign approve (\S+)$/.exec(waits)?.[1] ?? waits;

  const { digest } = await rest.get(`/api/v1/questions/${id}`, questionSchema);
  await rest.post(`/api/v1/questions/${id}/decisions`, decisionSchema, {
    decision: 'approve',
    digest,
  });
  await eventually(async () => (await live('word')) === 'bye', {
    what: 'the approved change',
    timeoutMs: 60_000,
  });
}, 180_000);

function applyAll({ dryRun = false, yes = false, rest: doors = rest } = {}): Promise<void> {
  said = [];
  const project: Project = {
    ...{ hub: server.hub, url: server.url, prefix: PREFIX, dryRun },
    // It may read; nothing is written past ConfigHub.
    cluster: () => createKubernetesClient({ kubeconfig: readOnly, userAgent: 'test' }),
    say: (line) => said.push(line),
  };
  const confirm = async () => yes;
  return runApplyAll(project, 'prod', { appOnly: true, env: {}, config, rest: doors, confirm });
}

async function declareUnits(): Promise<void> {
  const { hub } = server;
  const { spaceId } = await hub.createSpace({ slug: SPACE });
  const { targetId } = await hub.createTarget(spaceId, {
    slug: 'cluster',
    parameters: { KubeNamespace: SPACE },
  });
  const units = {
    namespace: `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${SPACE}}\n`,
    greeting: configMap('greeting', 'hello'),
    reader: role('get'),
  };
  for (const [slug, data] of Object.entries(units)) {
    await hub.createUnit(spaceId, { slug, data, targetId });
  }
}

function configMap(name: string, word: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {word: ${word}}\n`;
}

function role(verb: string): string {
  return `apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader}\nrules:\n  - {apiGroups: [''], resources: [configmaps], verbs: [${verb}]}\n`;
}

async function write(slug: string, data: string): Promise<void> {
  const { hub } = server;
  const space = await hub.findSpace(SPACE);
  const unit: Unit | undefined = space && (await hub.findUnit(space.spaceId, slug));
  if (!unit) throw new Error(`no unit ${slug}`);
  await hub.writeData(unit, data);
}

async function live(key: string): Promise<unknown> {
  const place = { group: '', version: 'v1', kind: 'ConfigMap', namespace: SPACE, name: 'greeting' };
  const data = (await admin.get(place))?.['data'];
  return (data as Record<string, unknown> | undefined)?.[key];
}
