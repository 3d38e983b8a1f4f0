import { z } from 'zod';
import type { Episode } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Database } from './database.ts';
import { openEpisode } from './open-episode.ts';
import {
  finding,
  instant,
  outcome,
  present,
  refColumns,
  refOfRow,
  resourceValues,
  toJsonb,
  toText,
} from './rows.ts';
import { createSteps } from './steps.ts';
import type { OpenEpisodeCount, Store } from './types.ts';

/** More open episodes than this are not listed at once. */
const MAX_OPEN = 10_000;
/** One batch of audit events is about fewer objects that drift. */
const MAX_WITHOUT_AUTHOR = 500;

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
    labels: z.record(z.string(), z.string()).nullable(),
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
        labels: row.labels,
      }),
    };
  });

const countRow = z.object({
  environment: z.string(),
  severity: z.enum(['info', 'low', 'medium', 'high', 'critical']),
  count: z.number(),
});

/** The table `episodes` with its `steps`, and what both mean for the record of the resource. */
export function createEpisodes(database: Database): Store['episodes'] {
  return {
    ...createSteps(database),
    open: (episode, states) => openEpisode(database, episode, states),
    update: (episodeId, change) => update(database, episodeId, change),

    close: (...about) => close(database, ...about),

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
      const rows = await database.query(
        'episodes',
        'list',
        `select * from episodes
          where environment = $1 and api_group = $2 and kind = $3 and namespace = $4 and name = $5
          order by first_detected desc, id desc
          limit $6`,
        [...resourceValues(ref), limit],
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

    listWithoutAuthor: (writes) => listWithoutAuthor(database, writes),

    async countOpen() {
      const rows = await database.query(
        'episodes',
        'count open',
        `select environment, coalesce(severity, 'info') as severity, count(*)::int as count
           from episodes where ended_at is null group by 1, 2`,
      );
      return rows.map((row) => countRow.parse(row) satisfies OpenEpisodeCount);
    },
  };
}

/** Its run has closed its question by then, unless that run is gone and another one ends the episode. */
async function close(
  database: Database,
  ...[episodeId, outcome, message, at]: Parameters<Store['episodes']['close']>
): Promise<void> {
  await database.query(
    'episodes',
    'close',
    `with closed as (
       update episodes set outcome = $2, message = $3, ended_at = $4
        where id = $1 and ended_at is null
     ), withdrawn as (
       update questions set status = 'withdrawn', closed_at = $4
        where episode_id = $1 and status = 'open' and subject = 'drift'
     )
     update records
        set drift_status = 'resolved', outcome = $2, resolution_message = $3, resolved_at = $4, last_updated = $4
      where episode_id = $1 and drift_status = 'active'`,
    [episodeId, outcome, toText(message), at],
  );
}

async function listWithoutAuthor(
  database: Database,
  writes: Parameters<Store['episodes']['listWithoutAuthor']>[0],
): Promise<readonly ResourceRef[]> {
  const rows = await database.query(
    'episodes',
    'list without author',
    `select environment, api_group, version, kind, namespace, name from episodes
          where ended_at is null and outcome in ('detecting', 'waiting') and finding ->> 'author' is null
            and (api_group, namespace, name) in (select * from unnest($1::text[], $2::text[], $3::text[]))
          limit $4`,
    [
      writes.map((one) => toText(one.group)),
      writes.map((one) => toText(one.namespace)),
      writes.map((one) => toText(one.name)),
      MAX_WITHOUT_AUTHOR,
    ],
  );
  return rows.map((row) => refOfRow(z.object(refColumns).parse(row)));
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
              message = coalesce($7, message), unit_id = coalesce($11, unit_id),
              labels = coalesce($12, labels)
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
      change.unitId ?? null,
      toJsonb(change.labels),
    ],
  );
}
