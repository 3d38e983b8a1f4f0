import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { type ClusterWatch, createClusterWatch } from './cluster-watch.ts';
import { createDesiredLoop, type DesiredLoop } from './desired-loop.ts';
import {
  createEnvironmentWatch,
  type EnvironmentWatch,
  type EnvironmentWatchDeps,
} from './environment-watch.ts';
import { createSignalQueue, type SignalQueue } from './queue.ts';
import { createReconciler } from './reconciler.ts';
import type {
  EnvironmentStatus,
  WatchedEnvironment,
  Watcher,
  WatcherDeps,
  WatcherMetrics,
} from './types.ts';

const SIGNAL_INTERVAL_MS = 1_000;
const REPORTS_AT_ONCE = 32;
// More than any watcher holds: a queue this long means that a bug makes keys.
const MAX_QUEUED = 250_000;
const RETRY = { firstMs: 100, maxMs: 30_000 };
/** Longer than a run takes from its first signal to its record (it settles for 15 s at most), short enough to wait for. */
const RECHECK_MS = 60_000;

type Part = { readonly watch: EnvironmentWatch; readonly loop: DesiredLoop };

/**
 * Sees drift: holds desired and live state in memory, compares on every event, and reports each difference, and its end, once
 * per change and at most once a second for a resource. It writes to nothing but `report`.
 */
export function createWatcher(deps: WatcherDeps): Watcher {
  const clock = deps.clock ?? systemClock;
  const random = deps.random ?? Math.random;
  const stopping = new AbortController();
  const run: Run = {
    deps,
    shared: { log: deps.log, clock, random, ...(deps.metrics && { metrics: deps.metrics }) },
    parts: new Map(),
    nextSeq: createSequence(clock.now),
    recheckMs: deps.recheckMs ?? RECHECK_MS,
    comparisons: 0,
    ready: false,
  };
  const queue = createReportQueue(run);
  const reconcile = createReconciler({
    ...run.shared,
    activeRecords: deps.activeRecords,
    ...(deps.lostRecords && { lostRecords: deps.lostRecords }),
    parts: run.parts,
    recheckMs: run.recheckMs,
    signal: stopping.signal,
  });
  const clusters = groupByServer(deps.environments).map((group) => {
    const watch = createCluster(run, group, reconcile.reaffirm);
    for (const environment of group) {
      run.parts.set(environment.config.name, createPart(run, environment, { watch, group }, queue));
    }
    return watch;
  });
  let running: Promise<unknown> = Promise.resolve();

  return {
    async start(signal) {
      const stop = (): void => stopping.abort();
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      const loops = [...run.parts.values()].map(({ loop }) => loop);
      running = Promise.all(loops.map((loop) => loop.run(stopping.signal)));
      try {
        await Promise.all([
          ...clusters.map((watch) => watch.start(stopping.signal)),
          ...loops.map((loop) => loop.loaded()),
        ]);
      } catch (error) {
        stop();
        throw error;
      }
      run.ready = !stopping.signal.aborted;
      if (run.ready) reconcile.start();
    },
    async stop() {
      stopping.abort();
      const ending = clusters.map((watch) => watch.ended());
      await Promise.all([running, queue.stop(), reconcile.ended(), ...ending]);
    },
    status: () => ({
      ready: run.ready && !stopping.signal.aborted,
      clusters: clusters.map((watch) => watch.status()),
      environments: [...run.parts.values()].map(statusOf),
      queued: queue.depth(),
      comparisons: run.comparisons,
    }),
  };
}

/** What the parts of one watcher share. */
type Run = {
  readonly deps: WatcherDeps;
  readonly shared: {
    readonly log: Log;
    readonly clock: Clock;
    readonly random: () => number;
    readonly metrics?: WatcherMetrics;
  };
  /** By name of environment. */
  readonly parts: Map<string, Part>;
  readonly nextSeq: () => number;
  readonly recheckMs: number;
  comparisons: number;
  ready: boolean;
};

function createReportQueue({ deps, shared, parts }: Run): SignalQueue {
  const { log, clock, random } = shared;
  return createSignalQueue({
    deliver(queued) {
      const { environment, key } = splitQueueKey(queued);
      return parts.get(environment)?.watch.deliver(key) ?? Promise.resolve(false);
    },
    intervalMs: deps.signalIntervalMs ?? SIGNAL_INTERVAL_MS,
    concurrency: REPORTS_AT_ONCE,
    maxKeys: MAX_QUEUED,
    retryDelayMs: (failures) => backoffMs(RETRY, failures, random),
    onFailure({ key, error, failures }) {
      const reason = fromUnknown(error).message;
      log.warn({ resource: key, reason, failures }, 'report failed, trying again');
    },
    clock,
  });
}

function createCluster(
  run: Run,
  group: readonly WatchedEnvironment[],
  onRelisted: () => void,
): ClusterWatch {
  const { deps, shared, parts } = run;
  const watches = (): readonly EnvironmentWatch[] =>
    group.flatMap(({ config }) => parts.get(config.name)?.watch ?? []);
  return createClusterWatch({
    ...shared,
    client: clientOf(group),
    resources: deps.resources,
    namespaces: namespacesOf(group),
    reflector: deps.reflector ?? {},
    handlers: {
      onChange(key, live) {
        for (const one of watches()) one.onChange(key, live);
      },
      onListed(scope) {
        for (const one of watches()) one.onListed(scope);
        if (run.ready) onRelisted();
      },
    },
  });
}

function createPart(
  run: Run,
  environment: WatchedEnvironment,
  server: { readonly watch: ClusterWatch; readonly group: readonly WatchedEnvironment[] },
  queue: SignalQueue,
): Part {
  const { deps, nextSeq } = run;
  const { name, namespaces } = environment.config;
  const shared = { ...run.shared, log: deps.log.child({ environment: name }) };
  const beside = () => server.group.flatMap((one) => run.parts.get(one.config.name)?.watch ?? []);
  const watch: EnvironmentWatch = createEnvironmentWatch({
    ...shared,
    environment,
    cluster: narrowed(server.watch, namespaces),
    ...unmanagedOf(run, environment, beside),
    judge(desired, live) {
      run.comparisons += 1;
      return deps.judge(desired, live);
    },
    enqueue(key, waitMs) {
      // A full queue loses nothing: what was not told is offered again at each turn of the desired state.
      queue.add(`${name}|${key}`, waitMs);
    },
    report: (ref, verdict) =>
      deps.report(
        verdict
          ? { kind: 'drift', ref, seq: nextSeq(), ...verdict }
          : { kind: 'clean', ref, seq: nextSeq() },
      ),
    recheckMs: run.recheckMs,
    onStale: () => loop.hurry(),
  });
  const loop: DesiredLoop = createDesiredLoop({
    ...shared,
    source: environment.source,
    refreshMs: deps.refreshMs,
    async onSnapshot(snapshot) {
      await watch.onSnapshot(snapshot);
      for (const one of beside()) await one.scanUnmanaged();
    },
    onTurn: watch.enqueuePending,
  });
  return { watch, loop };
}

/** What an environment beside this one declares on the same cluster is not unmanaged. */
function unmanagedOf(
  { deps: { judgeUnmanaged } }: Run,
  { config }: WatchedEnvironment,
  beside: () => readonly EnvironmentWatch[],
): Pick<EnvironmentWatchDeps, 'unmanaged'> {
  if (config.unmanaged !== 'report' || !judgeUnmanaged) return {};
  const isDeclared = (key: string): boolean | undefined => {
    const answers = beside().map((one) => one.declares(key));
    if (answers.includes(true)) return true;
    return answers.includes(undefined) ? undefined : false;
  };
  return { unmanaged: { judgeUnmanaged, isDeclared } };
}

function statusOf({ watch, loop }: Part): EnvironmentStatus {
  const message = loop.message();
  return { ...watch.status(), ready: loop.isLoaded(), ...(message ? { message } : {}) };
}

/** Environments of one API server under one identity share its informers. */
function groupByServer(
  environments: readonly WatchedEnvironment[],
): readonly (readonly WatchedEnvironment[])[] {
  const groups = Map.groupBy(environments, ({ cluster }) => `${cluster.server} ${cluster.context}`);
  return [...groups.values()];
}

function clientOf(group: readonly WatchedEnvironment[]): KubernetesClient {
  const [first] = group;
  if (first === undefined) throw new Error('a group of environments is never empty');
  return first.cluster;
}

/** Empty = all namespaces, which one environment without a list is enough for. */
function namespacesOf(group: readonly WatchedEnvironment[]): readonly string[] {
  if (group.some(({ config }) => config.namespaces.length === 0)) return [];
  return [...new Set(group.flatMap(({ config }) => config.namespaces))];
}

/** The cluster as one environment may see it: other namespaces are outside, even if a neighbour watches them. */
function narrowed(
  cluster: ClusterWatch,
  namespaces: readonly string[],
): Pick<ClusterWatch, 'has' | 'get' | 'coverage' | 'keys'> {
  if (namespaces.length === 0) return cluster;
  const visible = new Set([...namespaces, '']);
  return {
    keys: () => cluster.keys().filter((key) => visible.has(key.namespace)),
    has: (ref) => visible.has(ref.namespace) && cluster.has(ref),
    get: (ref) => (visible.has(ref.namespace) ? cluster.get(ref) : undefined),
    coverage: (ref) => (visible.has(ref.namespace) ? cluster.coverage(ref) : 'outside'),
  };
}

// Names of environments hold no bar.
function splitQueueKey(queued: string): { environment: string; key: string } {
  const bar = queued.indexOf('|');
  return { environment: queued.slice(0, bar), key: queued.slice(bar + 1) };
}

/** Rises with every call, and beyond whatever an earlier process gave: microseconds since the epoch, or one more. */
function createSequence(now: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now() * 1_000);
    return last;
  };
}
