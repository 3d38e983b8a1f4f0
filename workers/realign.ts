import {
  createApi,
  createMetricsApi,
  type Readiness,
  type RunningApi,
  startApi,
} from '../api/index.ts';
import type { Config } from '../lib/config.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import about from '../package.json' with { type: 'json' };
import type { Watcher } from '../watcher/index.ts';
import { createAnalysisDoor } from './analysis-door.ts';
import { createDecisionDoor } from './doors.ts';
import { connectParts, type Parts } from './parts.ts';
import { openWatcher } from './watcher.ts';
import { bundleWorkflows, type RunningWorker, startWorker } from './worker.ts';

export type Role = 'watcher' | 'worker' | 'api';
export const ALL_ROLES: readonly Role[] = ['watcher', 'worker', 'api'];

export type RealignOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly roles: readonly Role[];
  /** Aborting ends a start that still waits for a part. */
  readonly signal: AbortSignal;
  readonly repairKubeconfig?: string;
};

export type Realign = {
  /** Where the api, or the health endpoints of a process without it, listen. */
  readonly url: string;
  readonly parts: Parts;
  /** Resolves when everything that this process does is under way, first full comparison included. */
  readonly ready: Promise<void>;
  /** Rejects when a part of the process dies. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
};

/**
 * One process with any of the three roles. HTTP listens first, so that `/health` answers and `/ready` says what is missing
 * while the rest still waits for its parts.
 */
export async function startRealign(options: RealignOptions): Promise<Realign> {
  const { roles, signal } = options;
  const metrics = createMetrics({ version: about.version });
  const bundle = roles.includes('worker') ? bundleWorkflows() : undefined;
  bundle?.catch(() => {});
  const parts = await connectParts({ ...options, metrics });
  const watcher = roles.includes('watcher') ? openWatcher(parts) : undefined;
  let worker: RunningWorker | undefined;
  const readiness = () =>
    Promise.all([
      probe('postgres', () => parts.store.ping()),
      probe('temporal', () => parts.temporal.ping()),
      probe('confighub', () => parts.hub.info()),
      ...(watcher ? [watcherReadiness(watcher)] : []),
      ...(bundle ? [{ part: 'worker', ok: worker?.isRunning() ?? false }] : []),
    ]);
  const listeners = await listen(parts, roles, readiness);
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const start = async () => {
    if (bundle) {
      worker = await startWorker(parts, await bundle);
      worker.finished.catch(failure.reject);
    }
    await watcher?.start(signal);
  };
  const ready = start();
  ready.catch(failure.reject);
  return {
    url: listeners[0].url,
    parts,
    ready,
    failed: failure.promise,
    // In the order in which work flows: nothing new comes in, then what runs is finished or handed over.
    async stop() {
      await Promise.all(listeners.map((one) => one.close()));
      await watcher?.stop();
      await worker?.stop();
      await parts.close();
    },
  };
}

/** The api where this process has that role; health and metrics for every process, on their own port where there is one. */
async function listen(
  parts: Parts,
  roles: readonly Role[],
  readiness: () => Promise<readonly Readiness[]>,
): Promise<readonly [RunningApi, ...RunningApi[]]> {
  const { config, log, metrics, store } = parts;
  const { host, port, metricsPort } = config.api;
  const metricsApi = () => createMetricsApi({ metrics, log, readiness });
  if (!roles.includes('api'))
    return [await startApi(metricsApi(), { host, port: metricsPort ?? port })];
  const api = createApi({
    store,
    people: config.people,
    auth: config.api.auth,
    log,
    metrics,
    links: { workflowUrl: parts.workflowUrl },
    decisions: createDecisionDoor(parts.temporal),
    analyses: createAnalysisDoor(parts.temporal, store, {
      taskQueue: config.temporal.taskQueue,
      environments: config.environments.map((one) => one.name),
    }),
    readiness,
  });
  const first = await startApi(api, config.api);
  if (metricsPort === undefined) return [first];
  return [first, await startApi(metricsApi(), { host, port: metricsPort })];
}

async function probe(part: string, look: () => Promise<unknown>): Promise<Readiness> {
  try {
    await look();
    return { part, ok: true };
  } catch (error) {
    return { part, ok: false, message: fromUnknown(error).message };
  }
}

function watcherReadiness(watcher: Watcher): Readiness {
  const { ready, environments, clusters } = watcher.status();
  const messages = [
    ...environments.flatMap((one) => (one.message ? [`${one.environment}: ${one.message}`] : [])),
    ...clusters.flatMap((one) => (one.message ? [`${one.server}: ${one.message}`] : [])),
  ];
  return {
    part: 'watcher',
    ok: ready,
    ...(messages.length > 0 && { message: messages.join('; ') }),
  };
}
