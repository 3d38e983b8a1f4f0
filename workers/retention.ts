import type { Parts } from './parts.ts';

const INTERVAL_MS = 3_600_000;
/** More is left for the next time, so that a first start on an old database does not keep Postgres busy for hours. */
const MAX_BATCHES = 500;

export type RunningRetention = {
  /** Resolves when the round at the start is through. */
  readonly firstRound: Promise<void>;
  stop(): Promise<void>;
};

/**
 * Deletes what is older than `retention`, at the start and then every hour. Each worker tries; a lock of Postgres lets one of them
 * delete at a time, and what is gone is gone for all.
 */
export function startRetention(
  parts: Pick<Parts, 'config' | 'store' | 'metrics' | 'log'>,
): RunningRetention {
  let isStopped = false;
  const firstRound = deleteOldRows(parts, () => isStopped);
  let running = firstRound;
  const timer = setInterval(() => {
    running = running.then(() => deleteOldRows(parts, () => isStopped));
  }, INTERVAL_MS);
  timer.unref();
  return {
    firstRound,
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await running;
    },
  };
}

/** A Postgres that is away is asked again in an hour: nobody waits for this. */
async function deleteOldRows(
  { config, store, metrics, log }: Parameters<typeof startRetention>[0],
  isStopped: () => boolean,
): Promise<void> {
  const { episodesMs, auditMs } = config.retention;
  const before = { episodes: ago(episodesMs), audit: ago(auditMs) };
  const total: Record<string, number> = {};
  try {
    for (let batch = 0; batch < MAX_BATCHES && !isStopped(); batch += 1) {
      const result = await store.retention.deleteOld(before);
      if (!result) break;
      for (const [table, count] of Object.entries(result.deleted)) {
        total[table] = (total[table] ?? 0) + count;
        metrics.oldRowsDeleted(table, count);
      }
      if (result.isDone) break;
    }
  } catch (error) {
    log.warn({ reason: String(error) }, 'could not delete all that is older than retention says');
  }
  if (Object.keys(total).length > 0) log.info({ deleted: total }, 'deleted what is too old');
}

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}
