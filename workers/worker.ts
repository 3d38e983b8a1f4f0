import { fileURLToPath } from 'node:url';
import type { Context } from '@temporalio/activity';
import {
  type ActivityInterceptorsFactory,
  bundleWorkflowCode,
  DefaultLogger,
  type LogLevel,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerDeploymentOptions,
  type WorkerOptions,
  type WorkflowBundle,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import {
  type ActivityDeps,
  createActivities,
  createActivityInterceptor,
} from '../activities/index.ts';
import { transportOf } from '../clients/temporal.ts';
import type { Config } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import about from '../package.json' with { type: 'json' };
import { UNORDERED } from '../workflows/messages.ts';
import type { Announce } from './announcer.ts';
import { openAppliedNote, openComparer, openEquivalenceNote } from './comparer.ts';
import { dataConverterOf, failureConverterOf } from './data-converter.ts';
import { createDriftUnitDoor } from './drift-unit-door.ts';
import { announceWaiting, openNotifying } from './notifying.ts';
import type { Parts } from './parts.ts';
import { startRetention } from './retention.ts';
import { sideQueues } from './side-queues.ts';
import { createSideWorker, runTogether, stopAll } from './side-worker.ts';

const WORKFLOWS = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));

/** Workflow tasks are CPU, activities are waiting: a few of the one, many of the other. */
const MAX_WORKFLOW_TASKS = 40;
const MAX_ACTIVITIES = 100;
const MAX_CACHED_WORKFLOWS = 1_000;
/** Longer than any single write takes; what follows a rollout is taken up by another worker. */
const SHUTDOWN_GRACE = '10s';
const SHUTDOWN_FORCE = '20s';

export type RunningWorker = {
  /** Rejects when the worker dies. */
  readonly finished: Promise<void>;
  isRunning(): boolean;
  stop(): Promise<void>;
};

/** Sends the SDK's own logs through ours. Once per process, before any connection. */
export function installRuntime(log: Log): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    log[EXPECTED.has(message) ? 'debug' : LEVELS[level]]({ ...meta }, message);
  });
  // The SDK's native half would print lines of its own format otherwise.
  const logging = {
    filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }),
    forward: {},
  };
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging } });
}

/** What the SDK warns of and we mean: waits have a queue of their own, whose worker runs activities alone. */
const EXPECTED: ReadonlySet<string> = new Set([
  'No workflows registered, not polling for workflow tasks',
]);

const LEVELS = {
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, keyof Omit<Log, 'child'>>;

/** The workflow code as one bundle; about two seconds, so it is made beside the other parts' start. */
export function bundleWorkflows(config?: Pick<Config, 'temporal'>): Promise<WorkflowBundle> {
  return bundleWorkflowCode({
    workflowsPath: WORKFLOWS,
    // The bundler's own progress is of no use to anyone who runs this.
    logger: new DefaultLogger('WARN'),
    ...(config && failureConverterOf(config)),
  });
}

/**
 * With versioning a worker takes new runs only once its version is made the current one (docs/operations.md); `auto-upgrade` moves
 * open runs along with it, `pinned` leaves each with the version that began it.
 */
function deploymentOf({ temporal }: Config): { workerDeploymentOptions?: WorkerDeploymentOptions } {
  const { versioning } = temporal;
  if (!versioning) return {};
  const { deployment, buildId = about.version, behavior } = versioning;
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName: deployment, buildId },
      defaultVersioningBehavior: behavior === 'pinned' ? 'PINNED' : 'AUTO_UPGRADE',
    },
  };
}

/**
 * Runs workflows and activities until stopped. The bundle may be a file that another process made (`{ codePath }`).
 * `innerInterceptors` run inside ours, next to each activity's effect: for tests that fail there.
 */
export async function startWorker(
  parts: Parts,
  workflowBundle: WorkflowBundleOption,
  innerInterceptors: readonly ActivityInterceptorsFactory[] = [],
): Promise<RunningWorker> {
  const { config, store, log } = parts;
  const { address, namespace, taskQueue } = config.temporal;
  const connection = await NativeConnection.connect({ address, ...transportOf(config.temporal) });
  const notifying = openNotifying(parts);
  const { announce } = notifying;
  const shared = {
    namespace,
    ...dataConverterOf(config),
    ...deploymentOf(config),
    interceptors: {
      activity: [
        (context: Context) => ({
          inbound: createActivityInterceptor(context, { store, log, announce }),
        }),
        ...innerInterceptors,
      ],
    },
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
  } satisfies Partial<WorkerOptions>;
  const deps = activityDeps(parts, announce);
  const activities = createActivities(deps);
  const main = await Worker.create({
    ...shared,
    ...{ connection, taskQueue, workflowBundle },
    activities: { ...activities, ...notifying.activities },
    maxConcurrentWorkflowTaskExecutions: MAX_WORKFLOW_TASKS,
    maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
    maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
  });
  const queues = [...sideQueues(parts, deps, activities), ...notifying.sideQueues];
  const sides = queues.map((one) => createSideWorker(connection, one, shared));
  const workers = [main, ...(await Promise.all(sides))];
  const finished = runTogether(workers).finally(() => connection.close());
  announceWaiting(parts, announce).catch((error: unknown) => {
    log.warn({ reason: String(error) }, 'could not look for questions that nobody has been shown');
  });
  const retention = startRetention(parts);
  // Whoever waits for `finished` hears of a failure; this keeps it from ending the process before that.
  finished.catch(() => {});
  return {
    finished,
    isRunning: () => workers.every((one) => one.getState() === 'RUNNING'),
    async stop() {
      stopAll(workers);
      await retention.stop();
      await finished;
    },
  };
}

function activityDeps(parts: Parts, announce: Announce): ActivityDeps {
  const { config, store, log } = parts;
  return {
    config,
    store,
    log,
    metrics: parts.metrics,
    hub: parts.hub,
    environments: parts.environments,
    compareLive: openComparer(parts, { collectExcused: true }),
    noteApplied: openAppliedNote(parts),
    noteEquivalent: openEquivalenceNote(parts),
    keyedHash: parts.keyedHash,
    announce,
    ...(config.drift.records === 'units' && {
      keepDriftUnit: createDriftUnitDoor(parts.temporal, config.temporal),
    }),
    stir: parts.driftDoor.stir,
    reportDrift: (ref, digest) => parts.driftDoor.reportDrift(ref, digest, UNORDERED),
    correctDrift: parts.driftDoor.correct,
  };
}
