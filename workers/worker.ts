import { fileURLToPath } from 'node:url';
import {
  type ActivityInterceptorsFactory,
  bundleWorkflowCode,
  DefaultLogger,
  type LogLevel,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundle,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { createActivities, createActivityInterceptor } from '../activities/index.ts';
import type { Log } from '../lib/log.ts';
import { UNORDERED } from '../workflows/messages.ts';
import { openAppliedNote, openComparer, openEquivalenceNote } from './comparer.ts';
import type { Parts } from './parts.ts';

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
    log[LEVELS[level]]({ ...meta }, message);
  });
  // The SDK's native half would print lines of its own format otherwise.
  const logging = {
    filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }),
    forward: {},
  };
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging } });
}

const LEVELS = {
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, keyof Omit<Log, 'child'>>;

/** The workflow code as one bundle; about two seconds, so it is made beside the other parts' start. */
export function bundleWorkflows(): Promise<WorkflowBundle> {
  // The bundler's own progress is of no use to anyone who runs this.
  return bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('WARN') });
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
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle,
    activities: createActivities({
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
      reportDrift: (ref, digest) => parts.driftDoor.reportDrift(ref, digest, UNORDERED),
    }),
    interceptors: {
      activity: [
        (context) => ({ inbound: createActivityInterceptor(context, { store, log }) }),
        ...innerInterceptors,
      ],
    },
    maxConcurrentWorkflowTaskExecutions: MAX_WORKFLOW_TASKS,
    maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
    maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
  });
  const finished = worker.run().finally(() => connection.close());
  // Whoever waits for `finished` hears of a failure; this keeps it from ending the process before that.
  finished.catch(() => {});
  return {
    finished,
    isRunning: () => worker.getState() === 'RUNNING',
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await finished;
    },
  };
}
