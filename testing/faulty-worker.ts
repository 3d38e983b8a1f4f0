/**
 * A worker process that ends itself by SIGKILL at one point of one activity: run by `node testing/faulty-worker.ts`, with the
 * configuration in REALIGN_CONFIG and the point in REALIGN_FAULT. It is no different from `realign worker` until then.
 */
import { flushCompileCache } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import { loadConfig } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { connectParts } from '../workers/parts.ts';
import { installRuntime, startWorker } from '../workers/worker.ts';

const planSchema = z.object({
  /** Name of the activity. */
  activity: z.string(),
  /** `before`: nothing of the effect has happened; `during`: who knows; `after`: all of it has, and Temporal does not know. */
  at: z.enum(['before', 'during', 'after']),
  /** Which execution of that activity, from 1. */
  nth: z.int().min(1),
  /** File with the workflow bundle. */
  codePath: z.string(),
});
export type FaultPlan = z.infer<typeof planSchema>;

/** The first requests of the activity are on their way. */
const MIDDLE_MS = 10;

/** Counts the executions of the activity and dies at the one that the plan names. */
function dieAt({ activity, at, nth }: FaultPlan): ActivityInterceptorsFactory {
  let seen = 0;
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        if (info.activityType !== activity) return next(input);
        seen += 1;
        if (seen !== nth) return next(input);
        if (at === 'after') await next(input);
        if (at === 'during') {
          next(input).catch(() => {});
          await setTimeout(MIDDLE_MS);
        }
        process.kill(process.pid, 'SIGKILL');
        // Nothing of this process may happen after the signal was sent.
        return new Promise(() => {});
      },
    },
  });
}

// Node writes it at the end of a process, which a killed one never comes to.
flushCompileCache();
// Whoever started this process holds the other end of stdin; without them it has nothing to do.
process.stdin.on('end', () => process.exit(1)).resume();
const plan = planSchema.parse(JSON.parse(process.env['REALIGN_FAULT'] ?? '{}'));
const config = loadConfig({ env: process.env });
const log = createLog(config.log.level);
installRuntime(log);
const parts = await connectParts({
  config,
  log,
  metrics: createMetrics({ version: 'test' }),
  signal: new AbortController().signal,
});
const worker = await startWorker(parts, { codePath: plan.codePath }, [dieAt(plan)]);
await worker.finished;
