import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Notice } from '../drift/decide/notice.ts';
import type { DecisionRow, Question } from '../drift/decide/record.ts';
import { parseConfig } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { testPostgres } from '../testing/stack.ts';
import { startRetention } from './retention.ts';

const config = parseConfig('retention: { episodes: 90d, audit: 400d }', { env: {} });
const log = createLog('silent');
const states = { desired: {}, live: {}, desiredHash: '' };
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
const plan = { operationId: 'o', kind: 'apply', space: 's', unit: 'u', description: '' } as const;

let client: Client;
let store: Store;
beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log });
  client = new Client({ connectionString: url });
  await client.connect();
});
afterAll(async () => {
  await store?.close();
  await client?.end();
});

test('what is too old goes, once for all workers; what is open stays whole', async () => {
  await drift('ancient', 500, 480);
  await drift('old', 120, 100);
  await drift('young', 120, 80);
  await drift('open', 500, undefined);
  await promotion('promotion-old', 100);
  await promotion('promotion-young', 10);
  await command('command-ancient', 450, 401);
  await command('command-running', 450, undefined);

  const { removed, metrics } = await runTwice();

  expect(await ids('episodes')).toEqual(['open', 'young']);
  for (const [table, column] of [
    ['steps', 'episode_id'],
    ['notices', 'episode_id'],
    ['messages', 'subject'],
    ['digest_members', 'subject'],
  ] as const) {
    expect(await ids(table, column), table).toEqual(['open', 'promotion-young', 'young']);
  }
  for (const table of ['analyses', 'unit_holds', 'records'] as const) {
    expect(await ids(table, 'episode_id'), table).toEqual(['open', 'young']);
  }
  expect(await ids('digests')).toEqual(['digest:open', 'digest:promotion-young', 'digest:young']);
  // The audit outlives the drift; an open drift keeps all of its own.
  const asked = ['open', 'old', 'promotion-old', 'promotion-young', 'young'].toSorted();
  expect(await ids('questions', 'episode_id')).toEqual(asked);
  expect(await ids('decisions', 'person')).toEqual(asked);
  expect(await ids('unit_writes', 'episode_id')).toEqual(asked);
  expect(await ids('command_runs')).toEqual(['command-running']);
  expect(await ids('command_results', 'run_id')).toEqual(['command-running']);
  // Two workers at once: each row was counted by one of them.
  expect(removed).toMatchObject({ episodes: 2, steps: 3, questions: 1, decisions: 1 });
  expect(await metrics.text()).toContain(
    'realign_retention_deleted_rows_total{table="episodes"} 2',
  );
});

test('more than one batch goes in one round, and a second round finds nothing', async () => {
  await client.query(`insert into episodes (id, environment, api_group, version, kind, namespace, name, workflow_id,
      run_id, first_detected, outcome, ended_at)
    select 'many-' || n, 'dev', '', 'v1', 'ConfigMap', 'shop', 'many', 'w', 'r', now() - interval '200 days', 'fixed',
           now() - interval '200 days' from generate_series(1, 250) n`);
  await client.query(`insert into steps (episode_id, step, key, attempt, status, at)
    select 'many-1', 'detect', n::text, 1, 'done', now() - interval '200 days' from generate_series(1, 4500) n`);
  expect((await runTwice()).removed).toEqual({ episodes: 250, steps: 4_500 });
  expect((await runTwice()).removed).toEqual({});
});

test('nobody else deletes from the audit', async () => {
  await drift('audited', 500, undefined);
  for (const table of ['steps', 'notices', 'decisions']) {
    await expect(client.query(`delete from ${table}`), table).rejects.toThrow(/append-only/);
  }
});

/** Two workers delete at the same time, then a third, in case one of the two found the other at it. */
async function runTwice() {
  const metrics = createMetrics({ version: '0', processMetrics: false });
  const removed: Record<string, number> = {};
  const counting = {
    ...metrics,
    oldRowsDeleted(table: string, count: number) {
      removed[table] = (removed[table] ?? 0) + count;
      metrics.oldRowsDeleted(table, count);
    },
  };
  const parts = { config, store, metrics: counting, log };
  await Promise.all([deleted(parts), deleted(parts)]);
  await deleted(parts);
  return { removed, metrics };
}

async function deleted(parts: Parameters<typeof startRetention>[0]): Promise<void> {
  const retention = startRetention(parts);
  await retention.firstRound;
  await retention.stop();
}

/** One drift with everything that may hang on it, all of its beginning. */
async function drift(id: string, beganDaysAgo: number, endedDaysAgo: number | undefined) {
  const at = daysAgo(beganDaysAgo);
  const ref = {
    environment: 'dev',
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    namespace: 'shop',
  };
  await store.episodes.open(
    {
      ...{ episodeId: id, ref: { ...ref, name: id }, workflowId: `w-${id}`, runId: 'r' },
      ...{ firstDetected: at, outcome: 'detecting' },
    },
    states,
  );
  const held = { episodeId: id, drift: 'd', exact: 'd', covers: [], at };
  await store.unitHolds.take(`unit-${id}`, held);
  await store.analyses.save(id, 'd', {
    ...{ status: 'missing', code: 'CLAUDE_OVERLOADED', reason: '', model: 'm', isCached: false },
    ...{ tokens: { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 }, usd: 0, at },
  });
  await hang(id, at);
  if (endedDaysAgo !== undefined) {
    await store.episodes.close(id, 'fixed', '', daysAgo(endedDaysAgo));
  }
}

async function promotion(id: string, beganDaysAgo: number): Promise<void> {
  await hang(id, daysAgo(beganDaysAgo));
}

async function hang(id: string, at: string): Promise<void> {
  await store.episodes.appendStep({
    ...{ episodeId: id, step: 'detect', key: '', attempt: 1, status: 'done', at },
  });
  const notice = { id, subject: id, kind: 'drift', environment: 'dev', episodeId: id };
  await store.notices.post({ ...notice, addressees: [], message: '', at } as Notice, 0);
  await store.messages.claim({ receiver: 'chat', subject: id, part: 'headline' }, at);
  const digest = { id: `digest:${id}`, receiver: 'chat', at };
  await store.digests.add(digest, [{ subject: id, leads: false }]);
  await store.operations.note({ ...plan, episodeId: id, key: id, status: 'done', startedAt: at });
  await store.questions.open({
    ...{ id: `q-${id}`, kind: 'promotion', workflowId: `w-${id}`, episodeId: id, number: 1 },
    ...{ environment: 'dev', severity: 'high', summary: '', plans: [], offered: 'revert' },
    ...{ digest: 'd', rule: 'r', quorum: 1, approvers: [], approvals: [], status: 'open' },
    ...{ askedAt: at, expiresAt: at },
  } as Question);
  await store.decisions.insert({
    ...{ decisionId: `d-${id}`, questionId: `q-${id}`, decision: 'approve', person: id, roles: [] },
    ...{ door: 'rest', digest: 'd', reason: '', at, result: 'taken' },
  } as DecisionRow);
  await store.questions.close(`q-${id}`, 'approved', at);
}

async function command(id: string, beganDaysAgo: number, endedDaysAgo: number | undefined) {
  const at = daysAgo(beganDaysAgo);
  const run = { runId: id, workflowId: id, subject: 's', requestedBy: 'ann', startedAt: at };
  await store.commandRuns.start({ ...run, kind: 'rollback' });
  const result = { environment: 'dev', unit: 's/u', result: 'restored', reason: '' } as const;
  await store.commandRuns.addResults(id, [result], at);
  if (endedDaysAgo === undefined) return;
  await store.commandRuns.update(id, { status: 'completed', endedAt: daysAgo(endedDaysAgo) });
}

async function ids(table: string, column = 'id'): Promise<readonly string[]> {
  const { rows } = await client.query<{ id: string }>(`select ${column} as id from ${table}`);
  return rows.map((row) => row.id).toSorted();
}
