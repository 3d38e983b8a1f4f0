import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeDecision } from '../api/decide.ts';
import {
  createKubernetesClient,
  type JsonPatchOperation,
  type KubernetesClient,
} from '../clients/kubernetes/index.ts';
import { compareLive } from '../desired/compare-live.ts';
import { DEFAULT_APPLIERS } from '../drift/compare/managers.ts';
import type { Episode } from '../drift/decide/record.ts';
import { type KubeObject, type ResourceRef, refOf, resourceKey } from '../drift/resource-ref.ts';
import { parseConfig } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { migrate } from '../store/index.ts';
import { startTestConfighub, TEST_TOKEN, type TestConfighub } from '../testing/confighub-server.ts';
import { type CorpusEdit, nameOf, readEdits } from '../testing/corpus.ts';
import { forEach, installCorpus } from '../testing/corpus-cluster.ts';
import { eventually } from '../testing/eventually.ts';
import { testCluster, testPostgres, testTemporal } from '../testing/stack.ts';
import { createDecisionDoor } from '../workers/doors.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';
import { installRuntime } from '../workers/worker.ts';

// Every kind of drift, made on a real API server, is put right by the workflow: nothing differs afterwards. What cannot be put
// right is said so, with the reason; it is never called fixed with a rest.

const ENVIRONMENT = 'repair';
const FIX_TIMEOUT_MS = 60_000;
const EDITOR = { fieldManager: 'kubectl-edit' };

let run: string;
let confighub: TestConfighub;
let admin: KubernetesClient;
let realign: Realign;
let objects: readonly KubeObject[];
const controller = new AbortController();

beforeAll(async () => {
  const [cluster, temporal, postgres] = await Promise.all([
    testCluster(),
    testTemporal(),
    testPostgres({ name: 'realign', prepare: migrate }),
  ]);
  const { kubeconfigs } = cluster;
  run = await cluster.namespace();
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'test' });
  confighub = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
  objects = await installCorpus(confighub.hub, admin, run);
  const kinds = new Set(objects.map(({ apiVersion, kind }) => `${apiVersion}/${kind}`));
  const config = {
    environments: [{ name: ENVIRONMENT, source: { space: run }, defaultNamespace: run }],
    resources: [...kinds],
    temporal: { taskQueue: run },
    settle: { quiet: '20ms', max: '1s' },
    api: { port: 1 },
    residue: 'patch',
    policies: [{ name: 'all', outcome: 'auto' }],
    guards: {
      blast: { enabled: false },
      backOff: { enabled: false },
      fight: { enabled: false },
      hold: '0s',
    },
  };
  const env = {
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    CUB_API_URL: confighub.url,
    CUB_TOKEN: TEST_TOKEN,
    // The corpus has kinds beyond those that the shipped roles open.
    KUBECONFIG: kubeconfigs.admin,
    REALIGN_REPAIR_KUBECONFIG: kubeconfigs.admin,
  };
  const log = createLog('silent');
  installRuntime(log);
  const parsed = parseConfig(JSON.stringify(config), { env });
  realign = await startRealign({
    config: { ...parsed, api: { ...parsed.api, port: 0 } },
    log,
    roles: ALL_ROLES,
    signal: controller.signal,
  });
  await realign.ready;
}, 240_000);

afterAll(async () => {
  controller.abort();
  await realign?.stop();
  admin?.close();
  await confighub?.close();
});

type Operation = JsonPatchOperation;

/** What one edit came to: `fixed` and nothing else, or what was said. */
type Repair = { readonly edit: string; readonly said: string; readonly rest: readonly string[] };

async function repair(object: KubeObject, edit: readonly Operation[] | 'delete'): Promise<Repair> {
  const ref = refOf(ENVIRONMENT, object);
  const before = await newestEpisode(ref);
  const words = edit === 'delete' ? ['delete'] : edit.map(({ op, path }) => `${op} ${path}`);
  const name = `${nameOf(object)} ${words.join(', ')}`;
  if (edit === 'delete') await admin.delete(ref);
  else await admin.jsonPatch(ref, edit, EDITOR);
  const said = await repaired(ref, before, name).then(
    ({ outcome, message }) => `${outcome}: ${message}`,
    String,
  );
  return { edit: name, said, rest: await differences(object) };
}

const AT_REST: ReadonlySet<Episode['outcome']> = new Set(['fixed', 'partly-fixed', 'failed']);

/** The episode of the edit, once it is at rest; what is reserved for people is approved by one. */
function repaired(ref: ResourceRef, before: Episode | undefined, what: string): Promise<Episode> {
  return eventually(
    async () => {
      const newest = await newestEpisode(ref);
      const isNew = newest && newest.episodeId !== before?.episodeId;
      if (isNew && newest.outcome === 'waiting') await approve(ref);
      if (isNew && AT_REST.has(newest.outcome)) return newest;
      throw new Error(`${newest?.outcome}: ${newest?.message}`);
    },
    { timeoutMs: FIX_TIMEOUT_MS, what },
  );
}

async function approve(ref: ResourceRef): Promise<void> {
  const { store, metrics, temporal } = realign.parts;
  const question = await store.questions.openFor(ref);
  if (!question || question.approvals.length > 0) return;
  const person = { name: 'ann', roles: ['approver'], tokenSha256: '' } as const;
  const said = { decision: 'approve', digest: question.digest, reason: 'a test' } as const;
  const deps = { store, metrics, decisions: createDecisionDoor(temporal) };
  await takeDecision(deps, question, said, { person, door: 'rest' });
}

async function newestEpisode(ref: ResourceRef): Promise<Episode | undefined> {
  const [newest] = await realign.parts.store.episodes.listFor(ref, 1);
  return newest;
}

/** Looked at by the comparison alone, past everything that remembers what was applied. */
async function differences(object: KubeObject): Promise<readonly string[]> {
  const ref = refOf(ENVIRONMENT, object);
  const environment = realign.parts.environments.get(ENVIRONMENT);
  const { objects: declared } = (await environment?.source.load()) ?? {};
  const desired = declared?.get(resourceKey(ref));
  const live = await admin.get(ref);
  if (!desired || !live) return [desired ? 'it is not there' : 'it is not declared'];
  const { changes } = compareLive(desired, live, { appliers: DEFAULT_APPLIERS });
  return changes.map(({ path, op }) => `${path} ${op}`);
}

/** A `test` operation only says that the edit before it is found at two paths. */
function oneByOne(edits: readonly CorpusEdit[]): readonly (readonly Operation[])[] {
  return edits.flatMap(({ found: _found, ...edit }) => (edit.op === 'test' ? [] : [[edit]]));
}

/** Made beside the edits of the corpus, which change one field each: what is taken away, exchanged or spread over fields. */
const MORE: Readonly<Record<string, readonly (readonly Operation[])[]>> = {
  'Deployment/d-everything': [
    [{ op: 'remove', path: '/spec/template/spec/containers/0/livenessProbe' }],
    [{ op: 'remove', path: '/spec/template/spec/containers/0/ports/1' }],
    [{ op: 'remove', path: '/spec/template/spec/securityContext' }],
    [{ op: 'remove', path: '/spec/template/spec/affinity' }],
    [{ op: 'replace', path: '/spec/template/spec/containers/0/ports/0/containerPort', value: 81 }],
  ],
  'Deployment/d-awkward': [
    [{ op: 'remove', path: '/spec/template/spec/containers/1/resources' }],
    [{ op: 'remove', path: '/spec/template/spec/containers/0' }],
    [
      { op: 'replace', path: '/spec/replicas', value: 9 },
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'other:2' },
      { op: 'add', path: '/metadata/labels', value: { by: 'hand' } },
    ],
  ],
  'Service/svc-min': [[{ op: 'replace', path: '/spec/ports/0/port', value: 8083 }]],
  'StatefulSet/s-full': [[{ op: 'replace', path: '/spec/replicas', value: 0 }]],
};

describe('every edit of the corpus', () => {
  it('is put right', async () => {
    const edits = readEdits(run);
    const repairs: Repair[] = [];
    await forEach(objects, async (object) => {
      const name = nameOf(object);
      for (const edit of [...oneByOne(edits.get(name) ?? []), ...(MORE[name] ?? [])]) {
        repairs.push(await repair(object, edit));
      }
    });
    expect(repairs.filter(isUnlikeFixed)).toEqual([]);
  }, 400_000);
});

/** Deleting these deletes others of the corpus with them, or waits for a controller that only a whole cluster has. */
const STAYS: ReadonlySet<string> = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'PersistentVolume',
  'PersistentVolumeClaim',
  // Without a word about their pods these wait for the garbage collector.
  'Job',
  'ReplicationController',
]);

describe('every object of the corpus that is deleted', () => {
  it('is made again', async () => {
    const repairs: Repair[] = [];
    await forEach(
      objects.filter((one) => !STAYS.has(one.kind)),
      async (object) => void repairs.push(await repair(object, 'delete')),
    );
    expect(repairs.filter(isUnlikeFixed)).toEqual([]);
  }, 400_000);
});

function isUnlikeFixed({ said, rest }: Repair): boolean {
  return !said.startsWith('fixed:') || rest.length > 0;
}
