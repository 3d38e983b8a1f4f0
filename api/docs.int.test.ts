import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Episode, Finding } from '../drift/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { testPostgres } from '../testing/stack.ts';
import { createApi, type RunningApi, startApi } from './index.ts';

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

/** Enough for every example, at fixed times. */
async function tell(store: Store): Promise<void> {
  const { episodes, records, questions, analysisRuns, ruleHits } = store;
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
  await analysisRuns.start({
    runId: 'run-1',
    workflowId: 'analysis:dev',
    scope: { environment: 'dev' },
    startedAt: at(10),
  });
  await analysisRuns.progress('run-1', { total: 8, checked: 3, drifted: 1, errors: [] });
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
  const finding: Finding = {
    ref,
    uid: 'uid',
    resourceVersion: '7',
    changes: [
      {
        path: 'spec.replicas',
        op: 'changed',
        desired: 3,
        live: 5,
        type: 'Scaling',
        severity: 'high',
        who: 'kubectl',
        when: at(minute),
        confidence: 'high',
      },
    ],
    omitted: 0,
    severity: 'high',
    direction: 'forward',
    who: 'kubectl',
    diffDigest: 'd',
    score: 40,
    costDeltaUsdMonthly: 3.996,
  };
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
