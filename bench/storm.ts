import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { demoConfig, installDemo, newTokens } from '../cli/demo/stage.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { Config } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';
import { installRuntime } from '../workers/worker.ts';
import { percentile } from './statistics.ts';
import {
  type Counts,
  countRequests,
  cpuOfOthersSoFar,
  perEach,
  statementsSoFar,
  sumOf,
} from './storm-counts.ts';

const DEFAULT_DRIFTS = 500;
const IN_FLIGHT = 50;
const DEADLINE_MS = 300_000;
const POLL_MS = 100;
const NAMESPACE = 'acorn-bear-dev';
const PEER = fileURLToPath(new URL('./storm-peer.ts', import.meta.url));
const PEER_QUEUE = 'storm-peer';

/**
 * Hundreds of drifts at once, automatic, blast guard off, on the embedded stack: from the first edit until the last is verified.
 * Beside it, on the same Temporal server, as many workflows of six remote activities that do nothing, 50 in flight.
 */
export async function run(args: readonly string[]): Promise<void> {
  const drifts = Number(args[args.indexOf('--drifts') + 1] ?? '') || DEFAULT_DRIFTS;
  const log = createLog('error');
  installRuntime(log);
  const embedded = await startEmbedded({ log });
  const controller = new AbortController();
  try {
    await installDemo(embedded, log);
    const records = args.includes('--records');
    const config = calm(demoConfig(embedded, newTokens()), records);
    const { signal } = controller;
    const realign = await startRealign({ config, log, roles: ALL_ROLES, signal });
    const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
    const cluster = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
    try {
      await realign.connected;
      console.error(`declaring ${drifts} objects …`);
      await declare(realign.parts.hub, drifts);
      await realign.ready;
      console.error('measuring …');
      const peerBefore = await measurePeer(config, realign, drifts);
      const storm = await measureStorm(realign, cluster, drifts);
      const peerAfter = await measurePeer(config, realign, drifts);
      print(
        {
          ...{ ...storm, drifts, records },
          ...{ peers: [peerBefore, peerAfter], settleMs: config.settle.quietMs },
        },
        args,
      );
    } finally {
      cluster.close();
      await realign.stop();
    }
  } finally {
    controller.abort();
    await embedded.stop();
  }
}

/**
 * The guards hold back storms; here the storm itself is measured. Units of drifts are written beside the fixes, by workflows of their
 * own: they are measured where `--records` asks for them.
 */
function calm(config: Config, withRecords: boolean): Config {
  const { guards, drift } = config;
  return {
    ...config,
    guards: { ...guards, blast: { ...guards.blast, enabled: false } },
    drift: { ...drift, records: withRecords ? 'units' : 'off' },
  };
}

function nameOf(index: number): string {
  return `storm-${index}`;
}

async function declare(hub: Realign['parts']['hub'], drifts: number): Promise<void> {
  const space = await hub.findSpace(NAMESPACE);
  const [target] = space ? await hub.listTargets(space.spaceId) : [];
  if (!space || !target) throw new Error('the demo is not installed');
  await inFlight(drifts, async (index) => {
    const name = nameOf(index);
    const unit = await hub.createUnit(space.spaceId, {
      slug: name,
      labels: { 'auto-correctable': 'true' },
      targetId: target.targetId,
      data: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  mode: declared\n`,
    });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: DEADLINE_MS });
  });
}

type Storm = {
  readonly totalMs: number;
  /** Of each drift, from its own first sight to its end. */
  readonly eachMs: readonly number[];
  readonly fixedTwice: number;
  /** Milliseconds of all attempts of an activity, queueing not counted. */
  readonly spentMs: Readonly<Record<string, number>>;
  /** Milliseconds of CPU of this process: Realign and the ConfigHub server. */
  readonly cpuMs: number;
  /** For each drift: milliseconds of CPU of the other processes of the stack. */
  readonly cpuOfOthers: Counts;
  readonly requests: Counts;
  readonly statements: Counts;
  readonly historyEvents: number;
};

async function measureStorm(
  realign: Realign,
  cluster: KubernetesClient,
  drifts: number,
): Promise<Storm> {
  const { store } = realign.parts;
  const statements = await statementsSoFar(realign);
  const others = cpuOfOthersSoFar();
  const requests = countRequests();
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  await inFlight(drifts, async (index) => {
    const ref = { group: '', version: 'v1', kind: 'ConfigMap', namespace: NAMESPACE };
    const operations = [{ op: 'replace', path: '/data/mode', value: 'edited' }] as const;
    const manager = { fieldManager: 'kubectl-edit' };
    await cluster.jsonPatch({ ...ref, name: nameOf(index) }, operations, manager);
  });
  while (!(await areFixed(store, drifts))) {
    if (performance.now() - startedMs > DEADLINE_MS) {
      throw new Error(`${(await fixedStorms(store)).length} of ${drifts} were fixed in time`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const totalMs = performance.now() - startedMs;
  return {
    ...{ totalMs, cpuMs: cpuMsSince(cpu) },
    cpuOfOthers: perEach(others, cpuOfOthersSoFar(), drifts),
    requests: perEach({}, requests.stop(), drifts),
    statements: perEach(statements, await statementsSoFar(realign), drifts),
    ...(await account(realign)),
  };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Asked often, so it costs one count as long as episodes are open: a list of all that are fixed would be part of what is measured. */
async function areFixed(store: Realign['parts']['store'], drifts: number): Promise<boolean> {
  const open = await store.episodes.countOpen();
  if (open.some((one) => one.count > 0)) return false;
  return (await fixedStorms(store)).length >= drifts;
}

type Records = Awaited<ReturnType<Realign['parts']['store']['records']['list']>>['items'];

async function fixedStorms(store: Realign['parts']['store']): Promise<Records> {
  const { items } = await store.records.list({ status: 'resolved', limit: 1_000 });
  return items.filter((one) => one.ref.name.startsWith('storm-') && one.outcome === 'fixed');
}

type Account = Pick<Storm, 'eachMs' | 'fixedTwice' | 'spentMs' | 'historyEvents'>;

async function account(realign: Realign): Promise<Account> {
  const { store, hub, temporal } = realign.parts;
  const eachMs: number[] = [];
  const events: number[] = [];
  const spentMs: Record<string, number> = {};
  let fixedTwice = 0;
  const space = await hub.findSpace(NAMESPACE);
  for (const { ref } of await fixedStorms(store)) {
    const episodes = await store.episodes.listFor(ref, 2);
    const [episode] = episodes;
    const unit = space && (await hub.findUnit(space.spaceId, ref.name));
    const applies = unit ? await hub.listUnitEvents(unit) : [];
    const operations = new Set(applies.map((one) => one.operationId));
    // The first one installed it; an episode of that time, when it was missing, is not of the storm.
    const isFixedTwice = episodes.every((one) => one.outcome === 'fixed') && episodes.length > 1;
    if (isFixedTwice || operations.size > 2) fixedTwice += 1;
    if (!episode?.endedAt) continue;
    eachMs.push(Date.parse(episode.endedAt) - Date.parse(episode.firstDetected));
    const { historyLength } = await temporal.client.workflow
      .getHandle(episode.workflowId, episode.runId)
      .describe();
    events.push(historyLength);
    const begun = new Map<string, number>();
    for (const { step, key, attempt, status, at } of await store.episodes.listSteps(
      episode.episodeId,
    )) {
      const name = `${step} ${key} ${attempt}`;
      if (status === 'started') begun.set(name, Date.parse(at));
      else spentMs[step] = (spentMs[step] ?? 0) + Date.parse(at) - (begun.get(name) ?? NaN);
    }
  }
  return { eachMs, fixedTwice, spentMs, historyEvents: percentile(events, 0.5) };
}

/** Milliseconds on the clock, and of CPU of all processes. */
type Peer = { readonly tookMs: number; readonly cpuMs: number };

/** The same number of stories that do nothing, by a worker of this process as Realign's is. */
async function measurePeer(config: Config, realign: Realign, drifts: number): Promise<Peer> {
  const { address, namespace } = config.temporal;
  const logger = new DefaultLogger('ERROR');
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: PEER, logger });
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: PEER_QUEUE,
    workflowBundle,
    activities: { step: async () => {} },
  });
  const running = worker.run();
  const { client } = realign.parts.temporal;
  const others = cpuOfOthersSoFar();
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await inFlight(drifts, async (index) => {
    const workflowId = `storm-peer:${startedMs}:${index}`;
    await client.workflow.execute('sixSteps', { taskQueue: PEER_QUEUE, workflowId });
  });
  const tookMs = performance.now() - startedMs;
  const cpuMs = cpuMsSince(cpu) + sumOf(perEach(others, cpuOfOthersSoFar(), 1));
  worker.shutdown();
  await running;
  await connection.close();
  return { tookMs, cpuMs };
}

async function inFlight(drifts: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const take = async () => {
    for (let index = next++; index < drifts; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, take));
}

function print(
  measured: Storm & {
    readonly drifts: number;
    readonly records: boolean;
    readonly peers: readonly Peer[];
    readonly settleMs: number;
  },
  args: readonly string[],
): void {
  const { drifts, totalMs, cpuMs, eachMs, fixedTwice, peers, settleMs, spentMs } = measured;
  const { requests, statements, cpuOfOthers, historyEvents } = measured;
  const mean = (values: readonly number[]) =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  const peerMs = peers.map((one) => one.tookMs);
  const cpuOfAll = cpuMs / drifts + sumOf(cpuOfOthers);
  const peerCpu = mean(peers.map((one) => one.cpuMs)) / drifts;
  const result = {
    drifts,
    units_of_drifts: measured.records,
    fixed_twice: fixedTwice,
    total_s: seconds(totalMs),
    peer_s: peerMs.map(seconds),
    ratio_to_peer: Math.round((totalMs / mean(peerMs)) * 100) / 100,
    cpu_ms_per_drift: Math.round(cpuOfAll),
    cpu_ms_per_peer: Math.round(peerCpu),
    cpu_ratio_to_peer: Math.round((cpuOfAll / peerCpu) * 100) / 100,
    settle_ms: settleMs,
    each_p50_ms: Math.round(percentile(eachMs, 0.5)),
    each_p99_ms: Math.round(percentile(eachMs, 0.99)),
    mean_ms_by_step: Object.fromEntries(
      Object.entries(spentMs)
        .toSorted(([, left], [, right]) => right - left)
        .map(([step, ms]) => [step, Math.round(ms / drifts)]),
    ),
    each_drift: {
      confighub_requests: sumOf(requests, 'confighub'),
      kubernetes_requests: sumOf(requests, 'kubernetes'),
      statements: sumOf(statements),
      history_events: historyEvents,
      cpu_ms: { 'realign and ConfigHub server': Math.round(cpuMs / drifts), ...cpuOfOthers },
      requests,
      statements_by_table: statements,
    },
  };
  if (args.includes('json')) process.stdout.write(`${JSON.stringify(result)}\n`);
  else console.log(JSON.stringify(result, null, 2));
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
