import { z } from 'zod';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Database } from './database.ts';
import {
  finding,
  instant,
  json,
  outcome,
  present,
  refColumns,
  refOfRow,
  refValues,
  toJsonb,
} from './rows.ts';
import type { DriftRecord, RecordQuery, Store } from './types.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
/** A name without an environment may exist in several; nobody has more candidates to choose from. */
const MAX_CANDIDATES = 100;

/** Postgres unpacks the states of all of them to measure them. */
const MAX_LIMIT_WITH_STATES = 100;
/** States on one page of a list; a page holds one record at the least. */
const MAX_STATES_BYTES = 8 * 2 ** 20;

/** The episode and the open question add what the record itself does not hold. */
const JOINED = `from records r
  left join episodes e on e.id = r.episode_id
  left join questions q on q.episode_id = r.episode_id and q.status = 'open' and q.subject = 'drift'`;
const COLUMNS = 'r.*, e.workflow_id, e.run_id, e.rule, e.policy_outcome, q.id as question_id';
const SELECT = `select ${COLUMNS} ${JOINED}`;

/** As the api writes them, in bytes. */
const STATES_BYTES = 'octet_length(r.desired_state::text) + octet_length(r.live_state::text)';

const recordRow = z
  .object({
    id: z.string(),
    ...refColumns,
    drift_status: z.enum(['active', 'resolved', 'none']),
    episode_id: z.string().nullable(),
    workflow_id: z.string().nullable(),
    run_id: z.string().nullable(),
    rule: z.string().nullable(),
    policy_outcome: z.enum(['auto', 'ask', 'notify', 'track']).nullable(),
    question_id: z.string().nullable(),
    finding: finding.nullable(),
    outcome: outcome.nullable(),
    desired_state: json,
    live_state: json,
    last_known_good_hash: z.string(),
    first_detected: instant.nullable(),
    resolved_at: instant.nullable(),
    resolution_message: z.string(),
    last_updated: instant,
    created_at: instant,
    listed_at: instant,
  })
  .transform((row): { record: DriftRecord; listedAt: string } => ({
    listedAt: row.listed_at,
    record: {
      id: row.id,
      ref: refOfRow(row),
      status: row.drift_status,
      desiredState: row.desired_state,
      liveState: row.live_state,
      desiredHash: row.last_known_good_hash,
      resolutionMessage: row.resolution_message,
      lastUpdated: row.last_updated,
      createdAt: row.created_at,
      ...present({
        episodeId: row.episode_id,
        workflowId: row.workflow_id,
        runId: row.run_id,
        rule: row.rule,
        policyOutcome: row.policy_outcome,
        questionId: row.question_id,
        finding: row.finding,
        outcome: row.outcome,
        firstDetected: row.first_detected,
        resolvedAt: row.resolved_at,
      }),
    },
  }));

const pageRow = z
  .looseObject({ is_within: z.boolean() })
  .transform((row) => ({ ...recordRow.parse(row), isWithin: row.is_within }));

const statisticsRow = z.object({
  total: z.number(),
  active: z.number(),
  resolved: z.number(),
  none: z.number(),
  activeLastDay: z.number(),
  resolvedLastDay: z.number(),
});

/** The table `records`: one row per resource that was ever compared. */
export function createRecords(database: Database): Store['records'] {
  return {
    async noteClean(ref, states, at) {
      await database.query(
        'records',
        'note clean',
        `insert into records (environment, api_group, version, kind, namespace, name,
           drift_status, desired_state, live_state, last_known_good_hash, last_updated, created_at)
         values ($1, $2, $3, $4, $5, $6, 'none', $7, $8, $9, $10, $10)
         on conflict (environment, api_group, kind, namespace, name) do update
           set version = excluded.version, desired_state = excluded.desired_state, live_state = excluded.live_state,
               last_known_good_hash = excluded.last_known_good_hash, last_updated = excluded.last_updated
           where records.drift_status = 'none' and records.last_updated < excluded.last_updated
             and (records.desired_state::text, records.live_state::text)
               is distinct from (excluded.desired_state::text, excluded.live_state::text)`,
        [...refValues(ref), toJsonb(states.desired), toJsonb(states.live), states.desiredHash, at],
      );
    },

    list: (query) => list(database, query),

    async find(parts) {
      const rows = await database.query(
        'records',
        'find',
        `${SELECT}
          where r.kind = $1 and r.namespace = $2 and r.name = $3 and ($4::text is null or r.environment = $4)
          order by r.environment, r.api_group
          limit ${MAX_CANDIDATES}`,
        [parts.kind, parts.namespace, parts.name, parts.environment ?? null],
      );
      return rows.map((row) => recordRow.parse(row).record);
    },

    async statistics(environment) {
      const [row] = await database.query(
        'records',
        'statistics',
        `select count(*)::int as total,
                count(*) filter (where drift_status = 'active')::int as active,
                count(*) filter (where drift_status = 'resolved')::int as resolved,
                count(*) filter (where drift_status = 'none')::int as none,
                count(*) filter (where drift_status = 'active' and first_detected > now() - interval '1 day')::int
                  as "activeLastDay",
                count(*) filter (where drift_status = 'resolved' and resolved_at > now() - interval '1 day')::int
                  as "resolvedLastDay"
           from records ${environment === undefined ? '' : 'where environment = $1'}`,
        environment === undefined ? [] : [environment],
      );
      return statisticsRow.parse(row);
    },
  };
}

/** Newest drift first. Only the conditions that are asked for enter the statement, so that an index serves each. */
async function list(database: Database, query: RecordQuery): ReturnType<Store['records']['list']> {
  const most = query.states === true ? MAX_LIMIT_WITH_STATES : MAX_LIMIT;
  const limit = Math.min(Math.max(query.limit ?? DEFAULT_LIMIT, 1), most);
  const values: unknown[] = [];
  const conditions: string[] = [];
  const add = (sql: (parameter: string) => string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(sql(`$${values.length}`));
  };
  add((p) => `r.environment = ${p}`, query.environment);
  add((p) => `r.namespace = ${p}`, query.namespace);
  add((p) => `r.kind = ${p}`, query.kind);
  add((p) => `r.name = ${p}`, query.name);
  add((p) => `r.severity = ${p}`, query.severity);
  add((p) => `r.drift_status = ${p}`, query.status);
  if (query.driftDetected === true) conditions.push(`r.drift_status = 'active'`);
  if (query.driftDetected === false) conditions.push(`r.drift_status in ('resolved', 'none')`);
  if (query.cursor !== undefined) {
    const { at, id } = decodeCursor(query.cursor);
    values.push(at, id);
    conditions.push(
      `(r.listed_at, r.id) < ($${values.length - 1}::timestamptz, $${values.length}::uuid)`,
    );
  }
  values.push(limit + 1);
  const page = `${JOINED}
      ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
      order by r.listed_at desc, r.id desc
      limit $${values.length}`;
  const statement = query.states === true ? withStates(page) : withoutStates(page);
  const rows = await database.query('records', 'list', statement, values);
  const parsed = rows.map((row) => pageRow.parse(row));
  const kept = parsed.filter((one) => one.isWithin).slice(0, limit);
  const last = kept.at(-1);
  const items = kept.map((one) => one.record);
  if (parsed.length === kept.length || last === undefined) return { items };
  return { items, nextCursor: encodeCursor({ at: last.listedAt, id: last.record.id }) };
}

/** Postgres does not even read the states, which it keeps apart from the rows. */
function withoutStates(page: string): string {
  return `select ${COLUMNS}, '{}'::jsonb as desired_state, '{}'::jsonb as live_state, true as is_within ${page}`;
}

/** The first row that is too much stays: it says that there is a next page. */
function withStates(page: string): string {
  return `select * from (
      select page.*, sum(bytes) over pages as total, row_number() over pages as place,
             sum(bytes) over pages <= ${MAX_STATES_BYTES} or row_number() over pages = 1 as is_within
        from (select ${COLUMNS}, ${STATES_BYTES} as bytes ${page}) page
      window pages as (order by listed_at desc, id desc rows unbounded preceding)
    ) sized
    where total - bytes <= ${MAX_STATES_BYTES} or place <= 2
    order by listed_at desc, id desc`;
}
