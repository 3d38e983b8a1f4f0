import { z } from 'zod';
import type { Episode } from '../drift/decide/record.ts';
import type { JsonValue } from '../drift/json.ts';
import type { Database, RunQuery } from './database.ts';
import { refValues, resourceValues, toJsonb, toText } from './rows.ts';

type States = {
  readonly desired: JsonValue;
  readonly live: JsonValue;
  readonly desiredHash: string;
};

const ORPHANED = 'The workflow of this episode ended without closing it; a later one took over.';

const idRow = z.object({ id: z.string() });

/**
 * Begins an episode and makes the record of its resource active; an episode that is known already is left alone. Answers with the
 * episodes that ended by its beginning, the same ones each time.
 */
export async function openEpisode(
  database: Database,
  episode: Episode,
  states: States,
): Promise<readonly string[]> {
  return database.transaction(async (query) => {
    await lockRecord(query, episode, states);
    const known = await query('episodes', 'find', 'select 1 from episodes where id = $1', [
      episode.episodeId,
    ]);
    if (known.length > 0) return orphansOf(query, episode.episodeId);
    const orphans = await closeOrphan(query, episode);
    await insertEpisode(query, episode);
    await activateRecord(query, episode, states);
    return orphans;
  });
}

/** The record's row lock puts everything that begins about one resource in line. */
async function lockRecord(query: RunQuery, episode: Episode, states: States): Promise<void> {
  await query(
    'records',
    'lock',
    `insert into records (environment, api_group, version, kind, namespace, name,
       drift_status, desired_state, live_state, last_known_good_hash, last_updated, created_at)
     values ($1, $2, $3, $4, $5, $6, 'none', $7, $8, $9, $10, $10)
     on conflict (environment, api_group, kind, namespace, name) do update set version = excluded.version`,
    [
      ...refValues(episode.ref),
      toJsonb(states.desired),
      toJsonb(states.live),
      states.desiredHash,
      episode.firstDetected,
    ],
  );
}

/**
 * One workflow per resource: an older open episode has lost its workflow (terminated by hand), and nobody else would
 * ever close it or withdraw its question.
 */
async function closeOrphan(
  query: RunQuery,
  { ref, firstDetected }: Episode,
): Promise<readonly string[]> {
  const rows = await query(
    'episodes',
    'close orphan',
    `with orphan as (
       update episodes set outcome = 'failed', message = $6, ended_at = $7
        where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
          and ended_at is null
       returning id, workflow_id
     ), withdrawn as (
       update questions q set status = 'withdrawn', closed_at = $7
         from orphan where q.episode_id = orphan.id and q.workflow_id = orphan.workflow_id and q.status = 'open'
     )
     select id from orphan`,
    [...resourceValues(ref), ORPHANED, firstDetected],
  );
  return rows.map((row) => idRow.parse(row).id);
}

/** What the beginning of an episode has closed, for whoever died before they could tell of it. */
async function orphansOf(query: RunQuery, episodeId: string): Promise<readonly string[]> {
  const rows = await query(
    'episodes',
    'list orphans',
    `select o.id from episodes e
       join episodes o using (environment, api_group, kind, namespace, name)
      where e.id = $1 and o.id <> e.id and o.ended_at = e.first_detected and o.message = $2`,
    [episodeId, ORPHANED],
  );
  return rows.map((row) => idRow.parse(row).id);
}

async function insertEpisode(query: RunQuery, episode: Episode): Promise<void> {
  await query(
    'episodes',
    'open',
    `insert into episodes (id, environment, api_group, version, kind, namespace, name,
       workflow_id, run_id, first_detected, finding, severity, rule, policy_outcome, outcome, message)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      episode.episodeId,
      ...refValues(episode.ref),
      episode.workflowId,
      episode.runId,
      episode.firstDetected,
      toJsonb(episode.finding),
      episode.finding?.severity ?? null,
      episode.rule ?? null,
      episode.policyOutcome ?? null,
      episode.outcome,
      episode.message === undefined ? null : toText(episode.message),
    ],
  );
}

/** A drift that comes back is a new one: what the record said of the last is cleared, its episode keeps it. */
async function activateRecord(query: RunQuery, episode: Episode, states: States): Promise<void> {
  await query(
    'records',
    'activate',
    `update records
        set drift_status = 'active', episode_id = $6, finding = $7, severity = $8, outcome = $9,
            desired_state = $10, live_state = $11, last_known_good_hash = $12,
            first_detected = $13, resolved_at = null, resolution_message = '', last_updated = $13
      where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5`,
    [
      ...resourceValues(episode.ref),
      episode.episodeId,
      toJsonb(episode.finding),
      episode.finding?.severity ?? null,
      episode.outcome,
      toJsonb(states.desired),
      toJsonb(states.live),
      states.desiredHash,
      episode.firstDetected,
    ],
  );
}
