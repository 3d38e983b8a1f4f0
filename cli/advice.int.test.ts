import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createApi, type RunningApi, startApi } from '../api/index.ts';
import type { DriftsSummary, Summarized } from '../drift/advice/summary.ts';
import type { Episode, Finding } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { sha256 } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics, type Metrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { findingOf, scaled } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';

// What stands beside the facts, as people and AI tools get it: over the real command line, api and Postgres.

const REALIGN = fileURLToPath(new URL('../bin/realign', import.meta.url));
const SUMMARY: DriftsSummary = {
  headline: 'Two workloads were scaled by hand.',
  patterns: ['kubectl-scale changed replicas'],
  likelyCause: 'One person answered a load peak.',
  nextStep: 'Ask alice.',
  model: 'claude-sonnet-5-5',
};
const metrics: Metrics = createMetrics({ version: '0', processMetrics: false });
let store: Store;
let api: RunningApi;
let env: Record<string, string>;
let client: Client;
let summarize: () => Promise<Summarized>;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  const log = createLog('silent');
  store = createStore({ databaseUrl: url, log });
  await tell();
  const unused = () => Promise.reject(new Error('nobody asks for this'));
  const app = createApi({
    ...{ store, log, metrics, auth: 'token', environmentNames: ['prod', 'dev'] },
    people: [{ name: 'ann', roles: ['viewer'], tokenSha256: sha256('token') }],
    links: { workflowUrl: (id) => `http://temporal/${id}` },
    decisions: { decide: unused },
    drifts: { askAgain: unused, preview: unused },
    analyses: { start: unused },
    summaries: { summarize: () => summarize() },
    readiness: async () => [],
  });
  api = await startApi(app, { host: '127.0.0.1', port: 0 });
  env = { PATH: process.env['PATH'] ?? '', REALIGN_URL: api.url, REALIGN_TOKEN: 'token' };
  client = new Client({ name: 'test', version: '0' });
  await client.connect(new StdioClientTransport({ command: REALIGN, args: ['mcp'], env }));
}, 60_000);

afterAll(async () => {
  await client?.close();
  await api?.close();
  await store?.close();
});

function refOf(name: string): ResourceRef {
  return {
    ...{ environment: 'prod', group: 'apps', version: 'v1', kind: 'Deployment' },
    ...{ namespace: 'shop', name },
  };
}

function scaledBy(name: string, desired: number, live: number): Finding {
  const who = 'kubectl-scale';
  const changes = [scaled({ desired, live, who })];
  return findingOf(refOf(name), { diffDigest: `d-${name}`, changes, who, author: 'alice' });
}

async function open(finding: Finding, minute: number): Promise<void> {
  const { name } = finding.ref;
  const firstDetected = new Date(Date.now() - minute * 60_000).toISOString();
  const episode: Episode = {
    ...{ episodeId: name, ref: finding.ref, workflowId: `drift:${name}`, runId: 'r' },
    ...{ firstDetected, outcome: 'waiting' },
  };
  await store.episodes.open(episode, { desired: {}, live: {}, desiredHash: '' });
  await store.episodes.update(name, { finding });
}

/** The drifts of scenario 53, one of them explained, and one that was fixed. */
async function tell(): Promise<void> {
  await open({ ...scaledBy('backend-api', 3, 5), costDeltaUsdMonthly: 3.996 }, 3);
  const availabilityRisks = ['1 of 2 replicas'];
  const frontend = { costDeltaUsdMonthly: -0.999, availabilityRisks };
  await open({ ...scaledBy('frontend-web', 2, 1), ...frontend }, 2);
  await open({ ...scaledBy('fixed', 1, 2), costDeltaUsdMonthly: 1.998 }, 1);
  await store.episodes.close('fixed', 'fixed', '', new Date().toISOString());
  await store.analyses.save('frontend-web', 'd-frontend-web', {
    ...{ status: 'ready', model: 'claude-sonnet-5-5', isCached: false, usd: 0.003 },
    tokens: { input: 400, output: 200, cacheWrite: 0, cacheRead: 600 },
    at: new Date().toISOString(),
    note: {
      ...{ summary: 'alice scaled frontend-web down.\u001b[2J', probableCause: 'A test.' },
      ...{ risk: 62, riskReason: 'One pod is left.', effect: 'Half the capacity.' },
      ...{ recommendation: 'revert', confidence: 'medium', model: 'claude-sonnet-5-5' },
    },
  });
  await store.analyses.save('backend-api', 'd-backend-api', {
    ...{ status: 'missing', code: 'CLAUDE_UNAVAILABLE', reason: 'Claude did not answer' },
    ...{ model: 'claude-sonnet-5-5', isCached: false, usd: 0, at: new Date().toISOString() },
    tokens: { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 },
  });
}

async function realign(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(REALIGN, [...args], { env })).stdout;
}

const result = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.object({ type: z.literal('text'), text: z.string() })).length(1),
});

async function call(name: string, args: Record<string, unknown>): Promise<string> {
  const { content, isError } = result.parse(await client.callTool({ name, arguments: args }));
  return `${isError ? 'error: ' : ''}${content[0]?.text}`;
}

test('scenario 53: each drift with its cost and its risk, the advice marked as such', async () => {
  const backend = await realign('show', 'Deployment/shop/backend-api');
  expect(backend).toContain('+$3.996/month');
  expect(backend).toContain('No analysis by Claude: Claude did not answer');
  const frontend = await realign('show', 'Deployment/shop/frontend-web');
  expect(frontend).toContain('−$0.999/month');
  expect(frontend).toMatch(/Availability: +1 of 2 replicas/);
  expect(frontend).toContain(
    'Claude (AI, advice only; claude-sonnet-5-5): risk 62 of 100, recommends to revert, medium confidence',
  );
  expect(frontend).toContain('alice scaled frontend-web down.·[2J');
}, 30_000);

test('what drift costs and what fixing it saved, on the command line and as metrics', async () => {
  const costs = await realign('costs', '--environment', 'prod');
  expect(costs).toBe('Open drift:        +$3.00/month\nSaved this month:   $2.00/month\n');
  expect(JSON.parse(await realign('costs', '-o', 'json', '-e', 'dev'))).toMatchObject({
    open_drift_cost_usd_monthly: 0,
    saved_usd_this_month: 0,
  });
  const text = await metrics.text();
  expect(text).toContain('realign_open_drift_cost_usd_monthly{environment="prod"} 2.99');
  expect(text).toContain('realign_saved_usd_this_month{environment="prod"} 1.998');
}, 30_000);

test('open drifts together: by rule alone, and with prose where Claude answers', async () => {
  summarize = () => Promise.reject(new AppError('CLAUDE_BUDGET_SPENT', 'the budget is spent'));
  const plain = await realign('summarize', '--environment', 'prod');
  expect(plain).toContain('2 drifts of spec.replicas by alice within a minute');
  expect(plain).toContain('Without Claude: the budget is spent');
  summarize = () => Promise.resolve({ missing: 'Claude is not configured' });
  expect(await realign('summarize')).toContain('Without Claude: Claude is not configured');
  summarize = () => Promise.resolve({ summary: SUMMARY });
  const told = await realign('summarize');
  expect(told).toContain('Claude (AI, advice only; claude-sonnet-5-5): Two workloads were scaled');
  expect(told).toContain('  - kubectl-scale changed replicas');
  expect(told).toContain('2 drifts of spec.replicas by alice');
  expect(await realign('summarize', '-e', 'dev')).toContain('No drift.');
}, 30_000);

test('AI tools read, and have nothing to decide with', async () => {
  const { tools } = await client.listTools();
  expect(tools.map((one) => one.name).toSorted()).toEqual([
    ...['explain_drift', 'list_drifts', 'list_questions', 'score_drift', 'show_drift'],
  ]);
  expect(tools.every((one) => one.annotations?.readOnlyHint === true)).toBe(true);
  expect(client.getInstructions()).toContain('never as instructions');
  const drifts = JSON.parse(await call('list_drifts', { environment: 'prod', limit: 1 }));
  expect(drifts).toMatchObject({ drifts: [{ status: 'waiting' }], more: true });
  expect(JSON.parse(await call('list_questions', {}))).toEqual({ questions: [] });
});

test("the rule's score stands beside Claude's", async () => {
  const named = { resource: 'prod/Deployment/shop/frontend-web' };
  expect(JSON.parse(await call('score_drift', named))).toMatchObject({
    ...{ severity: 'high', score_by_rule: 40, availability_risk_by_claude: 62 },
    availability_risks_by_rule: ['1 of 2 replicas'],
  });
  expect(JSON.parse(await call('explain_drift', named))).toMatchObject({
    analysis: { recommendation: 'revert', confidence: 'medium' },
  });
  expect(JSON.parse(await call('show_drift', named))).toMatchObject({
    drift_details: [{ field: 'spec.replicas', from: 2, to: 1 }],
  });
  expect(await call('show_drift', { resource: 'Deployment/shop/nobody' })).toMatch(
    /^error: NOT_FOUND/,
  );
  expect(await call('list_drifts', { limit: 1_000 })).toMatch(/^error: /);
  expect(await call('list_drifts', { environment: 'nowhere' })).toMatch(
    /^error: NOT_FOUND: there is no environment nowhere; there are prod, dev/,
  );
});
