import { z } from 'zod';
import type { Database, RunQuery } from './database.ts';

/** What is older goes: drifts that ended before, decisions and what was done to units before; RFC 3339. */
type RetentionAges = { readonly episodes: string; readonly audit: string };

export type Retention = {
  /**
   * Deletes a bounded part of what is too old; what is open stays, with all that hangs on it. Answers with the rows by table,
   * and whether more is left; nothing where another process is at it.
   */
  deleteOld(
    before: RetentionAges,
  ): Promise<
    { readonly deleted: Readonly<Record<string, number>>; readonly isDone: boolean } | undefined
  >;
};

/** Episodes, promotions or questions that one transaction takes up. */
const MAX_SUBJECTS = 100;
/** Rows of a table that one transaction deletes, so that it holds its locks for a moment only. */
const MAX_ROWS = 2_000;
/** Names the lock under which one process at a time deletes, among advisory locks of the database. */
const LOCK = 'realign retention';

/** What hangs on an episode or a promotion, each by the column that names it. */
const DEPENDENTS = [
  ['steps', 'episode_id'],
  ['notices', 'episode_id'],
  ['messages', 'subject'],
  ['digest_members', 'subject'],
  ['analyses', 'episode_id'],
  ['unit_holds', 'episode_id'],
  ['records', 'episode_id'],
] as const;

/** Ended long enough ago; a record or a question that is open all the same keeps the episode. */
const OLD_EPISODES = `
  select e.id from episodes e
   where e.ended_at < $1
     and not exists (select 1 from records r where r.episode_id = e.id and r.drift_status = 'active')
     and not exists (select 1 from questions q where q.episode_id = e.id and q.status = 'open')
   order by e.ended_at limit ${MAX_SUBJECTS}`;

/** Promotions and runs of commands, of which there are steps without an episode. */
const OLD_PROMOTIONS = `
  select distinct s.episode_id as id from steps s
   where s.at < $1
     and not exists (select 1 from episodes e where e.id = s.episode_id)
     and not exists (select 1 from steps later where later.episode_id = s.episode_id and later.at >= $1)
     and not exists (select 1 from questions q where q.episode_id = s.episode_id and q.status = 'open')
   limit ${MAX_SUBJECTS}`;

const OLD_DIGESTS = `
  select d.id from digests d
   where d.started_at < $1 and not exists (select 1 from digest_members m where m.digest_id = d.id)
   limit ${MAX_SUBJECTS}`;

const OLD_QUESTIONS = `
  select q.id from questions q
   where q.closed_at < $1 and q.status <> 'open'
     and not exists (select 1 from episodes e where e.id = q.episode_id and e.ended_at is null)
   order by q.closed_at limit ${MAX_SUBJECTS}`;

const OLD_COMMANDS = `select c.id from command_runs c where c.ended_at < $1 limit ${MAX_SUBJECTS}`;

/** Of one episode all or nothing goes: its own row goes last, once nothing hangs on it. */
const KINDS = [
  { age: 'episodes', find: OLD_EPISODES, dependents: DEPENDENTS, table: 'episodes' },
  { age: 'episodes', find: OLD_PROMOTIONS, dependents: DEPENDENTS, table: undefined },
  { age: 'episodes', find: OLD_DIGESTS, dependents: [['messages', 'subject']], table: 'digests' },
  {
    ...{ age: 'audit', find: OLD_QUESTIONS, dependents: [['decisions', 'question_id']] },
    table: 'questions',
  },
  {
    ...{ age: 'audit', find: OLD_COMMANDS, dependents: [['command_results', 'run_id']] },
    table: 'command_runs',
  },
] as const satisfies readonly {
  readonly age: keyof RetentionAges;
  readonly find: string;
  readonly dependents: readonly (readonly [string, string])[];
  readonly table: string | undefined;
}[];

const OLD_UNIT_WRITES = `
  unit_writes.started_at < $1
  and not exists (select 1 from episodes e where e.id = unit_writes.episode_id and e.ended_at is null)`;

const idRow = z.object({ id: z.string() });
const countRow = z.object({ count: z.number() });

/** Deletes what is too old, of all tables that grow with what happens. */
export function createRetention(database: Database): Retention {
  return {
    deleteOld: (before) =>
      database.transaction(async (query) => {
        const [lock] = await query(
          'retention',
          'lock',
          'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as is_mine',
          [LOCK],
        );
        if (!z.object({ is_mine: z.boolean() }).parse(lock).is_mine) return undefined;
        // Until the end of this transaction append-only rows may go.
        await query('retention', 'permit', `set local realign.retention = 'on'`);
        const deletion = startDeletion(query);
        for (const { age, find, dependents, table } of KINDS) {
          const found = await query('retention', 'find', find, [before[age]]);
          const ids = found.map((row) => idRow.parse(row).id);
          if (ids.length === 0) continue;
          await deletion.deleteOf(ids, dependents, table);
          if (ids.length === MAX_SUBJECTS) deletion.leaveRest();
        }
        await deletion.delete('unit_writes', OLD_UNIT_WRITES, before.audit);
        return deletion.result();
      }),
  };
}

function startDeletion(query: RunQuery) {
  const deleted: Record<string, number> = {};
  let isDone = true;

  /** True where no such row is left. */
  async function deleteRows(table: string, where: string, value: unknown): Promise<boolean> {
    const [row] = await query(
      table,
      'delete old',
      `with gone as (
         delete from ${table} where ctid = any(array(select ctid from ${table} where ${where} limit ${MAX_ROWS}))
         returning 1
       ) select count(*)::int as count from gone`,
      [value],
    );
    const { count } = countRow.parse(row);
    if (count > 0) deleted[table] = (deleted[table] ?? 0) + count;
    const isAll = count < MAX_ROWS;
    isDone &&= isAll;
    return isAll;
  }

  return {
    delete: deleteRows,
    async deleteOf(
      ids: readonly string[],
      dependents: readonly (readonly [string, string])[],
      table: string | undefined,
    ): Promise<void> {
      let isFree = true;
      for (const [dependent, column] of dependents) {
        isFree = (await deleteRows(dependent, `${column} = any($1)`, ids)) && isFree;
      }
      if (isFree && table !== undefined) await deleteRows(table, 'id = any($1)', ids);
    },
    leaveRest() {
      isDone = false;
    },
    result: () => ({ deleted, isDone }),
  };
}
