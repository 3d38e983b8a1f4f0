import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createConfighubClient } from '../clients/confighub/index.ts';
import { createKubernetesClient } from '../clients/kubernetes/index.ts';
import { createLog } from '../lib/log.ts';
import { freePort } from '../stack/free-port.ts';
import { eventually } from '../testing/eventually.ts';
import { type RunningCommand, startCommand, stillRunning } from '../testing/running-command.ts';
import { createRest, type Rest } from './rest.ts';
import { decisionSchema, questionListSchema, recordSchema } from './wire.ts';

// `realign up` as its users start it: with nothing around, twice on the same directory.

const REALIGN = fileURLToPath(new URL('../bin/realign', import.meta.url));
const START_TIMEOUT_MS = 90_000;
const STEP_TIMEOUT_MS = 60_000;
const UNIT = `apiVersion: v1
kind: ConfigMap
metadata:
  name: greeting
data:
  word: hello
`;
const REF = {
  environment: 'acorn-bear-qa',
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  namespace: 'qa',
  name: 'greeting',
};
const RECORD = '/api/v1/drift-records/acorn-bear-qa:ConfigMap:qa:greeting';

let data: string;
let up: RunningCommand | undefined;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'realign-up-'));
});
afterAll(async () => {
  await up?.kill();
  await rm(data, { recursive: true, force: true });
});

test(
  'what the first run learnt the second one knows, and Ctrl-C ends everything each time',
  async () => {
    const first = await start();
    expect(await doctor()).toMatch(/^0 /);
    await install(first);
    await write(first, 'bye');
    const question = await openQuestion(first.rest);
    const record = await first.rest.get(RECORD, recordSchema);
    expect(record).toMatchObject({ drift_status: 'active', question_id: question.id });
    await interrupt(first);

    const second = await start();
    expect(second.table).toMatchObject({ Token: first.table['Token'] });
    const { id, digest } = question;
    expect(await openQuestion(second.rest)).toMatchObject({ id, digest });
    const kept = await second.rest.get(RECORD, recordSchema);
    expect(kept).toMatchObject({ id: record['id'], first_detected: record.first_detected });
    // The run waits in Temporal, the unit in ConfigHub, the object in the cluster: all were kept, or this would not work.
    const path = `/api/v1/questions/${question.id}/decisions`;
    const said = { decision: 'approve', digest: question.digest };
    await second.rest.post(path, decisionSchema, said);
    await eventually(
      async () => (await second.rest.get(RECORD, recordSchema)).outcome === 'fixed',
      { what: 'the fix that was approved after the restart', timeoutMs: STEP_TIMEOUT_MS },
    );
    await interrupt(second);
  },
  2 * START_TIMEOUT_MS + 3 * STEP_TIMEOUT_MS,
);

test('a port that is taken is said before anything is started', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { PATH, HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR } = process.env;
  const second = startCommand(REALIGN, ['up', '--data', join(data, 'second')], {
    cwd: data,
    env: { PATH, HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR, PORT: String(port) },
  });
  expect(await second.ended).toBe(2);
  expect(second.stderr()).toContain(`cannot listen on 127.0.0.1:${port}`);
  expect(second.stderr()).toContain('Set PORT');
  expect(second.stderr()).not.toContain('Starting');
  expect(existsSync(join(data, 'second'))).toBe(false);
  taken.close();
}, 60_000);

type Up = {
  readonly command: RunningCommand;
  /** What it printed about where things are. */
  readonly table: Readonly<Record<string, string>>;
  readonly rest: Rest;
};

async function start(): Promise<Up> {
  const port = await freePort();
  const { PATH, HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR } = process.env;
  const command = startCommand(REALIGN, ['up', '--data', join(data, 'kept')], {
    // Where there is no realign.yaml.
    cwd: data,
    env: { PATH, HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR, PORT: String(port) },
  });
  up = command;
  await command.printed(/Everything has been compared once/, START_TIMEOUT_MS);
  const rows = command.stderr().matchAll(/^ {3}(\w[\w ]*?) {2,}(\S+)/gm);
  const table = Object.fromEntries([...rows].map(([, name = '', value = '']) => [name, value]));
  expect(Object.keys(table)).toEqual(['REST', 'Token', 'Temporal UI', 'ConfigHub', 'kubeconfig']);
  expect(table['REST']).toBe(`http://127.0.0.1:${port}`);
  expect((await fetch(table['Temporal UI'] ?? '')).status).toBe(200);
  expect(command.stderr()).toContain('source kept/env ');
  const file = join(data, 'kept/env');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const exported = (await readFile(file, 'utf8')).matchAll(/^export (\w+)='(.*)'$/gm);
  const { REALIGN_URL, REALIGN_TOKEN } = Object.fromEntries(
    [...exported].map(([, name = '', value = '']) => [name, value]),
  );
  return { command, table, rest: createRest({ REALIGN_URL, REALIGN_TOKEN }) };
}

/** As the README says it, in another shell. */
async function doctor(): Promise<string> {
  const { PATH, HOME } = process.env;
  const line = `. kept/env && exec ${REALIGN} doctor`;
  const command = startCommand('sh', ['-c', line], { cwd: data, env: { PATH, HOME } });
  const code = await command.ended;
  return `${code} ${command.stdout()}${command.stderr()}`;
}

async function interrupt({ command }: Up): Promise<void> {
  const processes = await command.processes();
  // Launcher, realign, guardian, Postgres, Temporal, etcd and the API server at the least.
  expect(processes.length).toBeGreaterThanOrEqual(7);
  command.interrupt();
  expect(await command.ended, command.stderr()).toBe(0);
  expect(await stillRunning(processes)).toEqual([]);
}

/** A unit in the space that `up` made, applied to the cluster that it started. */
async function install({ command, table }: Up): Promise<void> {
  const [, token = ''] = /CUB_TOKEN=(\w[\w-]*)\)/.exec(command.stderr()) ?? [];
  const hub = createConfighubClient({
    url: table['ConfigHub'] ?? '',
    token,
    dialect: 'auto',
    log: createLog('silent'),
  });
  const space = await hub.findSpace('acorn-bear-qa');
  if (!space) throw new Error('there is no space acorn-bear-qa');
  const [target] = await hub.listTargets(space.spaceId);
  const unit = await hub.createUnit(space.spaceId, {
    slug: 'greeting',
    data: UNIT,
    ...(target && { targetId: target.targetId }),
  });
  const { operationId } = await hub.applyUnit(unit);
  await hub.waitForOperation(unit, operationId, { timeoutMs: STEP_TIMEOUT_MS });
}

async function write({ table }: Up, word: string): Promise<void> {
  const kubeconfig = table['kubeconfig'] ?? '';
  const admin = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
  try {
    const operation = { op: 'replace', path: '/data/word', value: word } as const;
    await admin.jsonPatch(REF, [operation], { fieldManager: 'kubectl-edit' });
  } finally {
    admin.close();
  }
}

function openQuestion(rest: Rest) {
  return eventually(
    async () => (await rest.get('/api/v1/questions', questionListSchema)).questions[0],
    { what: 'a question', timeoutMs: STEP_TIMEOUT_MS },
  );
}
