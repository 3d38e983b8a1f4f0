import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { startStack } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'realign-kept-'));
afterAll(() => {
  const elsewhere = join(directory, 'postgres', 'data-is-here');
  if (existsSync(elsewhere)) rmSync(realpathSync(elsewhere), { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

const onlyPostgres = { directory, without: ['temporal', 'kubernetes'] } as const;

// mkdtemp closes the directory to others, and as root PostgreSQL runs as another user: the harder case.
test('data is kept between runs, even under a closed directory', async () => {
  chmodSync(directory, 0o700);
  const first = await startStack(onlyPostgres);
  await query(first.postgresUrl, 'create table note as select 42 as answer');
  await first.stop();
  const second = await startStack(onlyPostgres);
  expect(await query(second.postgresUrl, 'select answer from note')).toEqual([{ answer: 42 }]);
  await second.stop();
});

test('all databases that are asked for exist, in a PostgreSQL 18', async () => {
  const stack = await startStack({ ...onlyPostgres, databases: ['realign', 'confighub'] });
  const found = await query(
    stack.postgresUrl,
    "select datname from pg_database where datname in ('realign', 'confighub') order by 1",
  );
  expect(found).toEqual([{ datname: 'confighub' }, { datname: 'realign' }]);
  expect(await query(stack.postgresUrl, 'show server_version')).toMatchObject([
    { server_version: expect.stringMatching(/^18\./) },
  ]);
  await stack.stop();
});

test('a Postgres of the user is used, and none is started', async () => {
  const mine = 'postgres://me@127.0.0.1:1/mine';
  const stack = await startStack({ postgresUrl: mine, without: ['temporal', 'kubernetes'] });
  expect(stack.postgresUrl).toBe(mine);
  await stack.stop();
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
