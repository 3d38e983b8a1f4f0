import { Connection } from '@temporalio/client';
import pg from 'pg';
import { expect, test } from 'vitest';
import { testCluster, testPostgres, testTemporal } from './stack.ts';

test('every file gets a database of its own', async () => {
  const [one, two] = await Promise.all([testPostgres(), testPostgres()]);
  expect(one.url).not.toBe(two.url);
  expect(await rows(one.url, 'select 1 as answer')).toEqual([{ answer: 1 }]);
});

test('a template is prepared once and then copied', async () => {
  let prepared = 0;
  const template = {
    name: 'shelf',
    prepare: async (url: string) => {
      prepared += 1;
      await rows(url, 'create table book (title text)');
    },
  };
  const copies = await Promise.all([testPostgres(template), testPostgres(template)]);
  await rows(copies[0].url, "insert into book values ('only here')");
  expect(await rows(copies[1].url, 'select * from book')).toEqual([]);
  expect(prepared).toBe(1);
});

test('Temporal answers at the address', async () => {
  const { address } = await testTemporal();
  const connection = await Connection.connect({ address });
  await connection.ensureConnected();
  await connection.close();
});

test('namespaces are fresh', async () => {
  const cluster = await testCluster();
  expect(await cluster.namespace()).not.toBe(await cluster.namespace());
});

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
