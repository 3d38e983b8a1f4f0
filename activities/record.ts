import { type Notice, QUIET_FOR_MS } from '../drift/decide/notice.ts';
import type { Episode } from '../drift/decide/record.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { type Announced, announceFix } from '../drift/message/announce.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { formatDuration } from '../lib/duration.ts';
import type { ActivityDeps } from './deps.ts';
import type { Activities } from './types.ts';

type RecordDeps = Pick<ActivityDeps, 'store' | 'metrics' | 'log' | 'config' | 'stir'>;

/** Writes how an episode stands and how it ended. */
export function createRecordActivities(
  deps: RecordDeps,
): Pick<Activities, 'record' | 'closeEpisode'> {
  const { store, metrics, log } = deps;
  return {
    async record({ episodeId, outcome, message, rule, policyOutcome, freesUnit }) {
      await store.episodes.update(episodeId, {
        outcome,
        ...(message !== undefined && { message }),
        ...(rule !== undefined && { rule }),
        ...(policyOutcome !== undefined && { policyOutcome }),
      });
      if (!freesUnit) return;
      await store.unitHolds.release(episodeId);
      await wakeWaiting(deps, episodeId);
    },

    async closeEpisode({ episodeId, outcome, message, at }) {
      await store.episodes.close(episodeId, outcome, message, at);
      const episode = await store.episodes.find(episodeId);
      if (!episode) return;
      const seconds = (Date.parse(at) - Date.parse(episode.firstDetected)) / 1_000;
      metrics.episodeEnded(episode.ref.environment, outcome, seconds);
      metrics.driftScore(episode.ref, 0);
      await wakeWaiting(deps, episodeId);
      if (outcome === 'resolved') await tellOfFlapping(deps, episode, at);
      const said =
        outcome === 'fixed'
          ? announceFix(episode.ref.name, (episode.finding?.changes ?? []).map(toAnnounced))
          : message;
      log.info({ episodeId, outcome, ...episode.ref }, said);
    },
  };
}

/** Whoever waited for this run looks again: it has set the unit free. */
async function wakeWaiting({ store, stir }: RecordDeps, episodeId: string): Promise<void> {
  for (const ref of await store.unitHolds.waitingFor(episodeId)) await stir(ref, 'unit');
}

function toAnnounced({ path, desired, live }: FieldChange): Announced {
  return { path, desired, live };
}

/** One notice, however often the drift comes and goes by itself. */
async function tellOfFlapping(
  { store, config }: RecordDeps,
  { episodeId, ref }: Episode,
  at: string,
): Promise<void> {
  const { times, withinMs, shorterThanMs } = config.guards.flapping;
  const sinceMs = Date.parse(at) - withinMs;
  const since = new Date(sinceMs).toISOString();
  const none = { blast: at, enforced: at, hour: at };
  const { short } = await store.history.around(ref, { ...none, flapping: since, shorterThanMs });
  if (short < times) return;
  const resource = `${ref.environment}/${formatResource(ref)}`;
  const notice: Notice = {
    ...{
      id: `${episodeId}-flapping`,
      kind: 'flapping',
      subject: `flapping:${resource}`,
      episodeId,
      at,
    },
    environment: ref.environment,
    addressees: [],
    message: `${resource} is flapping: ${short} drifts ended by themselves within ${formatDuration(withinMs)}`,
  };
  await store.notices.post(notice, QUIET_FOR_MS.flapping);
}
