import { z } from 'zod';
import type { Episode, StepEntry } from '../drift/record.ts';
import type { Database } from './database.ts';
import {
  finding,
  instant,
  outcome,
  present,
  refColumns,
  refOfRow,
  refValues,
  toJsonb,
  toText,
} from './rows.ts';
import type { OpenEpisodeCount, Store } from './types.ts';

/** More open episodes than this are not listed at once. */
const MAX_OPEN = 10_000;
const MAX_STEPS = 1_000;

const ORPHANED = 'The workflow of this episode ended without closing it; a later one took over.';

const episodeRow = z
  .object({
    id: z.string(),
    ...refColumns,
    workflow_id: z.string(),
    run_id: z.string(),
    first_detected: instant,
    finding: finding.nullable(),
    rule: z.string().nullable(),
    policy_outcome: z.enum(['auto', 'ask', 'notify', 'track']).nullable(),
    outcome,
    message: z.string().nullable(),
    ended_at: instant.nullable(),
  })
  .transform((row): Episode => {
    return {
      episodeId: row.id,
      ref: refOfRow(row),
      workflowId: row.workflow_id,
      runId: row.run_id,
      firstDetected: row.first_detected,
      outcome: row.outcome,
      ...present({
        finding: row.finding,
        rule: row.rule,
        policyOutcome: row.policy_outcome,
        message: row.message,
        endedAt: row.ended_at,
      }),
    };
  });

const stepRow = z
  .object({
    episode_id: z.string(),
    step: z.string(),
    key: z.string(),
    attempt: z.number(),
    status: z.enum(['started', 'done', 'failed']),
    at: instant,
    message: z.string().nullable(),
  })
  .transform((row): StepEntry => {
    const { episode_id: episodeId, message, ...rest } = row;
    return { episodeId, ...rest, ...present({ message }) };
  });

/** The table `episodes` with its `steps`, and what both mean for the record of the resource. */
export function createEpisodes(database: Database): Store['episodes'] {
  return {
    open: (episode, states) => open(database, episode, states),
    update: (episodeId, change) => update(database, episodeId, change),

    async close(episodeId, outcome, message, at) {
      await database.query(
        'episodes',
        'close',
        `with closed as (
           update episodes set outcome = $2, message = $3, ended_at = $4
            where id = $1 and ended_at is null
         )
         update records
            set drift_status = 'resolved', outcome = $2, resolution_message = $3, resolved_at = $4, last_updated = $4
          where episode_id = $1 and drift_status = 'active'`,
        [episodeId, outcome, toText(message), at],
      );
    },

    async find(episodeId) {
      const rows = await database.query(
        'episodes',
        'find',
        'select * from episodes where id = $1',
        [episodeId],
      );
      return rows.map((row) => episodeRow.parse(row))[0];
    },

    async listFor(ref, limit) {
      const [environment, group, , kind, namespace, name] = refValues(ref);
      const rows = await database.query(
        'episodes',
        'list',
        `select * from episodes
          where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
          order by first_detected desc, id desc
          limit $6`,
        [environment, group, kind, namespace, name, limit],
      );
      return rows.map((row) => episodeRow.parse(row));
    },

    async listOpen() {
      const rows = await database.query(
        'episodes',
        'list open',
        'select * from episodes where ended_at is null order by first_detected, id limit $1',
        [MAX_OPEN],
      );
      return rows.map((row) => episodeRow.parse(row));
    },

    async countOpen() {
      const rows = await database.query(
        'episodes',
        'count open',
        `select environment, coalesce(severity, 'info') as severity, count(*)::int as count
           from episodes where ended_at is null group by 1, 2`,
      );
      return rows.map((row) => countRow.parse(row) satisfies OpenEpisodeCount);
    },

    async appendStep(entry) {
      await database.query(
        'steps',
        'append',
        `insert into steps (episode_id, step, key, attempt, status, at, message)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict do nothing`,
        [
          entry.episodeId,
          entry.step,
          entry.key,
          entry.attempt,
          entry.status,
          entry.at,
          entry.message === undefined ? null : toText(entry.message),
        ],
      );
    },

    async listSteps(episodeId) {
      const rows = await database.query(
        'steps',
        'list',
        'select * from steps where episode_id = $1 order by id limit $2',
        [episodeId, MAX_STEPS],
      );
      return rows.map((row) => stepRow.parse(row));
    },
  };
}

const countRow = z.object({
  environment: z.string(),
  severity: z.enum(['info', 'low', 'medium', 'high', 'critical']),
  count: z.number(),
});

type Open = Store['episodes']['open'];

/** The record's row is written first: its lock puts everything about one resource in line. */
async function open(
  database: Database,
  episode: Parameters<Open>[0],
  states: Parameters<Open>[1],
): Promise<void> {
  const resource = refValues(episode.ref);
  const documents = [toJsonb(states.desired), toJsonb(states.live), states.desiredHash];
  const findingJson = toJsonb(episode.finding);
  const severity = episode.finding?.severity ?? null;
  await database.transaction(async (query) => {
    await query(
      'records',
      'lock',
      `insert into records (environment, api_group, version, kind, namespace, name,
         drift_status, desired_state, live_state, last_known_good_hash, last_updated, created_at)
       values ($1, $2, $3, $4, $5, $6, 'none', $7, $8, $9, $10, $10)
       on conflict (environment, api_group, kind, namespace, name) do update set version = excluded.version`,
      [...resource, ...documents, episode.firstDetected],
    );
    const known = await query('episodes', 'find', 'select 1 from episodes where id = $1', [
      episode.episodeId,
    ]);
    if (known.length > 0) return;
    // One workflow per resource: an older open episode has lost its workflow (terminated by hand), and nobody else
    // would ever close it or withdraw its question.
    await query(
      'episodes',
      'close orphan',
      `with orphan as (
         update episodes set outcome = 'failed', message = $6, ended_at = $7
          where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
            and ended_at is null
         returning id, workflow_id
       )
       update questions q set status = 'withdrawn', closed_at = $7
         from orphan where q.episode_id = orphan.id and q.workflow_id = orphan.workflow_id and q.status = 'open'`,
      [...withoutVersion(resource), ORPHANED, episode.firstDetected],
    );
    await query(
      'episodes',
      'open',
      `insert into episodes (id, environment, api_group, version, kind, namespace, name,
         workflow_id, run_id, first_detected, finding, severity, rule, policy_outcome, outcome, message)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
      [
        episode.episodeId,
        ...resource,
        episode.workflowId,
        episode.runId,
        episode.firstDetected,
        findingJson,
        severity,
        episode.rule ?? null,
        episode.policyOutcome ?? null,
        episode.outcome,
        episode.message === undefined ? null : toText(episode.message),
      ],
    );
    await query(
      'records',
      'activate',
      `update records
          set drift_status = 'active', episode_id = $6, finding = $7, severity = $8, outcome = $9,
              desired_state = $10, live_state = $11, last_known_good_hash = $12,
              first_detected = $13, resolved_at = null, resolution_message = '', last_updated = $13
        where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5`,
      [
        ...withoutVersion(resource),
        episode.episodeId,
        findingJson,
        severity,
        episode.outcome,
        ...documents,
        episode.firstDetected,
      ],
    );
  });
}

function withoutVersion(resource: readonly string[]): readonly string[] {
  return resource.filter((_, index) => index !== 2);
}

/** An episode that has ended is history: a late update (an activity's retry) changes nothing. */
async function update(
  database: Database,
  episodeId: string,
  change: Parameters<Store['episodes']['update']>[1],
): Promise<void> {
  await database.query(
    'episodes',
    'update',
    `with updated as (
       update episodes
          set finding = coalesce($2, finding), severity = coalesce($3, severity), rule = coalesce($4, rule),
              policy_outcome = coalesce($5, policy_outcome), outcome = coalesce($6, outcome),
              message = coalesce($7, message)
        where id = $1 and ended_at is null
       returning id
     )
     update records
        set finding = coalesce($2, finding), severity = coalesce($3, severity), outcome = coalesce($6, records.outcome),
            desired_state = coalesce($8, desired_state), live_state = coalesce($9, live_state),
            last_known_good_hash = coalesce($10, last_known_good_hash), last_updated = now()
       from updated
      where records.episode_id = updated.id and drift_status = 'active'`,
    [
      episodeId,
      toJsonb(change.finding),
      change.finding?.severity ?? null,
      change.rule ?? null,
      change.policyOutcome ?? null,
      change.outcome ?? null,
      change.message === undefined ? null : toText(change.message),
      toJsonb(change.states?.desired),
      toJsonb(change.states?.live),
      change.states?.desiredHash ?? null,
    ],
  );
}
