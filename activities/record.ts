import { type Announced, announceFix } from '../drift/announce.ts';
import type { FieldChange } from '../drift/field-change.ts';
import type { ActivityDeps } from './deps.ts';
import type { Activities } from './types.ts';

/** Writes how an episode stands and how it ended. */
export function createRecordActivities({
  store,
  metrics,
  log,
}: Pick<ActivityDeps, 'store' | 'metrics' | 'log'>): Pick<Activities, 'record' | 'closeEpisode'> {
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
      const said =
        outcome === 'fixed'
          ? announceFix(episode.ref.name, (episode.finding?.changes ?? []).map(toAnnounced))
          : message;
      log.info({ episodeId, outcome, ...episode.ref }, said);
    },
  };
}

function toAnnounced({ path, desired, live }: FieldChange): Announced {
  return { path, desired, live };
}
