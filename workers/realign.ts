import {
  type ApiDeps,
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
import { codecDoorOf } from './codec-door.ts';
import { createCommandDoor } from './command-door.ts';
import { createDecisionDoor } from './doors.ts';
import { createDriftRequests } from './drift-requests.ts';
import { createLateAuthors } from './late-authors.ts';
import type { PartState } from './opening.ts';
import { connectParts, type Parts } from './parts.ts';
import { type Running, readinessOf } from './readiness.ts';
import { openSlackDoor, type SlackDoor } from './slack-door.ts';
import { createMessageOf } from './subjects.ts';
import { createSummaryDoor } from './summary-door.ts';
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
  const bundle = workerCode?.then(({ bundleWorkflows }) => bundleWorkflows(options.config));
  bundle?.catch(() => {});
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const onPart = (state: PartState) => void running.opening.set(state.part, state);
  const connected = connectParts({ ...options, signal, metrics, onPart });
  const start = async () => {
    const parts = await connected;
    running.parts = parts;
    if (roles.includes('api')) {
      const decisions = createDecisionDoor(parts.temporal);
      const slack = openSlackDoor(parts, decisions);
      if (slack) running.slack = slack;
      listeners[0].serve(finishedApi(parts, { readiness, decisions, slack }));
    }
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
      await running.slack?.stop();
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

type ApiParts = Pick<ApiDeps, 'readiness' | 'decisions'> & {
  readonly slack: SlackDoor | undefined;
};

function finishedApi(parts: Parts, { readiness, decisions, slack }: ApiParts) {
  const { config, log, metrics, store } = parts;
  if (config.notifications.receivers.length > 0) {
    metrics.readAtScrape({ unpostedQuestions: () => store.messages.countUnposted() });
  }
  const environmentNames = config.environments.map((one) => one.name);
  return createApi({
    store,
    environmentNames,
    people: config.people,
    auth: config.api.auth,
    log,
    metrics,
    ...(config.audit.token !== undefined && {
      audit: {
        tokenSha256: sha256(config.audit.token),
        clusterOf: (name) => clusterNameOf(config.environments, name),
        heard: createLateAuthors(parts),
      },
    }),
    ...codecDoorOf(config),
    ignoreRules: config.ignore,
    links: { workflowUrl: parts.workflowUrl },
    decisions,
    ...(slack && { groups: slack.groups }),
    ...(slack?.handler && { slack: slack.handler }),
    messageOf: createMessageOf(parts),
    drifts: createDriftRequests(parts.temporal, config.temporal.taskQueue),
    commands: createCommandDoor(parts.temporal, store, config.temporal),
    analyses: createAnalysisDoor(parts.temporal, store, {
      taskQueue: config.temporal.taskQueue,
      environments: environmentNames,
    }),
    summaries: createSummaryDoor(parts.temporal, config.temporal.taskQueue),
    readiness,
  });
}
