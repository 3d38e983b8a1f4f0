import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Analysis } from '../drift/advice/analysis.ts';
import type { PlannedUnit } from '../drift/decide/command-run.ts';
import type { Plan } from '../drift/decide/plan.ts';
import type { Episode } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { findingOf, scaled } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';
import { type ApiDeps, createApi, type RunningApi, startApi } from './index.ts';

// The page's answers are this test's: `npm test -- api/docs.int.test.ts -u` writes them anew.

const PAGE = '../docs/api.md';
const EXAMPLE =
  /^```http\n(GET|POST) (\S+)\n(?:\n(\{.*\})\n)?```\n```json\n(?:[\s{}\]].*\n)*```$/gm;
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const NOW = Date.UTC(2024, 0, 15, 10, 20);
const at = (minute: number) => new Date(Date.UTC(2024, 0, 15, 10, minute)).toISOString();

const log = createLog('silent');
let store: Store;
let api: RunningApi;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log });
  await tell(store);
  let started = false;
  const app = createApi({
    store,
    people: [{ name: 'ann', roles: ['approver'], tokenSha256: sha256('token') }],
    auth: 'token',
    log,
    metrics: createMetrics({ version: '0', processMetrics: false }),
    ignoreRules: [{ id: 'hpa-replicas', effect: 'expected', reason: 'autoscalers own scale' }],
    links: {
      workflowUrl: (id, runId) =>
        `http://127.0.0.1:8233/namespaces/default/workflows/${encodeURIComponent(id)}${runId ? `/${runId}/history` : ''}`,
    },
    decisions: {
      decide: async (question) => {
        await store.questions.close(question.id, 'approved', at(21));
        return { ok: true, status: 'approved' };
      },
    },
    drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
    commands: plannedCommands(),
    analyses: {
      start: async () => {
        const alreadyRunning = started;
        started = true;
        return { runId: 'run-1', workflowId: 'analysis:dev', alreadyRunning };
      },
    },
    readiness: async () => [
      { part: 'postgres', ok: true },
      { part: 'temporal', ok: true },
    ],
    clock: () => new Date(NOW),
  });
  api = await startApi(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api?.close();
  await store?.close();
});

test('docs/api.md shows what the api answers', async () => {
  const page = readFileSync(new URL(PAGE, import.meta.url), 'utf8');
  const examples = [...page.matchAll(EXAMPLE)];
  expect(examples).toHaveLength(page.split('```http').length - 1);
  let answered = page;
  let from = 0;
  for (const [example, method = '', path = '', body] of examples) {
    const request = example.slice(0, example.indexOf('```json'));
    const place = answered.indexOf(example, from);
    const replacement = `${request}\`\`\`json\n${await answerTo(method, path, body)}\n\`\`\``;
    answered = answered.slice(0, place) + replacement + answered.slice(place + example.length);
    from = place + replacement.length;
  }
  await expect(answered).toMatchFileSnapshot(PAGE);
});

async function answerTo(method: string, path: string, body: string | undefined): Promise<string> {
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: {
      authorization: 'Bearer token',
      'x-request-id': 'b7c1',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  });
  const text = JSON.stringify(await response.json(), null, 2);
  return text.replaceAll(UUID, '5b0b3f6e-4c1f-4f2e-9a43-1d2f8a7c9e10');
}

const ANALYSIS: Analysis = {
  ...{ status: 'ready', model: 'claude-sonnet-5-5', isCached: false, usd: 0.00286, at: at(5) },
  tokens: { input: 400, output: 200, cacheWrite: 0, cacheRead: 600 },
  note: {
    summary: 'Somebody scaled backend-api from 3 to 5 replicas with kubectl.',
    probableCause: 'A manual answer to load; no autoscaler is declared.',
    ...{ risk: 20, riskReason: 'Reverting takes two of five pods away.' },
    ...{ effect: 'Five pods run instead of three.', recommendation: 'revert' },
    ...{ confidence: 'high', model: 'claude-sonnet-5-5' },
  },
};

/** Enough for every example, at fixed times. */
async function tell(store: Store): Promise<void> {
  const { analyses, episodes, records, questions, analysisRuns, ruleHits } = store;
  await ruleHits.add([
    {
      rule: 'hpa-replicas',
      hits: 12,
      lastHit: at(5),
      environment: 'prod',
      resource: 'Deployment/shop/backend-api',
      path: 'spec.replicas',
    },
  ]);
  const states = {
    desired: { spec: { replicas: 3 } },
    live: { spec: { replicas: 5 } },
    desiredHash: `sha256:${sha256('desired')}`,
  };
  const frontend = episodeOf(refOf('dev', 'Deployment', 'frontend-web'), 'd1', 1);
  await episodes.open(frontend, states);
  const step = { episodeId: 'd1', attempt: 1, at: at(1) };
  await episodes.appendStep({ ...step, step: 'detect', key: '', status: 'done' });
  await episodes.appendStep({ ...step, step: 'apply', key: 'frontend-web', status: 'done' });
  const resolved = 'Drift resolved. Configuration now matches ConfigHub.';
  await episodes.close('d1', 'fixed', resolved, at(2));

  const backend = episodeOf(refOf('dev', 'Deployment', 'backend-api'), 'd2', 3);
  await episodes.open(
    { ...backend, rule: 'dev', policyOutcome: 'auto', outcome: 'fixing' },
    states,
  );
  for (const environment of ['dev', 'prod']) {
    await records.noteClean(refOf(environment, 'ConfigMap', 'app-config'), states, at(0));
  }

  const prod = episodeOf(refOf('prod', 'Deployment', 'backend-api'), 'd3', 4);
  await episodes.open({ ...prod, rule: 'prod', policyOutcome: 'ask', outcome: 'waiting' }, states);
  await tellQuestion(questions, prod);
  await analyses.save('d3', 'd', ANALYSIS);
  await analysisRuns.start({
    runId: 'run-1',
    workflowId: 'analysis:dev',
    scope: { environment: 'dev' },
    startedAt: at(10),
  });
  await tellOperation(store);
  await tellCommand(store);
  await analysisRuns.progress('run-1', { total: 8, checked: 3, drifted: 1, errors: [] });
}

/** A rollback that has ended. */
async function tellCommand({ commandRuns }: Store): Promise<void> {
  const name = 'acorn-bear-staging/d0-change-set-1';
  await commandRuns.start({
    ...{ runId: 'c1', kind: 'rollback', workflowId: 'rollback:acorn-bear-staging:d0-change-set-1' },
    ...{ subject: name, requestedBy: 'ann', startedAt: at(15) },
  });
  const restored = { result: 'restored', reason: 'restored and applied' } as const;
  const units = ['staging', 'prod'].map((environment) => {
    return { environment, unit: `acorn-bear-${environment}/app-config`, ...restored };
  });
  await commandRuns.addResults('c1', units, at(16));
  const message = `Rolled back change set ${name}.`;
  await commandRuns.update('c1', { status: 'completed', message, endedAt: at(16) });
}

/** Everything is started; one drift would be asked about. */
function plannedCommands(): NonNullable<ApiDeps['commands']> {
  const unit = { space: 'acorn-bear-prod', spaceId: 's', slug: 'backend-api', unitId: 'u' };
  const resource = 'Deployment/shop/backend-api';
  const plan: Plan = {
    fix: 'revert',
    description: 'apply unit acorn-bear-prod/backend-api to prod',
    steps: [{ kind: 'apply', unit, environment: 'prod', revision: 4 }],
    reach: [{ environment: 'prod', resource, path: 'spec.replicas', from: 5, to: 3 }],
  };
  const planned: PlannedUnit = {
    ...{ environment: 'prod', unit: 'acorn-bear-prod/backend-api', resource },
    ...{ outcome: 'ask', rule: 'prod', plan },
  };
  const preview = async () => ({ units: [planned] });
  const start = (workflowId: string) => async () => ({ runId: 'c1', workflowId });
  return {
    ...{ previewRollback: preview, previewCorrections: preview, previewPromotions: preview },
    rollback: start('rollback:acorn-bear-staging:d0-change-set-1'),
    correct: start('correct:c1'),
    promote: start('promote:staging:prod:_'),
  };
}

/** A value that was accepted in staging and brought on to prod. */
async function tellOperation({ operations, questions, decisions }: Store): Promise<void> {
  await questions.open({
    ...{
      id: 'q0',
      kind: 'drift',
      workflowId: 'w0',
      episodeId: 'd0',
      number: 1,
      environment: 'staging',
    },
    ...{ severity: 'low', summary: 'ConfigMap/shop/app-config: data.log_level', plans: [] },
    ...{
      offered: 'revert',
      digest: '1a',
      rule: 'staging',
      quorum: 1,
      approvers: [],
      approvals: [],
    },
    ...{ status: 'open', askedAt: at(3), expiresAt: at(63) },
  });
  await decisions.insert({
    ...{ decisionId: 'decision_0', questionId: 'q0', decision: 'accept', person: 'ann', roles: [] },
    ...{ door: 'rest', digest: '1a', reason: 'wanted from now on', at: at(4), result: 'taken' },
  });
  await questions.close('q0', 'accepted', at(4));
  const common = { operationId: 'd0-1', episodeId: 'd0', description: 'Accepted app-config' };
  const steps = [
    { kind: 'write', space: 'acorn-bear-staging', revision: 4 },
    { kind: 'apply', space: 'acorn-bear-staging', revision: 4 },
    { kind: 'upgrade', space: 'acorn-bear-prod', revision: 3 },
    { kind: 'apply', space: 'acorn-bear-prod', revision: 3 },
  ] as const;
  for (const [index, step] of steps.entries()) {
    const row = { ...common, ...step, unit: 'app-config', key: `${step.space}#1` };
    const endedAt = at(6 + index);
    await operations.note({ ...row, status: 'done', startedAt: at(5 + index), endedAt });
  }
}

async function tellQuestion(questions: Store['questions'], prod: Episode): Promise<void> {
  const unit = { space: 'acorn-bear-prod', spaceId: 's', slug: 'backend-api', unitId: 'u' };
  await questions.open({
    id: 'q1',
    kind: 'drift',
    workflowId: prod.workflowId,
    episodeId: 'd3',
    number: 1,
    environment: 'prod',
    ref: prod.ref,
    unit: 'acorn-bear-prod/backend-api',
    severity: 'high',
    summary: 'Deployment/shop/backend-api: replicas 3 → 5',
    ...(prod.finding && { finding: prod.finding }),
    plans: [
      {
        fix: 'revert',
        description: 'apply unit backend-api in acorn-bear-prod',
        steps: [{ kind: 'apply', unit, environment: 'prod' }],
        reach: [
          {
            environment: 'prod',
            resource: 'Deployment/shop/backend-api',
            path: 'spec.replicas',
            from: 5,
            to: 3,
          },
        ],
      },
    ],
    offered: 'revert',
    digest: '5f2c',
    rule: 'prod',
    quorum: 1,
    approvers: ['role:approver'],
    approvals: [],
    status: 'open',
    askedAt: at(5),
    expiresAt: at(65),
  });
}

function refOf(environment: string, kind: string, name: string): ResourceRef {
  const group = kind === 'Deployment' ? 'apps' : '';
  return { environment, group, version: 'v1', kind, namespace: 'shop', name };
}

function episodeOf(ref: ResourceRef, id: string, minute: number): Episode {
  const finding = findingOf(ref, {
    ...{ uid: 'uid', resourceVersion: '7', changes: [scaled({ when: at(minute) })] },
    costDeltaUsdMonthly: 3.996,
  });
  return {
    episodeId: id,
    ref,
    workflowId: `drift:${ref.environment}:${ref.kind}.apps:shop:${ref.name}`,
    runId: `run-of-${id}`,
    firstDetected: at(minute),
    outcome: 'detecting',
    finding,
  };
}
