import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { fromUnknown } from '../lib/errors.ts';
import { backoffMs } from './backoff.ts';
import { pause, systemClock } from './clock.ts';
import { type ClusterWatch, createClusterWatch } from './cluster-watch.ts';
import { createDesiredLoop, type DesiredLoop } from './desired-loop.ts';
import { createEnvironmentWatch, type EnvironmentWatch } from './environment-watch.ts';
import { createSignalQueue } from './queue.ts';
import type { WatchedEnvironment, Watcher, WatcherDeps } from './types.ts';

const SIGNAL_INTERVAL_MS = 1_000;
const REPORTS_AT_ONCE = 32;
// More than any watcher holds: a queue this long means that a bug makes keys.
const MAX_QUEUED = 250_000;
const RETRY = { firstMs: 100, maxMs: 30_000 };

type Part = { readonly watch: EnvironmentWatch; readonly loop: DesiredLoop };
type Cluster = {
  readonly watch: ClusterWatch;
  readonly environments: readonly WatchedEnvironment[];
};

/**
 * Sees drift: holds desired and live state in memory, compares on every event, and reports each difference, and its end, once
 * per change and at most once a second for a resource. It writes to nothing but `report`.
 */
export function createWatcher(deps: WatcherDeps): Watcher {
  const { environments, judge, report, activeRecords, log } = deps;
  const clock = deps.clock ?? systemClock;
  const random = deps.random ?? Math.random;
  const shared = { log, clock, random, ...(deps.metrics && { metrics: deps.metrics }) };
  const stopping = new AbortController();
  const parts = new Map<string, Part>();
  const nextSeq = createSequence(clock.now);
  let comparisons = 0;
  let ready = false;
  let running: Promise<unknown> = Promise.resolve();

  const queue = createSignalQueue({
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

  const clusters = groupByServer(environments).map((group): Cluster => {
    const watches = (): readonly EnvironmentWatch[] =>
      group.flatMap(({ config }) => parts.get(config.name)?.watch ?? []);
    const watch = createClusterWatch({
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
          if (ready) reconcile.request();
        },
      },
    });
    return { watch, environments: group };
  });

  for (const cluster of clusters) {
    for (const environment of cluster.environments) {
      parts.set(environment.config.name, createPart(environment, cluster.watch));
    }
  }

  function createPart(environment: WatchedEnvironment, cluster: ClusterWatch): Part {
    const { name, namespaces } = environment.config;
    const watch: EnvironmentWatch = createEnvironmentWatch({
      ...shared,
      log: log.child({ environment: name }),
      environment,
      cluster: narrowed(cluster, namespaces),
      judge(desired, live) {
        comparisons += 1;
        return judge(desired, live);
      },
      enqueue: (key) => {
        // A full queue loses nothing: what was not told is offered again at each turn of the desired state.
        queue.add(`${name}|${key}`);
      },
      report: (ref, verdict) =>
        report({
          ref,
          seq: nextSeq(),
          ...(verdict ? { kind: 'drift', ...verdict } : { kind: 'clean' }),
        }),
      onStale: () => loop.hurry(),
    });
    const loop: DesiredLoop = createDesiredLoop({
      ...shared,
      log: log.child({ environment: name }),
      source: environment.source,
      refreshMs: deps.refreshMs,
      onSnapshot: watch.onSnapshot,
      onTurn: watch.enqueuePending,
    });
    return { watch, loop };
  }

  const reconcile = createCollapsing(async () => {
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      try {
        for (const ref of await activeRecords()) parts.get(ref.environment)?.watch.reaffirm(ref);
        return;
      } catch (error) {
        const reason = fromUnknown(error).message;
        log.warn({ reason, failures }, 'open records cannot be read, trying again');
        await pause(clock, backoffMs(RETRY, failures, random), stopping.signal);
      }
    }
  });

  return {
    async start(signal) {
      const stop = (): void => stopping.abort();
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      const all = [...parts.values()];
      running = Promise.all(all.map(({ loop }) => loop.run(stopping.signal)));
      try {
        await Promise.all([
          ...clusters.map(({ watch }) => watch.start(stopping.signal)),
          ...all.map(({ loop }) => loop.loaded()),
        ]);
      } catch (error) {
        stop();
        throw error;
      }
      ready = !stopping.signal.aborted;
      if (ready) reconcile.request();
    },
    async stop() {
      stopping.abort();
      await Promise.all([
        running,
        queue.stop(),
        reconcile.ended(),
        ...clusters.map(({ watch }) => watch.ended()),
      ]);
    },
    status() {
      const clusterStatus = clusters.map(({ watch }) => watch.status());
      return {
        ready: ready && !stopping.signal.aborted,
        clusters: clusterStatus,
        environments: [...parts.values()].map(({ watch, loop }) => {
          const message = loop.message();
          return { ...watch.status(), ready: loop.isLoaded(), ...(message ? { message } : {}) };
        }),
        queued: queue.depth(),
        comparisons,
      };
    },
  };
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
): Pick<ClusterWatch, 'has' | 'get' | 'coverage'> {
  if (namespaces.length === 0) return cluster;
  const visible = new Set([...namespaces, '']);
  return {
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

/** Runs `work` one at a time; any number of requests during a run become one more run. */
function createCollapsing(work: () => Promise<void>): { request(): void; ended(): Promise<void> } {
  let current: Promise<void> | undefined;
  let again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await work();
    } while (again);
    current = undefined;
  };
  return {
    request() {
      if (current === undefined) current = run();
      else again = true;
    },
    ended: () => current ?? Promise.resolve(),
  };
}
