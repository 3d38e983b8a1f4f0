import {
  createApi,
  createMetricsApi,
  createStartingApi,
  type Readiness,
  type RunningApi,
  startApi,
} from '../api/index.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import type { Config } from '../lib/config.ts';
import { sha256 } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createMetrics, type Metrics } from '../lib/metrics.ts';
import about from '../package.json' with { type: 'json' };
import { createAnalysisDoor } from './analysis-door.ts';
import { createDecisionDoor } from './doors.ts';
import { createDriftRequests } from './drift-requests.ts';
import type { PartState } from './opening.ts';
import { connectParts, type Parts } from './parts.ts';
import { type Running, readinessOf } from './readiness.ts';
import { openWatcher } from './watcher.ts';

export type Role = 'watcher' | 'worker' | 'api';
export const ALL_ROLES: readonly Role[] = ['watcher', 'worker', 'api'];

export type RealignOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly roles: readonly Role[];
  /** Aborting ends a start that still waits for a part. */
  readonly signal: AbortSignal;
};

export type Realign = {
  /** Where the api, or the health endpoints of a process without it, listen. */
  readonly url: string;
  /** Resolves when every part has answered. */
  readonly connected: Promise<Parts>;
  /** The same, without waiting: throws before. */
  readonly parts: Parts;
  /** Resolves when everything that this process does is under way, first full comparison included. */
  readonly ready: Promise<void>;
  /** Rejects when a part of the process dies, or when it cannot start and no waiting would help. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
};

/**
 * One process with any of the three roles. HTTP listens first, so that `/health` answers and `/ready` says what is missing
 * while the rest still waits for its parts.
 */
export async function startRealign(options: RealignOptions): Promise<Realign> {
  const { roles, log } = options;
  const metrics = createMetrics({ version: about.version });
  const running: Running = { opening: new Map() };
  const readiness = () => readinessOf(running, roles);
  const listeners = await listen(options, metrics, readiness);
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const workerCode = roles.includes('worker') ? import('./worker.ts') : undefined;
  const bundle = workerCode?.then(({ bundleWorkflows }) => bundleWorkflows());
  bundle?.catch(() => {});
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const onPart = (state: PartState) => void running.opening.set(state.part, state);
  const connected = connectParts({ ...options, signal, metrics, onPart });
  const start = async () => {
    const parts = await connected;
    running.parts = parts;
    if (roles.includes('api')) listeners[0].serve(finishedApi(parts, readiness));
    if (roles.includes('watcher')) running.watcher = openWatcher(parts);
    if (workerCode && bundle) {
      const { startWorker } = await workerCode;
      running.worker = await startWorker(parts, await bundle);
      running.worker.finished.catch(failure.reject);
    }
    await running.watcher?.start(signal);
  };
  const ready = start();
  ready.catch(failure.reject);
  return {
    url: listeners[0].url,
    connected,
    get parts() {
      if (!running.parts) throw new AppError('STARTING', 'not every part has answered yet');
      return running.parts;
    },
    ready,
    failed: failure.promise,
    // In the order in which work flows: nothing new comes in, then what runs is finished or handed over.
    async stop() {
      await Promise.all(listeners.map((one) => one.close()));
      stopping.abort();
      await ready.catch((error: unknown) => log.debug({ reason: String(error) }, 'not started'));
      await running.watcher?.stop();
      await running.worker?.stop();
      await running.parts?.close();
    },
  };
}

/** The api where this process has that role; health and metrics for every process, on their own port where there is one. */
async function listen(
  { roles, config, log }: RealignOptions,
  metrics: Metrics,
  readiness: () => Promise<readonly Readiness[]>,
): Promise<readonly [RunningApi, ...RunningApi[]]> {
  const { auth, host, port, metricsPort } = config.api;
  const metricsApi = () => createMetricsApi({ metrics, log, readiness });
  if (!roles.includes('api')) {
    return [await startApi(metricsApi(), { host, port: metricsPort ?? port })];
  }
  const first = await startApi(createStartingApi({ auth, metrics, log, readiness }), config.api);
  if (metricsPort === undefined) return [first];
  try {
    return [first, await startApi(metricsApi(), { host, port: metricsPort })];
  } catch (error) {
    await first.close();
    throw error;
  }
}

function finishedApi(parts: Parts, readiness: () => Promise<readonly Readiness[]>) {
  const { config, log, metrics, store } = parts;
  return createApi({
    store,
    people: config.people,
    auth: config.api.auth,
    log,
    metrics,
    ...(config.audit.token !== undefined && {
      audit: {
        tokenSha256: sha256(config.audit.token),
        clusterOf: (name) => clusterNameOf(config.environments, name),
      },
    }),
    ignoreRules: config.ignore,
    links: { workflowUrl: parts.workflowUrl },
    decisions: createDecisionDoor(parts.temporal),
    drifts: createDriftRequests(parts.temporal, config.temporal.taskQueue),
    analyses: createAnalysisDoor(parts.temporal, store, {
      taskQueue: config.temporal.taskQueue,
      environments: config.environments.map((one) => one.name),
    }),
    readiness,
  });
}
