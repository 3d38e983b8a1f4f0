import { readFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoConfig, installDemo, newTokens } from '../cli/demo/stage.ts';
import {
  createKubernetesClient,
  type JsonPatchOperation,
  type KubernetesClient,
} from '../clients/kubernetes/index.ts';
import type { Episode } from '../drift/decide/record.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { eventually } from '../testing/eventually.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';

// `confirm: dry-run` on real parts: the API server says what an apply would change before a fix, and before anyone is asked.

const NAMESPACE = 'acorn-bear-dev';
const CANARY = 'canary-91c4-in-the-vault';
const SECRET = `apiVersion: v1\nkind: Secret\nmetadata: { name: vault }\nstringData: { password: ${CANARY} }\n`;
const log = createLog('silent');
const controller = new AbortController();
let embedded: Embedded;
let realign: Realign;
let admin: KubernetesClient;

beforeAll(async () => {
  embedded = await startEmbedded({ log });
  await installDemo(embedded, log);
  const demo = demoConfig(embedded, newTokens());
  const resources = [...demo.resources, 'secrets'];
  const config = { ...demo, resources, confirm: 'dry-run' as const };
  realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
  await realign.ready;
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
  admin = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
  for (const name of ['canonical', 'frozen', 'misspelt', 'guarded']) await declare(name);
  await declare('vault', SECRET);
  await admit({
    kind: 'MutatingAdmissionPolicy',
    name: 'canonical',
    spec: {
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: UPPER_CASE } }],
    },
  });
  await admit({
    kind: 'ValidatingAdmissionPolicy',
    name: 'guarded',
    spec: {
      validations: [
        { expression: "request.userInfo.username != 'realign-repair'", reason: 'Forbidden' },
      ],
    },
    binding: { validationActions: ['Deny'] },
  });
  await admit({
    kind: 'ValidatingAdmissionPolicy',
    name: 'vault',
    spec: {
      validations: [
        {
          expression: "request.userInfo.username != 'realign-repair'",
          messageExpression: "'refused: ' + string(object.data['password'])",
        },
      ],
    },
    binding: { validationActions: ['Deny'] },
  });
}, 180_000);

afterAll(async () => {
  controller.abort();
  admin?.close();
  await realign?.stop();
  await embedded?.stop();
});

/** As a webhook that knows one way to write a value. */
const UPPER_CASE =
  '[JSONPatch{op: "replace", path: "/data/mode", value: object.data["mode"].upperAscii()}]';

it('takes for no drift what the cluster makes of desired state, and remembers it', async () => {
  const isRewriting = async () => {
    const object = { ...configMap('canonical'), data: { mode: 'quiet' } };
    const options = { fieldManager: 'probe', force: true, dryRun: true };
    return JSON.stringify(await admin.applyServerSide(object, options)).includes('QUIET');
  };
  await eventually(isRewriting, { what: 'the policy to rewrite', timeoutMs: 30_000 });
  await edit('canonical', [{ op: 'replace', path: '/data/mode', value: 'QUIET' }]);
  const none = await outcomeOf('canonical', 'transient');
  expect(none.finding?.changes).toMatchObject([{ path: 'data.mode', who: 'kubectl-edit' }]);
  expect(none.message).toContain('data.mode');
  const steps = await stepsOf(none);
  expect(steps).toContain('confirm');
  expect(steps).not.toContain('plan');

  await edit('canonical', [{ op: 'replace', path: '/data/level', value: 'by hand' }]);
  const fixed = await outcomeOf('canonical', 'fixed');
  expect(fixed.finding?.changes).toMatchObject([{ path: 'data.level' }]);
  expect(await stepsOf(fixed)).toContain('confirm');
  expect(await dataOf('canonical')).toEqual({ mode: 'QUIET', level: 'low' });
}, 120_000);

it('asks about what an apply cannot repair, saying so', async () => {
  await edit('frozen', [
    { op: 'replace', path: '/data/level', value: 'high' },
    { op: 'add', path: '/immutable', value: true },
  ]);
  const question = await questionAbout('frozen');
  expect(question.because).toBe(
    'an apply cannot repair it: the API server would refuse to set data',
  );
  expect(question.summary).toContain(question.because);
}, 60_000);

it('asks where the dry run is refused, saying so', async () => {
  await isDenied(configMap('guarded'), 'denied');
  await edit('guarded', [{ op: 'replace', path: '/data/level', value: 'high' }]);
  const question = await questionAbout('guarded');
  expect(question.because).toMatch(/^not confirmed: the identity for repairs may not apply it/);
  expect(await dataOf('guarded')).toMatchObject({ level: 'high' });
}, 60_000);

it('fixes nothing by a unit that the API server does not understand', async () => {
  const { hub } = realign.parts;
  const space = await hub.findSpace(NAMESPACE);
  const unit = space && (await hub.findUnit(space.spaceId, 'misspelt'));
  if (!unit) throw new Error('no unit');
  await hub.writeData(unit, `${manifest('misspelt')}dataa: { level: low }\n`);
  await edit('misspelt', [{ op: 'replace', path: '/data/level', value: 'high' }]);
  const failed = await outcomeOf('misspelt', 'failed');
  expect(failed.message).toContain('the API server does not know dataa. Correct the unit.');
  expect(await stepsOf(failed)).not.toContain('applyUnit');
  expect(await dataOf('misspelt')).toMatchObject({ level: 'high' });
}, 60_000);

it('passes no value on that a refusal quotes', async () => {
  const secret = { ...configMap('vault'), kind: 'Secret', stringData: { password: CANARY } };
  await isDenied(secret, 'refused: ');
  const value = Buffer.from('by hand').toString('base64');
  await edit('vault', [{ op: 'replace', path: '/data/password', value }], 'Secret');
  const question = await questionAbout('vault');
  expect(question.summary).toContain('; an apply cannot repair it: ');
  const { client } = realign.parts.temporal;
  const history = await client.workflow.getHandle(question.workflowId).fetchHistory();
  const steps = await realign.parts.store.episodes.listSteps(question.episodeId);
  const payloads = historyToJSON(history).replaceAll(
    /"data":\s*"([A-Za-z0-9+/=]+)"/g,
    (_all, data: string) => Buffer.from(data, 'base64').toString('utf8'),
  );
  const kept = [payloads, JSON.stringify(steps), JSON.stringify(question)].join();
  expect(kept).toContain('an apply cannot repair it');
  expect(kept).not.toContain(CANARY);
  expect(kept).not.toContain(Buffer.from(CANARY).toString('base64'));
}, 60_000);

it('writes nothing under the second identity', () => {
  const lines = readFileSync(embedded.stack.kubernetes?.auditLogPath ?? '', 'utf8').split('\n');
  const repairs = lines
    .filter((line) => line.includes('"realign-repair"'))
    .map((line) => JSON.parse(line))
    .filter((event) => event.verb === 'patch' && event.user.username === 'realign-repair');
  expect(repairs.length).toBeGreaterThan(0);
  for (const event of repairs) expect(event.requestURI).toContain('dryRun=All');
});

/** Once the policy about an object denies the second identity's dry runs with these words. */
async function isDenied(object: KubeObject, words: string): Promise<void> {
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs['realign-repair'] ?? '';
  const asRepair = await createKubernetesClient({ kubeconfig, userAgent: 'probe' });
  const options = { fieldManager: 'probe', force: true, dryRun: true };
  const denied = () =>
    asRepair.applyServerSide(object, options).then(
      () => false,
      (error: unknown) => String(error).includes(words),
    );
  try {
    await eventually(denied, { what: 'the policy to deny', timeoutMs: 30_000 });
  } finally {
    asRepair.close();
  }
}

function manifest(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { mode: quiet, level: low }\n`;
}

function configMap(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE } };
}

function refOf(name: string, kind = 'ConfigMap'): ResourceRef {
  return { environment: 'dev', group: '', version: 'v1', kind, namespace: NAMESPACE, name };
}

/** A unit of one object, applied, whose drift is fixed without asking. */
async function declare(name: string, data = manifest(name)): Promise<void> {
  const { hub } = realign.parts;
  const space = await hub.findSpace(NAMESPACE);
  if (!space) throw new Error('no space');
  const [target] = await hub.listTargets(space.spaceId);
  const unit = await hub.createUnit(space.spaceId, {
    slug: name,
    labels: { 'auto-correctable': 'true' },
    ...(target && { targetId: target.targetId }),
    data,
  });
  const { operationId } = await hub.applyUnit(unit);
  await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
}

/** A policy about the object of its name, carried out by the API server itself. */
async function admit({
  kind,
  name,
  spec,
  binding = {},
}: {
  readonly kind: string;
  readonly name: string;
  readonly spec: object;
  readonly binding?: object;
}): Promise<void> {
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'] };
  const resourceRules = [{ ...rule, resources: ['configmaps', 'secrets'], resourceNames: [name] }];
  const head = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name } };
  const policy = { failurePolicy: 'Fail', matchConstraints: { resourceRules }, ...spec };
  const options = { fieldManager: 'admission', force: true };
  await admin.applyServerSide({ ...head, kind, spec: policy }, options);
  const bound = { policyName: name, ...binding };
  await admin.applyServerSide({ ...head, kind: `${kind}Binding`, spec: bound }, options);
}

async function edit(
  name: string,
  operations: readonly JsonPatchOperation[],
  kind = 'ConfigMap',
): Promise<void> {
  await admin.jsonPatch(refOf(name, kind), operations, { fieldManager: 'kubectl-edit' });
}

async function dataOf(name: string): Promise<unknown> {
  return (await admin.get(refOf(name)))?.['data'];
}

/** The last episode of a resource, once it stands so. */
function outcomeOf(name: string, outcome: string): Promise<Episode> {
  return eventually(
    async () => {
      const [last] = await realign.parts.store.episodes.listFor(refOf(name), 1);
      if (last?.outcome !== outcome) throw new Error(`${last?.outcome}: ${last?.message}`);
      return last;
    },
    { what: `${name} is ${outcome}`, timeoutMs: 45_000 },
  );
}

function questionAbout(name: string) {
  return eventually(
    async () => {
      const open = await realign.parts.store.questions.list({ status: 'open', limit: 100 });
      return open.find((one) => one.ref?.name === name);
    },
    { what: `a question about ${name}`, timeoutMs: 45_000 },
  );
}

async function stepsOf({ episodeId }: Episode): Promise<readonly string[]> {
  const steps = await realign.parts.store.episodes.listSteps(episodeId);
  return steps.map((one) => one.step);
}
