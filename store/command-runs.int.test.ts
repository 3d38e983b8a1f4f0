import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../lib/log.ts';
import { testPostgres } from '../testing/stack.ts';
import { createStore, migrate, type Store } from './index.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 15, 10, minute)).toISOString();
const RUN = { kind: 'correction', workflowId: 'correct:c1', subject: 'bulk' } as const;

let store: Store;
let url: string;

beforeAll(async () => {
  ({ url } = await testPostgres({ name: 'realign', prepare: migrate }));
  store = createStore({ databaseUrl: url, log: createLog('silent') });
});
afterAll(() => store?.close());

test('a run is noted once, told how it goes, and stays as it ended', async () => {
  const { commandRuns } = store;
  const run = { ...RUN, runId: 'c1', requestedBy: 'ann', startedAt: at(1) };
  await commandRuns.start(run);
  await commandRuns.start({ ...run, subject: 'said again by whoever started it' });
  expect(await commandRuns.find('c1')).toEqual({ ...run, status: 'running', message: '' });

  await commandRuns.update('c1', { status: 'waiting', changeSet: 'shop/correct-c1' });
  await commandRuns.update('c1', { status: 'completed', message: '2 fixed', endedAt: at(3) });
  await commandRuns.update('c1', { status: 'running', message: 'a late repeat' });
  expect(await commandRuns.find('c1')).toEqual({
    ...{ ...run, status: 'completed', message: '2 fixed' },
    ...{ changeSet: 'shop/correct-c1', endedAt: at(3) },
  });
  expect(await commandRuns.find('c2')).toBeUndefined();

  await commandRuns.start({ ...run, runId: 'c2', startedAt: at(2) });
  expect((await commandRuns.latestOf(RUN.workflowId))?.runId).toBe('c2');
  expect(await commandRuns.latestOf('correct:none')).toBeUndefined();
});

test('the first result of a unit holds, and none can be rewritten', async () => {
  const { commandRuns } = store;
  await commandRuns.start({ ...RUN, runId: 'c3', requestedBy: 'ann', startedAt: at(1) });
  const web = { environment: 'dev', unit: 'shop-dev/web', result: 'fixed', reason: '' } as const;
  const api = {
    environment: 'dev',
    unit: 'shop-dev/api',
    result: 'asked',
    reason: 'rule',
  } as const;
  await commandRuns.addResults('c3', [web, { ...api, questionId: 'q1' }], at(2));
  await commandRuns.addResults('c3', [{ ...web, result: 'unchanged' }], at(3));
  expect(await commandRuns.listResults('c3')).toEqual([{ ...api, questionId: 'q1' }, web]);

  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const rewrite = client.query(`update command_results set result = 'failed'`);
    await expect(rewrite).rejects.toThrow('append-only');
  } finally {
    await client.end();
  }
});
