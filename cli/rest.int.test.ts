import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi, type RunningApi, startApi } from '../api/index.ts';
import type { DecisionRow, Question } from '../drift/decide/record.ts';
import { parseConfig } from '../lib/config.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { findingOf } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';
import { createMessageOf } from '../workers/subjects.ts';

// The command line against the real api: what one answers, the other reads.

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const REF = {
  environment: 'prod',
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'checkout',
};
const NOW = new Date().toISOString();
const RUN = { runId: 'run-1', workflowId: 'analysis:all', scope: {}, startedAt: NOW };

let store: Store;
let api: RunningApi;
const decided: DecisionRow[] = [];

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  const log = createLog('silent');
  store = createStore({ databaseUrl: url, log });
  const app = createApi({
    store,
    environmentNames: ['dev', 'prod'],
    people: [{ name: 'ann', roles: ['approver'], tokenSha256: sha256('ann-token') }],
    auth: 'token',
    log,
    metrics: createMetrics({ version: '0.0.0', processMetrics: false }),
    links: { workflowUrl: (id) => `http://temporal/${id}` },
    decisions: {
      decide: async (_question, row) => {
        decided.push(row);
        return { ok: true, status: 'approved' };
      },
    },
    messageOf: createMessageOf({
      store,
      config: parseConfig('', { env: {} }),
      workflowUrl: (id) => `http://temporal/${id}`,
    }),
    drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
    analyses: {
      start: async () => {
        await store.analysisRuns.start(RUN);
        await store.analysisRuns.progress('run-1', {
          total: 3,
          checked: 3,
          drifted: 1,
          errors: [],
        });
        await store.analysisRuns.finish('run-1', 'completed', NOW);
        return { ...RUN, alreadyRunning: false };
      },
    },
    readiness: async () => [],
  });
  api = await startApi(app, { host: '127.0.0.1', port: 0 });
  await openQuestion();
});
afterAll(async () => {
  await api?.close();
  await store?.close();
});

test('lists, shows and answers what the api has', async () => {
  const drifts = await realign('drifts');
  expect(drifts).toMatchObject({ code: 0, stderr: '' });
  expect(drifts.stdout).toMatch(/prod +Deployment\/shop\/checkout .* spec\.replicas: 3 → 5/);
  const shown = await realign('show', 'Deployment/shop/checkout');
  expect(shown.stdout).toMatch(/spec\.replicas +3 +5 +Scaling +high +kubectl/);
  // The card of Slack, drawn, and how it is answered here.
  expect(shown.stdout).toMatch(/^┃ .*Deployment\/shop\/checkout/m);
  expect(shown.stdout).toContain('\nrealign approve|reject|accept|snooze q_1\n');
  const json = JSON.parse((await realign('show', 'Deployment/shop/checkout', '-o', 'json')).stdout);
  expect(json).toMatchObject({ question_id: 'q_1', drift_status: 'active' });
  expect(json).not.toHaveProperty('blocks');
  expect((await realign('questions')).stdout).toMatch(
    /q_1 +prod +Deployment\/shop\/checkout +high/,
  );

  const approved = await realign('approve', 'prod/Deployment/shop/checkout', '--reason', 'seen');
  expect(approved).toMatchObject({ code: 0 });
  expect(approved.stderr).toMatch(/^revert: apply unit checkout in acorn-bear-prod$/m);
  expect(approved.stderr).toContain('changes prod/Deployment/shop/checkout spec.replicas: 5 → 3');
  expect(decided).toMatchObject([
    { person: 'ann', door: 'cli', decision: 'approve', digest: 'digest-1', reason: 'seen' },
  ]);
});

test('analyses, and fails where drift is open', async () => {
  const { code, stdout, stderr } = await realign('analyze', '--fail-on', 'high');
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: '3 of 3 resources compared, 1 with drift.\n',
  });
  expect(stdout).toContain('Deployment/shop/checkout');
  expect((await realign('analyze', '--fail-on', 'critical')).code).toBe(0);
});

test('says who it is not, and what it does not know', async () => {
  const stranger = await realign('drifts', { token: 'wrong' });
  expect(stranger).toMatchObject({ code: 2, stderr: expect.stringContaining('REALIGN_TOKEN') });
  const unknown = await realign('show', 'Deployment/shop/absent');
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('absent') });
  const wrong = await realign('drifts', '--severity', 'hihg');
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('severity') });
});

test.each([...['drifts', 'drifts --status all', 'questions', 'costs', 'summarize']])(
  '%s refuses an environment that there is not',
  async (command) => {
    const args = command.split(' ');
    const unknown = await realign(...args, '-e', 'nope');
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('there is no environment nope; there are dev, prod');
    const empty = await realign(...args, '-e', 'dev');
    expect(empty).toMatchObject({ code: 0, stderr: '' });
  },
);

async function openQuestion(): Promise<void> {
  const finding = findingOf(REF, { resourceVersion: '7' });
  const workflow = { workflowId: 'drift:prod:Deployment.apps:shop:checkout', runId: 'r' };
  const episode = { episodeId: 'e1', ref: REF, firstDetected: NOW, finding } as const;
  const states = { desired: {}, live: {}, desiredHash: 'sha256:0' };
  await store.episodes.open({ ...episode, ...workflow, outcome: 'waiting' }, states);
  const question: Question = {
    id: 'q_1',
    kind: 'drift',
    workflowId: workflow.workflowId,
    episodeId: 'e1',
    number: 1,
    environment: 'prod',
    ref: REF,
    severity: 'high',
    summary: 'spec.replicas: 3 → 5',
    finding,
    plans: [PLAN],
    offered: 'revert',
    digest: 'digest-1',
    rule: 'prod-asks',
    quorum: 1,
    approvers: [],
    approvals: [],
    status: 'open',
    askedAt: NOW,
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  };
  await store.questions.open(question);
}

const UNIT = { space: 'acorn-bear-prod', spaceId: 's', slug: 'checkout', unitId: 'u' };
const PLAN = {
  fix: 'revert',
  steps: [{ kind: 'apply', unit: UNIT, environment: 'prod' }],
  reach: [
    {
      environment: 'prod',
      resource: 'Deployment/shop/checkout',
      path: 'spec.replicas',
      from: 5,
      to: 3,
    },
  ],
  description: 'apply unit checkout in acorn-bear-prod',
} as const;

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

function realign(...all: readonly (string | { readonly token: string })[]): Promise<Ran> {
  const args = all.filter((one) => typeof one === 'string');
  const token = all.find((one) => typeof one === 'object')?.token ?? 'ann-token';
  const env = { PATH: process.env['PATH'], REALIGN_URL: api.url, REALIGN_TOKEN: token };
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
      done({ code, stdout, stderr });
    });
  });
}
