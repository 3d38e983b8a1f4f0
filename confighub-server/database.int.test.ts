import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testPostgres } from '../testing/stack.ts';
import { type Database, openDatabase, type Sql } from './database.ts';

// More than there are connections: one that is not given back makes the last of them wait in vain.
const MANY = 40;

describe('reads of one moment', () => {
  let url: string;
  let database: Database;

  beforeAll(async () => {
    ({ url } = await testPostgres());
    database = await openDatabase(url);
  });
  afterAll(() => database.close());

  const countSpaces = async (sql: Sql) => {
    const rows = await sql.rows<{ count: number }>('SELECT count(*) AS count FROM spaces');
    return rows[0]?.count;
  };
  const addSpace = () =>
    database.transaction((sql) =>
      sql.rows('INSERT INTO spaces (space_id, organization_id, slug) VALUES ($1, $1, $2)', [
        randomUUID(),
        randomUUID(),
      ]),
    );

  it('do not see what is committed between two statements', async () => {
    const [before, after] = await database.snapshot(async (sql) => {
      const first = await countSpaces(sql);
      await addSpace();
      return [first, await countSpaces(sql)];
    });
    expect(after).toBe(before);
    expect(await database.snapshot(countSpaces)).toBe(Number(before) + 1);
  });

  it('write nothing', async () => {
    const writing = database.snapshot((sql) => sql.rows('DELETE FROM spaces'));
    await expect(writing).rejects.toThrow('read-only transaction');
  });

  it('give their connection back when a statement fails', async () => {
    const failing = Array.from({ length: MANY }, () =>
      database.snapshot((sql) => sql.rows('SELECT 1 / 0')),
    );
    const results = await Promise.allSettled(failing);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect(await database.snapshot(countSpaces)).toBeGreaterThanOrEqual(0);
  });

  it('refuse a statement of a branch that goes on after the work has failed', async () => {
    const { promise: failed, resolve: fail } = Promise.withResolvers<void>();
    let late: Promise<unknown> = Promise.resolve();
    const work = database.snapshot(async (sql) => {
      await countSpaces(sql);
      late = failed.then(() => countSpaces(sql));
      throw new Error('the other branch failed');
    });
    await expect(work).rejects.toThrow('the other branch failed');
    fail();
    await expect(late).rejects.toThrow('after the end of its transaction');
  });

  it('see a table as a newer version has made it', async () => {
    const find = (sql: Sql) => sql.rows('SELECT * FROM spaces WHERE slug = $1', ['none']);
    await Promise.all(Array.from({ length: MANY }, () => database.snapshot(find)));
    await database.transaction((sql) => sql.rows('ALTER TABLE spaces ADD later text'));
    const reads = Array.from({ length: MANY }, () => database.snapshot(find));
    expect(await Promise.all(reads)).toEqual(reads.map(() => []));
    await database.transaction((sql) => sql.rows('ALTER TABLE spaces DROP later'));
    expect(await database.transaction(find)).toEqual([]);
  });

  it('take no connection where nothing is asked', async () => {
    const closed = await openDatabase(url);
    await closed.close();
    expect(await closed.snapshot(async () => 'nothing')).toBe('nothing');
  });
});
