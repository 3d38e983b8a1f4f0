import type { ActivityDeps } from './deps.ts';
import type { Activities } from './types.ts';

/** Writes how an episode stands and how it ended. */
export function createRecordActivities({
  store,
  metrics,
}: Pick<ActivityDeps, 'store' | 'metrics'>): Pick<Activities, 'record' | 'closeEpisode'> {
  return {
    async record({ episodeId, outcome, message, rule, policyOutcome }) {
      await store.episodes.update(episodeId, {
        outcome,
        ...(message !== undefined && { message }),
        ...(rule !== undefined && { rule }),
        ...(policyOutcome !== undefined && { policyOutcome }),
      });
    },

    async closeEpisode({ episodeId, outcome, message, at }) {
      await store.episodes.close(episodeId, outcome, message, at);
      const episode = await store.episodes.find(episodeId);
      if (!episode) return;
      const seconds = (Date.parse(at) - Date.parse(episode.firstDetected)) / 1_000;
      metrics.episodeEnded(episode.ref.environment, outcome, seconds);
      metrics.driftScore(episode.ref, 0);
    },
  };
}
