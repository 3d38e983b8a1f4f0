import type { CommandActivities } from './command-types.ts';
import type { ActivityDeps } from './deps.ts';

/** Keeps what people started by a command: that it runs, what became of each unit, how it ended. */
export function createCommandActivities({
  store,
  log,
  metrics,
}: Pick<ActivityDeps, 'store' | 'log' | 'metrics'>): Pick<
  CommandActivities,
  'startCommand' | 'noteCommand'
> {
  return {
    async startCommand({ episodeId: runId, key: _key, ...run }) {
      await store.commandRuns.start({ runId, ...run });
    },

    async noteCommand({ episodeId: runId, at, results = [], isEnd, status, message, changeSet }) {
      await store.commandRuns.addResults(runId, results, at);
      await store.commandRuns.update(runId, {
        ...(status !== undefined && { status }),
        ...(message !== undefined && { message }),
        ...(changeSet !== undefined && { changeSet }),
        ...(isEnd && { endedAt: at }),
      });
      if (!isEnd) return;
      const run = await store.commandRuns.find(runId);
      if (!run) return;
      metrics.commandEnded(run.kind, run.status);
      const { kind, subject, requestedBy } = run;
      log.info({ runId, kind, subject, requestedBy, status: run.status }, run.message);
    },
  };
}
