import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ConfigHub,
  createConfighubClient,
  type Space,
  type Unit,
} from '../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { Dialect } from '../confighub-server/index.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type Config, parseConfig } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createDriftDoor } from '../workers/doors.ts';
import { connectParts, type Parts } from '../workers/parts.ts';
import { bundleWorkflows, installRuntime } from '../workers/worker.ts';
import { startTestConfighub, TEST_TOKEN } from './confighub-server.ts';
import type { FaultPlan } from './faulty-worker.ts';
import type { Servers } from './own-servers.ts';
import { testCluster, testPostgres, testTemporal } from './stack.ts';

/** `base` is upstream of `asked`, `home` of `near` and `far`; only `auto` and `near` are changed without asking. */
const PLACES = ['base', 'auto', 'asked', 'home', 'near', 'far'] as const;
export type Place = (typeof PLACES)[number];

export type CrashStage = {
  readonly parts: Parts;
  readonly hub: ConfigHub;
  readonly admin: KubernetesClient;
  readonly codePath: string;
  /** ConfigHub's. */
  readonly hubUrl: string;
  space(place: Place): Space;
  refOf(place: Place, name: string): ResourceRef;
  /**
   * Parts as one worker with a task queue of its own has them, and the file that configures another process alike. Policies of its
   * own come before those of the places.
   */
  lane(taskQueue: string, residue: 'report' | 'patch', sections?: object): Promise<Lane>;
  /** A unit that declares one ConfigMap of the same name, applied where its place has a cluster. */
  install(place: Place, name: string, data: Readonly<Record<string, string>>): Promise<Unit>;
  clone(upstream: Unit, place: Place): Promise<Unit>;
  /** A new revision that is not applied. */
  rewrite(unit: Unit, data: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
};

export type Lane = {
  readonly parts: Parts;
  /** The same over connections of its own, with ConfigHub at the URL; the caller closes them. */
  connect(hubUrl: string): Promise<Parts>;
  /** A worker process that dies at the fault; its exit is to be awaited. */
  startFaulty(fault: Pick<FaultPlan, 'activity' | 'at' | 'nth'>): ChildProcess;
};

const APPLY_TIMEOUT_MS = 60_000;
const FAULTY_WORKER = fileURLToPath(new URL('./faulty-worker.ts', import.meta.url));

/** Real servers with the spaces and namespaces in which workers are killed. One for a whole test file. */
export async function openCrashStage(servers?: Servers, dialect?: Dialect): Promise<CrashStage> {
  const { cluster, temporal, postgres } = servers ?? (await sharedServers());
  const confighub = await startTestConfighub({
    kubeconfig: cluster.kubeconfigs.confighub,
    ...(dialect && { dialect }),
  });
  const log = createLog('silent');
  const hub = createConfighubClient({ url: confighub.url, token: TEST_TOKEN, log });
  const directory = await mkdtemp(join(tmpdir(), 'realign-crash-'));
  const codePath = join(directory, 'workflows.js');
  const bundling = bundleWorkflows().then(({ code }) => writeFile(codePath, code));
  const spaces = await createSpaces(hub, cluster);
  const env = {
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    CUB_API_URL: confighub.url,
    CUB_TOKEN: TEST_TOKEN,
    KUBECONFIG: cluster.kubeconfigs.realign,
    REALIGN_REPAIR_KUBECONFIG: cluster.kubeconfigs['realign-repair'],
  };
  installRuntime(log);
  const parts = await connectParts({
    config: parseConfig(configText(spaces, 'crash', 'patch'), { env }),
    log,
    metrics: createMetrics({ version: 'test', processMetrics: false }),
    signal: new AbortController().signal,
  });
  const admin = await createKubernetesClient({
    kubeconfig: cluster.kubeconfigs.admin,
    userAgent: 'test',
  });
  await bundling;
  const space = (place: Place) => spaces[place];
  return {
    parts,
    hub,
    admin,
    codePath,
    hubUrl: confighub.url,
    space,
    refOf: (place, name) => configMapIn(spaces[place].slug, name),
    async lane(taskQueue, residue, sections) {
      const yaml = configText(spaces, taskQueue, residue, sections);
      const file = join(directory, `${taskQueue}.yaml`);
      await writeFile(file, yaml);
      return {
        parts: withConfig(parts, parseConfig(yaml, { env })),
        connect: (hubUrl) =>
          connectParts({
            config: parseConfig(yaml, { env: { ...env, CUB_API_URL: hubUrl } }),
            log,
            metrics: parts.metrics,
            signal: new AbortController().signal,
          }),
        startFaulty: (fault) =>
          startFaultyWorker(
            { ...fault, codePath },
            { ...env, REALIGN_CONFIG: file, NODE_COMPILE_CACHE: join(directory, 'compiled') },
          ),
      };
    },
    ...createInstall(hub, space),
    async close() {
      admin.close();
      await parts.close();
      await confighub.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** Environments, spaces and namespaces go by one name here. */
function configMapIn(namespace: string, name: string): ResourceRef {
  const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
  return { environment: namespace, ...kind, namespace, name };
}

async function sharedServers(): Promise<Servers> {
  const [cluster, temporal, postgres] = await Promise.all([
    testCluster(),
    testTemporal(),
    testPostgres(),
  ]);
  return { cluster, temporal, postgres };
}

/** The same connections under another configuration. */
function withConfig(parts: Parts, config: Config): Parts {
  const { settle, pending, temporal } = config;
  const driftDoor = createDriftDoor(parts.temporal, {
    taskQueue: temporal.taskQueue,
    settle,
    pendingGraceMs: pending.graceMs,
  });
  return { ...parts, config, driftDoor };
}

function startFaultyWorker(plan: FaultPlan, env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [FAULTY_WORKER], {
    env: { ...process.env, ...env, REALIGN_FAULT: JSON.stringify(plan) },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

/** Ends a child that has not ended by itself; resolves when it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** One space per place, each with a namespace of the same name. */
async function createSpaces(
  hub: ConfigHub,
  cluster: Servers['cluster'],
): Promise<Readonly<Record<Place, Space>>> {
  const entries = await Promise.all(
    PLACES.map(async (place) => {
      const namespace = await cluster.namespace();
      const space = await hub.createSpace({ slug: namespace });
      const parameters = { KubeNamespace: namespace };
      if (place !== 'base') {
        const target = await hub.createTarget(space.spaceId, { slug: 'cluster', parameters });
        await hub.releaseTo(space.spaceId, target.targetId);
      }
      return [place, space] as const;
    }),
  );
  return Object.fromEntries(entries) as Record<Place, Space>;
}

function configText(
  spaces: Readonly<Record<Place, Space>>,
  taskQueue: string,
  residue: 'report' | 'patch',
  sections: object = {},
): string {
  const rule = (place: Place, rest: object) => ({
    name: place,
    match: { environments: [spaces[place].slug] },
    ...rest,
  });
  // JSON is YAML. An environment is called as its space and namespace.
  return JSON.stringify({
    environments: PLACES.filter((place) => place !== 'base').map((place) => ({
      name: spaces[place].slug,
      source: { space: spaces[place].slug },
      defaultNamespace: spaces[place].slug,
    })),
    resources: ['configmaps'],
    temporal: { taskQueue },
    autoFix: true,
    settle: { quiet: '50ms', max: '1s' },
    residue,
    // A file that plays dozens of drifts in two minutes is no flood.
    guards: { blast: { enabled: false } },
    log: { level: 'error' },
    ...sections,
    policies: [
      ...('policies' in sections && Array.isArray(sections.policies) ? sections.policies : []),
      rule('auto', { outcome: 'auto' }),
      rule('near', { outcome: 'auto' }),
      rule('asked', { outcome: 'ask', upgrade: 'with-fix' }),
      rule('home', { outcome: 'ask' }),
      rule('far', { outcome: 'ask' }),
    ],
  });
}

function createInstall(
  hub: ConfigHub,
  space: (place: Place) => Space,
): Pick<CrashStage, 'install' | 'clone' | 'rewrite'> {
  const targetOf = async (place: Place): Promise<{ targetId?: string }> => {
    const [target] = await hub.listTargets(space(place).spaceId);
    return target ? { targetId: target.targetId } : {};
  };
  const applied = async (unit: Unit): Promise<Unit> => {
    if (unit.targetId === undefined) return unit;
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: APPLY_TIMEOUT_MS });
    return hub.getUnit(unit.spaceId, unit.unitId);
  };
  return {
    async install(place, name, data) {
      const unit = { slug: name, data: configMap(name, data), ...(await targetOf(place)) };
      return applied(await hub.createUnit(space(place).spaceId, unit));
    },
    async clone(upstream, place) {
      const { spaceId } = space(place);
      const { slug, spaceId: upstreamSpaceId, unitId: upstreamUnitId } = upstream;
      const clone = { slug, upstreamSpaceId, upstreamUnitId, ...(await targetOf(place)) };
      return applied(await hub.cloneUnit(spaceId, clone));
    },
    async rewrite(unit, data) {
      await hub.writeData(unit, configMap(unit.slug, data));
    },
  };
}

function configMap(name: string, data: Readonly<Record<string, string>>): string {
  const lines = Object.entries(data).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n${lines.join('\n')}\n`;
}
