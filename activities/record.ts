import type { ActivityDeps } from './deps.ts';
import type { Activities } from './types.ts';

/** Writes how an episode stands and how it ended. */
export function createRecordActivities({
  store,
}: Pick<ActivityDeps, 'store'>): Pick<Activities, 'record' | 'closeEpisode'> {
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
    },
  };
}
