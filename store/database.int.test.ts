import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../lib/log.ts';
import { testPostgres } from '../testing/stack.ts';
import { createDatabase, type Database } from './database.ts';

let database: Database;
beforeAll(async () => {
  const { url: databaseUrl } = await testPostgres();
  // One connection, so that a table that changes is one that it knows.
  database = createDatabase({ databaseUrl, poolSize: 1, log: createLog('silent') });
  await database.query('things', 'create', 'create table things (id int)');
  await database.query('things', 'insert', 'insert into things values ($1)', [1]);
});
afterAll(() => database?.close());

const find = 'select * from things where id = $1';
const known = () => database.query('pg', 'list', 'select statement from pg_prepared_statements');

test('a statement with values is kept by its connection, and one that fails does no harm to it', async () => {
  expect(await database.query('things', 'find', find, [1])).toEqual([{ id: 1 }]);
  await expect(database.query('things', 'find', find, ['one'])).rejects.toThrow('invalid input');
  expect(await database.query('things', 'find', find, [2])).toEqual([]);
  expect(await known()).toContainEqual({ statement: find });
});

test('a table that a newer version changes meanwhile is read as it is now, in a transaction, too', async () => {
  await database.query('things', 'find', find, [1]);
  await database.query('things', 'alter', `alter table things add name text default 'one'`);
  const found = await database.transaction((query) => query('things', 'find', find, [1]));
  expect(found).toEqual([{ id: 1, name: 'one' }]);
  await database.query('things', 'alter', 'alter table things drop name');
  expect(await database.query('things', 'find', find, [1])).toEqual([{ id: 1 }]);
});
