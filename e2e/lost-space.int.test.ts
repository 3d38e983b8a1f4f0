import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { parseConfig } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import { startTestConfighub, TEST_TOKEN, type TestConfighub } from '../testing/confighub-server.ts';
import { eventually } from '../testing/eventually.ts';
import { testCluster, testPostgres, testTemporal } from '../testing/stack.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';
import { installRuntime } from '../workers/worker.ts';

// Somebody deletes the space of an environment beside a Realign that watches it, as `realign cleanup` does.

const SPACE = `lost-${process.pid}`;
const REF = { group: '', version: 'v1', kind: 'ConfigMap', namespace: SPACE, name: 'greeting' };
const UNITS = {
  namespace: `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${SPACE}}\n`,
  greeting: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: greeting}\ndata: {word: hello}\n`,
};
const WAITING = 'waiting for the source of desired state';

type Line = { readonly level: string; readonly fields: object; readonly message: string };
const lines: Line[] = [];
const controller = new AbortController();
let server: TestConfighub;
let admin: KubernetesClient;
let realign: Realign;

beforeAll(async () => {
  const log = keepingLog();
  installRuntime(log);
  const [{ kubeconfigs }, temporal, postgres] = await Promise.all([
    testCluster(),
    testTemporal(),
    testPostgres(),
  ]);
  server = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'kubectl' });
  const env = {
    ...{ DATABASE_URL: postgres.url, TEMPORAL_ADDRESS: temporal.address },
    ...{ CUB_API_URL: server.url, CUB_TOKEN: TEST_TOKEN, KUBECONFIG: kubeconfigs.realign },
  };
  const text = JSON.stringify({
    environments: [{ name: 'prod', source: { space: SPACE }, defaultNamespace: SPACE }],
    ...{ resources: ['configmaps'], confighub: { refresh: '200ms' } },
    ...{ temporal: { taskQueue: SPACE }, settle: { quiet: '50ms', max: '1s' } },
    policies: [{ name: 'production', outcome: 'ask' }],
  });
  const config = parseConfig(text, { env });
  await declare();
  realign = await startRealign({
    ...{ config: { ...config, api: { ...config.api, port: 0 } }, log, roles: ALL_ROLES },
    signal: controller.signal,
  });
  await realign.ready;
}, 120_000);

afterAll(async () => {
  controller.abort();
  await realign?.stop();
  admin?.close();
  await server?.close();
});

it('says so once, with what to do, and goes on when the space is there again', async () => {
  const { hub } = server;
  await edit('one');
  await until('the question', async () => (await status()) === 'waiting');
  const space = await hub.findSpace(SPACE);
  await hub.deleteSpace(space?.spaceId ?? '');
  await until('the message', () => lines.some(({ message }) => message === WAITING));
  // Its run looks again, and finds no space.
  await edit('two');
  await until('an attempt', () =>
    lines.some(({ level, message }) => level === 'debug' && message.includes('attempt failed')),
  );
  const loud = lines.filter(
    (line) => /^(warn|error)$/.test(line.level) && /not.found|no space/i.test(JSON.stringify(line)),
  );
  expect(loud).toEqual([
    {
      ...{ level: 'warn', message: WAITING },
      fields: expect.objectContaining({
        reason: `ConfigHub has no space ${SPACE} any more`,
        repair: expect.stringContaining('Make the space again'),
      }),
    },
  ]);

  await declare();
  await until('the end of the drift', async () => (await status()) === undefined);
  await edit('three');
  await until('another question', async () => (await status()) === 'waiting');
}, 180_000);

async function declare(): Promise<void> {
  const { hub } = server;
  const { spaceId } = await hub.createSpace({ slug: SPACE });
  const parameters = { KubeNamespace: SPACE };
  const { targetId } = await hub.createTarget(spaceId, { slug: 'cluster', parameters });
  for (const [slug, data] of Object.entries(UNITS)) {
    const unit = await hub.createUnit(spaceId, { slug, data, targetId });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: 60_000 });
  }
}

async function edit(word: string): Promise<void> {
  const patch = [{ op: 'replace', path: '/data/word', value: word }] as const;
  await admin.jsonPatch(REF, patch, { fieldManager: 'kubectl-edit' });
}

/** Of the drift, while there is one. */
async function status(): Promise<string | undefined> {
  const { items } = await realign.parts.store.records.list({ status: 'active', limit: 1 });
  return items[0]?.outcome;
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(isSo, { what, timeoutMs: 60_000 });
}

function keepingLog(): Log {
  const keep = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const levels = { debug: keep('debug'), info: keep('info') };
  const log: Log = { ...levels, warn: keep('warn'), error: keep('error'), child: () => log };
  return log;
}
