import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../clients/kubernetes/index.ts';
import { isNamespacedBuiltIn } from '../../desired/cluster-scoped.ts';
import { compareLive } from '../../desired/compare-live.ts';
import { createConfighubSource } from '../../desired/confighub.ts';
import { createCustomSchemas } from '../../desired/custom-schemas.ts';
import { createLog } from '../../lib/log.ts';
import { startTestConfighub, type TestConfighub } from '../../testing/confighub-server.ts';
import { nameOf, readCorpus, readEdits } from '../../testing/corpus.ts';
import {
  forEach,
  installCorpus,
  placed,
  waitForCustomKinds,
  writeInOrder,
} from '../../testing/corpus-cluster.ts';
import { createObjectWriters, type ObjectWriters } from '../../testing/object-writers.ts';
import { type TestCluster, testCluster } from '../../testing/stack.ts';
import { type KubeObject, refOf, resourceKey } from '../resource-ref.ts';
import { type CompareContext, type Comparison, compare } from './compare.ts';
import { type CompiledDesired, compileDesired } from './compile.ts';
import { DEFAULT_APPLIERS } from './managers.ts';

/** Every manifest of the corpus is right as it stands: whichever way it came to the cluster, nothing has drifted. */

const execute = promisify(execFile);

let cluster: TestCluster;
let admin: KubernetesClient;
let writers: ObjectWriters;
let confighub: TestConfighub;
const written: KubeObject[] = [];

beforeAll(async () => {
  cluster = await testCluster();
  const { url, ca, tokens, kubeconfigs } = cluster;
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'test' });
  writers = createObjectWriters(admin, { url, ca, token: tokens.admin });
  confighub = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
});

afterAll(async () => {
  await forEach(
    written.filter((object) => !isNamespacedBuiltIn(refOf('', object))),
    async (object) => void (await admin.delete(refOf('', object))),
  );
  writers?.close();
  admin?.close();
  await confighub?.close();
});

/** What was written, and how it is compared where that way was taken. */
type Scene = {
  readonly run: string;
  readonly objects: readonly KubeObject[];
  /** By every knowledge of what was applied that a caller of `compare` may have. */
  compare(object: KubeObject, live: KubeObject): readonly Comparison[];
};

const WAYS: Readonly<Record<string, (run: string) => Promise<Scene>>> = {
  'client-side apply': (run) => writtenOneByOne(run, (object) => writers.clientSideApply(object)),
  'server-side apply': (run) => writtenOneByOne(run, (object) => writers.serverSideApply(object)),
  create: (run) => writtenOneByOne(run, (object) => writers.create(object)),
  replace: (run) => writtenOneByOne(run, (object) => writers.replace(object)),
  'client-side apply, then server-side apply': (run) =>
    writtenOneByOne(run, async (object) => {
      await writers.clientSideApply(object);
      await writers.serverSideApply(object);
    }),
  'the ConfigHub server': writtenByConfighub,
  ...((await hasKubectl()) && { 'kubectl itself': writtenByKubectl }),
};

describe.each(Object.entries(WAYS))('the corpus through %s', (_way, write) => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await write(await cluster.namespace());
    written.push(...scene.objects);
  });

  it('shows no drift', async () => {
    const found: string[] = [];
    await forEach(scene.objects, async (object) => {
      const live = await read(object);
      for (const comparison of scene.compare(object, live)) {
        const name = nameOf(object);
        if (comparison.serverRewritten > 0) found.push(`${name} was rewritten`);
        for (const { path, op, desired, live, who } of comparison.changes) {
          found.push(`${name} ${path} ${op} ${JSON.stringify({ desired, live, who })}`);
        }
      }
    });
    expect(found.toSorted()).toEqual([]);
  });

  it('shows no drift of what is exported and declared as it is', async () => {
    const found: string[] = [];
    await forEach(scene.objects, async (object) => {
      const live = await read(object);
      const { changes } = compare(compileDesired(live), live, { appliers: DEFAULT_APPLIERS });
      found.push(...changes.map(({ path, op }) => `${nameOf(object)} ${path} ${op}`));
    });
    expect(found.toSorted()).toEqual([]);
  });

  it('shows each edit of a declared field, and nothing else', async () => {
    const edits = readEdits(scene.run);
    const expected: string[] = [];
    const found: string[] = [];
    await forEach(scene.objects, async (object) => {
      const name = nameOf(object);
      const edit = edits.get(name) ?? [];
      expected.push(...edit.map(({ found: path }) => `${name} ${path}`));
      const operations = edit.map(({ found: _path, ...operation }) => operation);
      const manager = { fieldManager: 'kubectl-edit' };
      await admin
        .jsonPatch(refOf('', object), operations, manager)
        .catch((error: unknown) => found.push(String(error)));
      const live = await read(object);
      const [first, ...others] = scene.compare(object, live);
      for (const other of others) expect(pathsOf(other), name).toEqual(pathsOf(first));
      for (const path of pathsOf(first)) found.push(`${name} ${path}`);
    });
    expect(found.toSorted()).toEqual(expected.toSorted());
  });
});

describe('the corpus', () => {
  it('is large, and has an edit for each manifest', () => {
    const entries = readCorpus('x').flat();
    expect(entries.length).toBeGreaterThanOrEqual(60);
    expect([...readEdits('x').keys()].toSorted()).toEqual(
      entries.map(({ object }) => nameOf(object)).toSorted(),
    );
  });
});

const pathsOf = (comparison: Comparison | undefined) =>
  (comparison?.changes ?? []).map(({ path }) => path).toSorted();

async function read(object: KubeObject): Promise<KubeObject> {
  const live = await admin.get(refOf('', object));
  if (!live) throw new Error(`${object.kind} ${object.metadata.name} is not there`);
  return live;
}

async function writtenOneByOne(
  run: string,
  write: (object: KubeObject) => Promise<void>,
): Promise<Scene> {
  const objects = await writeInOrder(admin, run, ({ object }) => write(object));
  return { run, objects, compare: compareAsApplied };
}

/** With and without knowing what was applied last. */
function compareAsApplied(object: KubeObject, live: KubeObject): readonly Comparison[] {
  const desired: CompiledDesired = compileDesired(object);
  const contexts: readonly CompareContext[] = [
    { appliers: DEFAULT_APPLIERS },
    { appliers: DEFAULT_APPLIERS, base: desired },
    { appliers: DEFAULT_APPLIERS, unexplained: 'rewritten' },
  ];
  return contexts.map((context) => compare(desired, live, context));
}

async function writtenByConfighub(run: string): Promise<Scene> {
  const { hub } = confighub;
  const objects = await installCorpus(hub, admin, run);
  const source = createConfighubSource({
    hub,
    environment: { name: 'test', source: { kind: 'confighub', space: run }, defaultNamespace: run },
    schemas: createCustomSchemas({ cluster: admin, log: createLog('silent') }),
  });
  const { objects: declared, errors } = await source.load();
  expect(errors).toEqual([]);
  return {
    run,
    objects,
    compare: (object, live) => {
      const desired = declared.get(resourceKey(refOf('test', object)));
      if (!desired) throw new Error(`${object.kind} ${object.metadata.name} is not declared`);
      return [compareLive(desired, live, { appliers: DEFAULT_APPLIERS })];
    },
  };
}

async function writtenByKubectl(run: string): Promise<Scene> {
  const kubectl = async (texts: readonly string[]) => {
    const command = ['--kubeconfig', cluster.kubeconfigs.admin, '-n', run, 'apply', '-f', '-'];
    const running = execute('kubectl', command);
    running.child.stdin?.end(texts.join('---\n'));
    await running;
  };
  const entries = readCorpus(run);
  for (const step of entries) {
    await kubectl(step.map(({ text }) => text));
    await waitForCustomKinds(admin, run);
  }
  const objects = entries.flat().map(({ object }) => placed(object, run));
  return { run, objects, compare: compareAsApplied };
}

async function hasKubectl(): Promise<boolean> {
  return execute('kubectl', ['version', '--client']).then(
    () => true,
    () => false,
  );
}
