import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';

/** A task queue of its own for activities that must not hold up the rest. */
export type SideQueue = {
  readonly taskQueue: string;
  readonly activities: object;
  /** At once, in this process. */
  readonly maxAtOnce: number;
  /** Of all workers together; the same value everywhere. Absent = as fast as they come. */
  readonly maxPerSecond?: number;
};

/** A worker for one such queue: it runs no workflows. */
export function createSideWorker(
  connection: NativeConnection,
  { taskQueue, activities, maxAtOnce, maxPerSecond }: SideQueue,
  shared: Omit<WorkerOptions, 'connection' | 'taskQueue' | 'activities' | 'workflowBundle'>,
): Promise<Worker> {
  return Worker.create({
    ...shared,
    ...{ connection, taskQueue, activities },
    maxConcurrentActivityTaskExecutions: maxAtOnce,
    ...(maxPerSecond !== undefined && { maxTaskQueueActivitiesPerSecond: maxPerSecond }),
  });
}

/** Runs workers until all have ended. One that dies takes the others along: half a process would look like a whole one. */
export async function runTogether(workers: readonly Worker[]): Promise<void> {
  const ends = await Promise.allSettled(
    workers.map((one) => one.run().finally(() => stopAll(workers))),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

export function stopAll(workers: readonly Worker[]): void {
  for (const one of workers) if (one.getState() === 'RUNNING') one.shutdown();
}
