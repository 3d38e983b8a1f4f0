import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AnalysisScope, DecisionRow, Episode, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { sha256 } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { analysisWorkflowId } from '../lib/workflow-id.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { findingOf, scaled } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';
import {
  type ApiDeps,
  createApi,
  createMetricsApi,
  type DecisionAnswer,
  type Readiness,
  type RunningApi,
  startApi,
} from './index.ts';
import { problemSchema } from './problem.ts';
import * as schemas from './schemas.ts';

const log = createLog('silent');
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const RESOLVED = 'Drift resolved. Configuration now matches ConfigHub.';

let store: Store;
let api: RunningApi;
const metrics = createMetrics({ version: '0.0.0', processMetrics: false });
let verdict: (question: Question, row: DecisionRow) => Promise<DecisionAnswer>;
let asked: DecisionRow[] = [];
const running = new Set<string>();
let scopes: AnalysisScope[] = [];
let parts: readonly Readiness[] = [];
let now = Date.UTC(2026, 0, 1, 12);

function deps(own: Partial<ApiDeps> = {}): ApiDeps {
  return {
    store,
    people: [
      { name: 'vera', roles: ['viewer'], tokenSha256: sha256('vera-token') },
      { name: 'ann', roles: ['approver'], tokenSha256: sha256('ann-token') },
    ],
    auth: 'token',
    log,
    metrics,
    links: { workflowUrl: (id, runId) => `http://temporal/${id}${runId ? `/${runId}` : ''}` },
    decisions: {
      decide: async (question, row) => {
        asked.push(row);
        return verdict(question, row);
      },
    },
    drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
    analyses: {
      start: async (scope) => {
        scopes.push(scope);
        const workflowId = `analysis:${JSON.stringify(scope)}`;
        const alreadyRunning = running.has(workflowId);
        running.add(workflowId);
        return { runId: `run-${JSON.stringify(scope).length}`, workflowId, alreadyRunning };
      },
    },
    readiness: async () => parts,
    clock: () => new Date(now),
    ...own,
  };
}

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log });
  api = await startApi(createApi(deps()), { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api?.close();
  await store?.close();
});
afterEach(() => {
  asked = [];
  scopes = [];
  running.clear();
  now += 60_000;
});

type Reply = { readonly status: number; readonly headers: Headers; readonly body: unknown };

async function send(
  method: string,
  path: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string>; url?: string } = {},
): Promise<Reply> {
  const { token = 'vera-token', body, headers = {}, url = api.url } = options;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  };
}

const get = (path: string, options?: Parameters<typeof send>[2]) => send('GET', path, options);

async function problem(reply: Promise<Reply>, status: number) {
  const { status: got, headers, body } = await reply;
  expect(headers.get('content-type')).toContain('application/problem+json');
  const parsed = problemSchema.parse(body);
  expect([got, parsed.status]).toEqual([status, status]);
  expect([parsed.error, parsed.message]).toEqual([parsed.title, parsed.detail]);
  return parsed;
}

function refOf(name: string, own: Partial<ResourceRef> = {}): ResourceRef {
  return {
    environment: 'dev',
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'shop',
    name,
    ...own,
  };
}

const states = {
  desired: { spec: { replicas: 2 } },
  live: { spec: { replicas: 3 } },
  desiredHash: `sha256:${'a'.repeat(64)}`,
};

async function openDrift(ref: ResourceRef, second = 1): Promise<Episode> {
  const episode: Episode = {
    episodeId: `${ref.environment}-${ref.kind}-${ref.name}-${second}`,
    ref,
    workflowId: `drift:${ref.name}`,
    runId: 'run',
    firstDetected: at(second),
    outcome: 'detecting',
    finding: findingOf(ref, {
      changes: [scaled({ desired: 2, live: 3, severity: 'medium' })],
      severity: 'medium',
      costDeltaUsdMonthly: 1.998,
    }),
  };
  await store.episodes.open(episode, states);
  return episode;
}

async function ask(name: string, own: Partial<Question> = {}): Promise<Question> {
  const ref = refOf(name);
  const episode = await openDrift(ref);
  const unit = { space: 'dev', spaceId: 's', slug: name, unitId: 'u' };
  const question: Question = {
    id: `q_${name}`,
    kind: 'drift',
    workflowId: episode.workflowId,
    episodeId: episode.episodeId,
    number: 1,
    environment: 'dev',
    ref,
    severity: 'medium',
    summary: 'replicas 2 → 3',
    plans: [
      {
        fix: 'revert',
        steps: [{ kind: 'apply', unit, environment: 'dev' }],
        reach: [
          {
            environment: 'dev',
            resource: `Deployment/shop/${name}`,
            path: 'spec.replicas',
            from: 3,
            to: 2,
          },
        ],
        description: `apply unit ${name} in dev`,
      },
    ],
    offered: 'revert',
    digest: 'digest-1',
    rule: 'dev',
    quorum: 1,
    approvers: [],
    approvals: [],
    status: 'open',
    askedAt: at(2),
    expiresAt: at(50),
    ...own,
    ...(episode.finding && { finding: episode.finding }),
  };
  await store.questions.open(question);
  return question;
}

describe('records', () => {
  test('an empty list is [] with count 0', async () => {
    for (const path of ['', '/active', '/resolved']) {
      const { status, body } = await get(`/api/v1/drift-records${path}?namespace=empty`);
      expect(status).toBe(200);
      expect(body).toMatchObject({ drift_records: [], count: 0, next_cursor: null });
    }
  });

  test('a drift is answered in the field names of DriftGuard, with its additions beside them', async () => {
    await openDrift(refOf('nginx-app'));
    const { body } = await get('/api/v1/drift-records/active?name=nginx-app&states=true');
    const list = schemas.recordListOfStatus.parse(body);
    expect(list).toMatchObject({ count: 1, status: 'active' });
    expect(list.drift_records[0]).toMatchObject({
      resource_id: 'Deployment:shop:nginx-app',
      drift_detected: true,
      drift_status: 'active',
      drift_details: [
        { field: 'spec.replicas', from: 2, to: 3, type: 'Scaling', severity: 'medium' },
      ],
      last_known_good_hash: states.desiredHash,
      first_detected: at(1),
      resolved_at: null,
      resolution_message: '',
      environment: 'dev',
      direction: 'forward',
      cost_delta_usd_monthly: 1.998,
      workflow_url: 'http://temporal/drift:nginx-app/run',
    });
    const one = await get('/api/v1/drift-records/Deployment:shop:nginx-app');
    expect(one.body).toEqual({ ...list.drift_records[0], analysis: null });
  });

  test('a resolved drift keeps its details, time and message', async () => {
    const { episodeId } = await openDrift(refOf('healed'));
    await store.episodes.close(episodeId, 'fixed', RESOLVED, at(9));
    const { body } = await get('/api/v1/drift-records/resolved?name=healed');
    expect(schemas.recordListOfStatus.parse(body).drift_records[0]).toMatchObject({
      drift_detected: false,
      drift_status: 'resolved',
      resolved_at: at(9),
      resolution_message: RESOLVED,
      drift_details: [{ field: 'spec.replicas' }],
    });
  });

  test('filters and pages are honoured', async () => {
    for (const name of ['p1', 'p2', 'p3']) await openDrift(refOf(name, { namespace: 'paged' }));
    await store.records.noteClean(
      refOf('p4', { namespace: 'paged', kind: 'Service' }),
      states,
      at(1),
    );
    const names = async (query: string) => {
      const { body } = await get(`/api/v1/drift-records?namespace=paged&${query}`);
      return schemas.recordList
        .parse(body)
        .drift_records.map((record) => record.name)
        .sort();
    };
    expect(await names('drift_detected=true')).toEqual(['p1', 'p2', 'p3']);
    expect(await names('drift_detected=false')).toEqual(['p4']);
    expect(await names('kind=Service&status=none')).toEqual(['p4']);
    expect(await names('severity=medium&environment=dev')).toEqual(['p1', 'p2', 'p3']);
    expect(await names('severity=critical')).toEqual([]);
    const first = schemas.recordList.parse(
      (await get('/api/v1/drift-records?namespace=paged&limit=3')).body,
    );
    expect(first.count).toBe(3);
    const second = await names(`limit=3&cursor=${first.next_cursor}`);
    expect([...first.drift_records.map((record) => record.name), ...second].sort()).toEqual([
      'p1',
      'p2',
      'p3',
      'p4',
    ]);
  });

  test('what cannot be meant is refused by name', async () => {
    for (const query of [
      'drift_detected=banana',
      'limit=0',
      'limit=1001',
      'severity=bad',
      'cursor=x',
      'namespce=a',
      'kind=a&kind=b',
      'namespace=a%00b',
      'name=%00',
      'cursor=%00',
      'states=banana',
    ]) {
      const { code } = await problem(get(`/api/v1/drift-records?${query}`), 400);
      expect(code).toBe('INVALID_INPUT');
    }
    await problem(get('/api/v1/drift-records/banana'), 400);
    await problem(get('/api/v1/drift-records/%E0%A4%A'), 400);
    for (const path of [
      'drift-records/Deployment:shop:a%00',
      'drift-records/Deployment:shop:a%00/history',
      'drift-records/Deployment:shop:a?group=%00',
      'questions/%00',
      'questions?environment=%00',
      'analysis-runs/%00',
      'statistics?environment=%00',
    ]) {
      const { detail } = await problem(get(`/api/v1/${path}`), 400);
      expect([path, detail]).toEqual([path, expect.stringContaining('must not hold a NUL')]);
    }
  });

  test('lists leave the states out unless they are asked for, and then end a page before it is large', async () => {
    const half = { data: 'x'.repeat(200 * 1024) };
    const large = { ...states, desired: half, live: half };
    const names = Array.from({ length: 25 }, (_, index) => `large${index}`);
    for (const name of names) {
      await store.records.noteClean(refOf(name, { namespace: 'large' }), large, at(1));
    }
    const page = async (query: string) => {
      const { body } = await get(`/api/v1/drift-records?namespace=large&limit=1000${query}`);
      return schemas.recordList.parse(body);
    };
    const bare = await page('');
    expect([bare.count, bare.next_cursor]).toEqual([25, null]);
    for (const record of bare.drift_records) {
      expect(record).toMatchObject({ desired_state: {}, live_state: {} });
    }
    const first = await page('&states=true');
    // 20 of 400 KiB and a little are within 8 MiB, 21 are not.
    expect(first.count).toBe(20);
    expect(first.drift_records[0]).toMatchObject({ desired_state: half, live_state: half });
    const second = await page(`&states=true&cursor=${first.next_cursor}`);
    expect([second.count, second.next_cursor]).toEqual([5, null]);
    const read = [...first.drift_records, ...second.drift_records].map((record) => record.name);
    expect(read.sort()).toEqual(names.sort());
    const { body: one } = await get('/api/v1/drift-records/Deployment:large:large0');
    expect(one).toMatchObject({ desired_state: half, live_state: half });
  });

  test('a record that is larger than a page is a page of its own', async () => {
    const state = { data: 'x'.repeat(5 * 2 ** 20) };
    const huge = { ...states, desired: state, live: state };
    for (const name of ['a', 'b']) {
      await store.records.noteClean(refOf(name, { namespace: 'huge' }), huge, at(1));
    }
    const path = '/api/v1/drift-records?namespace=huge&states=true';
    const first = schemas.recordList.parse((await get(path)).body);
    expect(first.count).toBe(1);
    const second = schemas.recordList.parse(
      (await get(`${path}&cursor=${first.next_cursor}`)).body,
    );
    expect([second.count, second.next_cursor]).toEqual([1, null]);
  });

  test('an unknown record is a 404 in JSON, an unclear one names its candidates', async () => {
    const missing = await problem(get('/api/v1/drift-records/Deployment:shop:nobody'), 404);
    expect(missing.error).toBe('Drift record not found');
    await openDrift(refOf('twin'));
    await openDrift(refOf('twin', { environment: 'prod' }));
    const unclear = await problem(get('/api/v1/drift-records/Deployment:shop:twin'), 409);
    expect(unclear.candidates).toEqual(['dev:Deployment:shop:twin', 'prod:Deployment:shop:twin']);
    expect((await get('/api/v1/drift-records/prod:Deployment:shop:twin')).body).toMatchObject({
      environment: 'prod',
    });
  });

  test('names with colons and kinds of two groups can be named', async () => {
    await openDrift(
      refOf('system:controller:x', { kind: 'Role', group: 'rbac.authorization.k8s.io' }),
    );
    expect((await get('/api/v1/drift-records/Role:shop:system:controller:x')).status).toBe(200);
    expect((await get('/api/v1/drift-records/dev:Role:shop:system:controller:x')).status).toBe(200);
    await openDrift(refOf('same', { kind: 'Ingress', group: 'networking.k8s.io' }));
    await openDrift(refOf('same', { kind: 'Ingress', group: 'example.com' }), 2);
    const unclear = await problem(get('/api/v1/drift-records/Ingress:shop:same'), 409);
    for (const candidate of unclear.candidates ?? []) {
      expect((await get(`/api/v1/drift-records/${candidate}`)).status).toBe(200);
    }
  });

  test('history has every drift with its steps', async () => {
    const ref = refOf('storied');
    const first = await openDrift(ref, 1);
    await store.episodes.appendStep({
      episodeId: first.episodeId,
      step: 'apply',
      key: 'unit',
      attempt: 1,
      status: 'done',
      at: at(3),
    });
    await store.episodes.close(first.episodeId, 'fixed', RESOLVED, at(4));
    await openDrift(ref, 10);
    const { body } = await get('/api/v1/drift-records/Deployment:shop:storied/history');
    const { episodes, count } = schemas.history.parse(body);
    expect(count).toBe(2);
    expect(episodes.map((one) => one.outcome)).toEqual(['detecting', 'fixed']);
    expect(episodes[1]).toMatchObject({
      ended_at: at(4),
      steps: [{ step: 'apply', status: 'done', at: at(3) }],
    });
  });

  test('statistics have the arithmetic of DriftGuard', async () => {
    const environment = 'counted';
    for (let i = 0; i < 25; i++) {
      const ref = refOf(`r${i}`, { environment });
      if (i < 7) await store.records.noteClean(ref, states, at(1));
      else {
        const { episodeId } = await openDrift(ref);
        if (i >= 10) await store.episodes.close(episodeId, 'fixed', RESOLVED, at(2));
      }
    }
    const { body } = await get(`/api/v1/statistics?environment=${environment}`);
    expect(schemas.statistics.parse(body).statistics).toMatchObject({
      total_records: 25,
      active_drift: 3,
      resolved_drift: 15,
      no_drift: 7,
      active_percentage: 12,
      resolved_percentage: 60,
      active_by_severity: { medium: 3, high: 0 },
    });
    const nothing = schemas.statistics.parse(
      (await get('/api/v1/statistics?environment=none')).body,
    );
    expect(nothing.statistics).toMatchObject({ total_records: 0, active_percentage: 0 });
  });

  test('an environment that is neither configured nor on record is refused wherever it is named', async () => {
    await openDrift(refOf('kept', { environment: 'taken-out' }));
    const knowing = createApi(deps({ environmentNames: ['known', 'other'] }));
    const here = await startApi(knowing, { host: '127.0.0.1', port: 0 });
    const { url } = here;
    try {
      const lists = ['', '/active', '/resolved'].map((list) => `drift-records${list}`);
      for (const path of [...lists, 'questions', 'statistics']) {
        const of = (name: string) => get(`/api/v1/${path}?environment=${name}`, { url });
        const { error, detail } = await problem(of('nope'), 404);
        expect(error, path).toBe('Environment not found');
        expect(detail, path).toBe('there is no environment nope; there are known, other');
        expect([(await of('other')).status, (await of('taken-out')).status], path).toEqual([
          200, 200,
        ]);
      }
      const named = (environment: string) =>
        send('POST', '/api/v1/summaries', { url, body: { environment } });
      await problem(named('nope'), 404);
      expect((await named('known')).status).toBe(200);
    } finally {
      await here.close();
    }
  });
});

describe('questions', () => {
  test('what waits is listed with all that a decision needs', async () => {
    await ask('waiting');
    const { body } = await get('/api/v1/questions');
    const found = schemas.questionList.parse(body).questions.find((one) => one.id === 'q_waiting');
    expect(found).toMatchObject({
      kind: 'drift',
      resource_id: 'Deployment:shop:waiting',
      digest: 'digest-1',
      quorum: 1,
      approvals: [],
      approve_command: 'realign approve q_waiting --digest digest-1',
      plans: [
        {
          fix: 'revert',
          steps: [{ description: 'apply unit dev/waiting to dev', unit: 'dev/waiting' }],
          reach: [{ path: 'spec.replicas', from: 3, to: 2 }],
        },
      ],
    });
    expect((await get('/api/v1/drift-records/Deployment:shop:waiting')).body).toMatchObject({
      question_id: 'q_waiting',
    });
    await problem(get('/api/v1/questions/nothing'), 404);
  });

  test('an approval is stored before the workflow hears of it, and repeating it changes nothing', async () => {
    await ask('approved');
    let storedBefore: DecisionRow | undefined;
    verdict = async (_, row) => {
      storedBefore = await store.decisions.find(row.decisionId);
      return { ok: true, status: 'approved' };
    };
    const body = { decision: 'approve', digest: 'digest-1', reason: 'looks right' };
    const first = await send('POST', '/api/v1/questions/q_approved/decisions', {
      token: 'ann-token',
      body,
    });
    expect(first.status).toBe(200);
    expect(schemas.decisionTaken.parse(first.body)).toMatchObject({
      status: 'approved',
      person: 'ann',
    });
    expect(storedBefore).toMatchObject({
      result: 'pending',
      person: 'ann',
      roles: ['approver'],
      door: 'rest',
      reason: 'looks right',
      ...{ quorum: 1, approvals: [], requestId: expect.any(String) },
      updateId: 'qq_approved:ann:approve',
    });
    await store.questions.close('q_approved', 'approved', at(9));
    const second = await send('POST', '/api/v1/questions/q_approved/decisions', {
      token: 'ann-token',
      body,
    });
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({
      status: 'approved',
      decision_id: storedBefore?.decisionId,
    });
    expect(asked).toHaveLength(1);
    const detail = schemas.questionDetail.parse((await get('/api/v1/questions/q_approved')).body);
    expect(detail.decisions).toMatchObject([
      { person: 'ann', decision: 'approve', result: 'taken' },
    ]);
  });

  test('two equal answers at once are one decision', async () => {
    await ask('doubled');
    verdict = async () => ({ ok: true, status: 'approved' });
    const body = { decision: 'approve', digest: 'digest-1' };
    const replies = await Promise.all(
      Array.from({ length: 5 }, () =>
        send('POST', '/api/v1/questions/q_doubled/decisions', { token: 'ann-token', body }),
      ),
    );
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, 200, 200, 200]);
    expect(await store.decisions.listFor('q_doubled')).toHaveLength(1);
  });

  test('the question of a record can be answered by the resource, from the command line', async () => {
    await ask('by-record');
    verdict = async () => ({ ok: true, status: 'snoozed' });
    const reply = await send('POST', '/api/v1/drift-records/Deployment:shop:by-record/decisions', {
      token: 'ann-token',
      body: { decision: 'snooze', digest: 'digest-1', snooze_for: '1h' },
      headers: { 'x-realign-door': 'cli' },
    });
    expect(reply.status).toBe(200);
    expect(asked).toMatchObject([
      { door: 'cli', snoozeUntil: new Date(now + 3_600_000).toISOString() },
    ]);
    await openDrift(refOf('unasked'));
    const none = await problem(
      send('POST', '/api/v1/drift-records/Deployment:shop:unasked/decisions', {
        token: 'ann-token',
        body: { decision: 'reject', digest: 'digest-1' },
      }),
      409,
    );
    expect(none.code).toBe('QUESTION_CLOSED');
  });

  test('a refusal of the workflow is answered and kept; asking again is a new row', async () => {
    await ask('refused');
    verdict = async () => ({ ok: false, code: 'SELF_APPROVAL', message: 'ann made this change' });
    const approve = () =>
      send('POST', '/api/v1/questions/q_refused/decisions', {
        token: 'ann-token',
        body: { decision: 'approve', digest: 'digest-1' },
      });
    expect((await problem(approve(), 403)).code).toBe('SELF_APPROVAL');
    verdict = async () => ({ ok: true, status: 'approved' });
    expect((await approve()).status).toBe(200);
    expect((await store.decisions.listFor('q_refused')).map((row) => row.result).sort()).toEqual([
      'refused',
      'taken',
    ]);
  });

  test('a stale digest or a closed question is refused without asking the workflow', async () => {
    await ask('stale');
    const post = (digest: string) =>
      send('POST', '/api/v1/questions/q_stale/decisions', {
        token: 'ann-token',
        body: { decision: 'approve', digest },
      });
    expect((await problem(post('other'), 409)).code).toBe('DIGEST_STALE');
    await store.questions.close('q_stale', 'withdrawn', at(9));
    expect((await problem(post('digest-1'), 409)).code).toBe('QUESTION_CLOSED');
    expect(asked).toEqual([]);
    expect((await store.decisions.listFor('q_stale')).map((row) => row.result)).toEqual([
      'refused',
      'refused',
    ]);
  });

  test('while the workflow cannot be reached the answer stays pending and can be sent again', async () => {
    await ask('unreachable');
    verdict = async () => {
      throw new AppError('TEMPORAL_UNAVAILABLE', 'no connection');
    };
    const post = () =>
      send('POST', '/api/v1/questions/q_unreachable/decisions', {
        token: 'ann-token',
        body: { decision: 'approve', digest: 'digest-1' },
      });
    const failed = await problem(post(), 503);
    expect(failed).toMatchObject({ error: 'Failed to take the decision', retryable: true });
    verdict = async () => ({ ok: true, status: 'approved' });
    expect((await post()).status).toBe(200);
    expect(await store.decisions.listFor('q_unreachable')).toMatchObject([{ result: 'taken' }]);
  });

  test('a snooze that is sent again is the one that was stored, not a later one', async () => {
    await ask('again');
    const heard: (string | undefined)[] = [];
    verdict = async (_, row) => {
      heard.push(row.snoozeUntil);
      throw new AppError('TEMPORAL_UNAVAILABLE', 'no connection');
    };
    const post = () =>
      send('POST', '/api/v1/questions/q_again/decisions', {
        token: 'ann-token',
        body: { decision: 'snooze', digest: 'digest-1', snooze_for: '1h' },
      });
    const stored = async () =>
      (await store.decisions.listFor('q_again')).map((one) => one.snoozeUntil);
    await problem(post(), 503);
    const first = await stored();
    now += 60_000;
    await problem(post(), 503);
    expect(await stored()).toEqual(first);
    expect(heard).toEqual([...first, ...first]);
  });

  test('whoever is refused again and again is told, and kept on record no more', async () => {
    await ask('insisted');
    verdict = async () => ({ ok: false, code: 'SELF_APPROVAL', message: 'ann made this change' });
    const approve = () =>
      send('POST', '/api/v1/questions/q_insisted/decisions', {
        token: 'ann-token',
        body: { decision: 'approve', digest: 'digest-1' },
      });
    for (let i = 0; i < 50; i++) expect((await approve()).status).toBe(403);
    expect((await approve()).status).toBe(429);
    expect(await store.decisions.listFor('q_insisted')).toHaveLength(50);
  });

  test('what makes no sense is refused', async () => {
    await ask('senseless');
    for (const body of [
      { decision: 'approve' },
      { decision: 'maybe', digest: 'digest-1' },
      { decision: 'snooze', digest: 'digest-1' },
      { decision: 'snooze', digest: 'digest-1', snooze_for: 'soon' },
      { decision: 'snooze', digest: 'digest-1', snooze_for: '91d' },
      { decision: 'snooze', digest: 'digest-1', until: at(1) },
      { decision: 'snooze', digest: 'digest-1', until: '2027-01-01T00:00:00Z' },
      { decision: 'approve', digest: 'digest\0' },
      { decision: 'approve', digest: 'digest-1', reason: '\0' },
      { decision: 'approve', digest: 'digest-1', snooze_for: '1h' },
      { decision: 'approve', digest: 'digest-1', person: 'somebody else' },
      [],
      '{"decision":',
    ]) {
      await problem(
        send('POST', '/api/v1/questions/q_senseless/decisions', { token: 'ann-token', body }),
        400,
      );
    }
    expect(asked).toEqual([]);
  });
});

describe('analysis', () => {
  const analyze = (body?: object) =>
    send('POST', '/api/v1/analyze', { token: 'ann-token', ...(body && { body }) });

  test('a second call while one runs answers with the same run', async () => {
    const first = await analyze();
    expect(schemas.analysisStarted.parse(first.body)).toMatchObject({
      message: 'Drift analysis triggered successfully',
      status: 'started',
    });
    const second = await analyze({});
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({
      status: 'running',
      run_id: schemas.analysisStarted.parse(first.body).run_id,
    });
    await analyze({ environment: 'dev', resource: 'Deployment:shop:a' });
    expect(scopes).toEqual([{}, {}, { environment: 'dev', resource: 'Deployment:shop:a' }]);
    await analyze({ resource: 'ClusterRole::system:node' });
    scopes = [];
    for (const body of [
      { resource: 'banana' },
      { resource: 'Deployment:Shop:a' },
      { resource: 'Deployment:shop:' },
      { resource: 'Deployment:shop:a/b' },
      { resource: 'Deployment:shop:a\0' },
      { resource: `Deployment:shop:${'a'.repeat(254)}` },
      { namespace: 'Shop' },
      { namespace: '-' },
      { namespace: 'a'.repeat(64) },
      { environment: 'dev\0' },
    ]) {
      await problem(analyze(body), 400);
    }
    expect(scopes).toEqual([]);
  });

  test('a viewer starts none', async () => {
    await problem(send('POST', '/api/v1/analyze'), 403);
    expect(scopes).toEqual([]);
  });

  test('no more than five run at once; to join one that runs is no sixth', async () => {
    const startedAt = new Date().toISOString();
    const namespaces = ['a', 'b', 'c', 'd', 'e'];
    for (const namespace of namespaces) {
      const scope = { namespace };
      const run = { runId: `five-${namespace}`, workflowId: analysisWorkflowId(scope), scope };
      await store.analysisRuns.start({ ...run, startedAt });
    }
    const refused = await problem(analyze({ namespace: 'f' }), 429);
    expect(refused.detail).toContain('5 analyses of other scopes are running');
    expect((await analyze({ namespace: 'a' })).status).toBe(200);
    await store.analysisRuns.finish('five-a', 'completed', startedAt);
    expect((await analyze({ namespace: 'f' })).status).toBe(200);
    for (const namespace of namespaces) {
      await store.analysisRuns.finish(`five-${namespace}`, 'completed', startedAt);
    }
  });

  test('a run shows its progress', async () => {
    const started = {
      runId: 'run-a',
      workflowId: 'analysis:all',
      scope: { namespace: 'shop' },
      startedAt: at(1),
    };
    await store.analysisRuns.start(started);
    await store.analysisRuns.progress('run-a', {
      total: 5,
      checked: 2,
      drifted: 1,
      errors: ['unit x: no YAML'],
    });
    const { body } = await get('/api/v1/analysis-runs/run-a');
    expect(schemas.analysisRun.parse(body)).toMatchObject({
      run_id: 'run-a',
      status: 'running',
      checked: 2,
      errors: ['unit x: no YAML'],
      ended_at: null,
    });
    await problem(get('/api/v1/analysis-runs/none'), 404);
  });
});

describe('who may do what', () => {
  const readable = [
    '/metrics',
    '/api/v1/drift-records',
    '/api/v1/drift-records/active',
    '/api/v1/drift-records/Deployment:shop:x',
    '/api/v1/drift-records/Deployment:shop:x/history',
    '/api/v1/statistics',
    '/api/v1/questions',
    '/api/v1/questions/x',
    '/api/v1/analysis-runs/x',
    '/api/v1/openapi.json',
    '/api/v1/no-such-route',
  ];

  test('nothing but health answers without a token', async () => {
    for (const path of readable) {
      for (const token of ['', 'wrong', 'x'.repeat(600)]) {
        const reply = await get(path, { token });
        expect([path, reply.status]).toEqual([path, 401]);
        expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="realign"');
      }
    }
    for (const path of [
      '/api/v1/analyze',
      '/api/v1/questions/x/decisions',
      '/api/v1/drift-records/a:b:c/decisions',
    ]) {
      await problem(send('POST', path, { token: '', body: {} }), 401);
    }
    for (const path of ['/health', '/api/v1/health', '/ready']) {
      expect((await get(path, { token: '' })).status).toBe(200);
    }
  });

  test('guessing tokens is slowed down by address, and those who have one go on', async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 60; i++)
      statuses.add((await get('/api/v1/statistics', { token: `guess-${i}` })).status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await get('/api/v1/statistics')).status).toBe(200);
  });

  test('a viewer may look, not decide', async () => {
    await ask('viewed');
    const body = { decision: 'approve', digest: 'digest-1' };
    const refused = await problem(
      send('POST', '/api/v1/questions/q_viewed/decisions', { body }),
      403,
    );
    expect(refused.message).toBe('vera has neither the role approver nor admin');
    expect(asked).toEqual([]);
    expect(await store.decisions.listFor('q_viewed')).toMatchObject([
      { person: 'vera', result: 'refused', refusal: expect.stringContaining('NOT_AN_APPROVER') },
    ]);
  });

  test('forms and pages of other sites are refused', async () => {
    await ask('forged');
    const path = '/api/v1/questions/q_forged/decisions';
    const body = JSON.stringify({ decision: 'approve', digest: 'digest-1' });
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
      await problem(
        send('POST', path, { token: 'ann-token', body, headers: { 'content-type': type } }),
        415,
      );
    }
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      await problem(send('POST', path, { token: 'ann-token', body, headers }), 403);
    }
    expect(asked).toEqual([]);
    verdict = async () => ({ ok: true, status: 'approved' });
    expect(
      (await send('POST', path, { token: 'ann-token', body, headers: { origin: api.url } })).status,
    ).toBe(200);
  });

  test('too much at once is refused', async () => {
    const body = { decision: 'approve', digest: 'digest-1', reason: 'x'.repeat(70_000) };
    await problem(send('POST', '/api/v1/questions/x/decisions', { token: 'ann-token', body }), 413);
    const small = await startApi(createApi(deps({ requestsPerSecond: 1 })), {
      host: '127.0.0.1',
      port: 0,
    });
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++)
      statuses.push((await get('/api/v1/statistics', { url: small.url })).status);
    await small.close();
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.at(-1)).toBe(429);
  });

  test('without tokens only this machine is served, under its own name', async () => {
    const open = createApi(deps({ auth: 'none' }));
    await expect(startApi(open, { host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    const local = await startApi(open, { host: '127.0.0.1', port: 0 });
    const mine = await get('/api/v1/statistics', { token: '', url: local.url });
    await local.close();
    expect(mine.status).toBe(200);
  });
});

describe('the edges', () => {
  test('an unknown route is a 404 in JSON, and counts under 404', async () => {
    const { code } = await problem(get('/no/such/page', { token: '' }), 404);
    expect(code).toBe('NOT_FOUND');
    await problem(get('/api/v1/no-such-route'), 404);
    await problem(get('/api/v1/drift-records/Deployment:shop:nobody-at-all'), 404);
    const { body, headers } = await get('/metrics');
    expect(headers.get('content-type')).toContain('version=0.0.4');
    expect(body).toMatch(
      /driftguard_http_requests_total\{method="GET",endpoint="\/api\/v1\/drift-records\/:resourceId",status_code="404"\} \d+/,
    );
    expect(body).not.toContain('nobody-at-all');
  });

  test('metrics can have a port of their own', async () => {
    const own = await startApi(createMetricsApi(deps()), { host: '127.0.0.1', port: 0 });
    const reply = await get('/metrics', { token: '', url: own.url });
    const alive = await get('/health', { token: '', url: own.url });
    await problem(get('/api/v1/drift-records', { token: '', url: own.url }), 401);
    await own.close();
    expect([reply.status, alive.status]).toEqual([200, 200]);
    expect(reply.body).toMatch(/realign_open_episodes\{environment="dev",severity="medium"\} \d+/);
    expect(reply.body).toContain('realign_store_readable 1');
    expect(reply.body).toMatch(/driftguard_db_connections_active\{database="test_\w+"\} \d+/);
  });

  test('readiness names what is missing, and health stays', async () => {
    parts = [
      { part: 'postgres', ok: true },
      { part: 'temporal', ok: false, message: 'connect ECONNREFUSED 10.0.0.7:7233' },
    ];
    const { status, body } = await get('/ready', { token: '' });
    parts = [];
    expect(status).toBe(503);
    expect(schemas.ready.parse(body)).toMatchObject({
      status: 'not ready',
      message: 'Not ready: temporal',
    });
    expect(JSON.stringify(body)).not.toContain('10.0.0.7');
    expect((await get('/health', { token: '' })).body).toMatchObject({
      status: 'healthy',
      message: 'Service is running',
    });
  });

  test('a database that is away is a 503, not a 404', async () => {
    const away = createStore({ databaseUrl: 'postgres://a:secret@127.0.0.1:1/x', log });
    const lame = await startApi(createApi(deps({ store: away })), { host: '127.0.0.1', port: 0 });
    const list = await problem(get('/api/v1/drift-records', { url: lame.url }), 503);
    const one = await problem(get('/api/v1/drift-records/Deployment:a:b', { url: lame.url }), 503);
    await lame.close();
    await away.close();
    expect(list).toMatchObject({
      error: 'Failed to retrieve drift records',
      code: 'DATABASE_UNAVAILABLE',
    });
    expect(one.error).toBe('Failed to retrieve drift record');
    expect(JSON.stringify([list, one])).not.toContain('secret');
  });

  test('a fault tells the caller nothing but its request id', async () => {
    const faulty = createApi(
      deps({
        readiness: async () => [],
        analyses: { start: () => Promise.reject(new Error('private')) },
      }),
    );
    const lame = await startApi(faulty, { host: '127.0.0.1', port: 0 });
    const reply = await problem(
      send('POST', '/api/v1/analyze', {
        token: 'ann-token',
        url: lame.url,
        headers: { 'x-request-id': 'my-id' },
      }),
      500,
    );
    await lame.close();
    expect(reply).toMatchObject({
      instance: 'my-id',
      detail: 'An unexpected fault.',
      error: 'Failed to trigger drift analysis',
    });
  });

  test('the OpenAPI document names every route', async () => {
    const { body } = await get('/api/v1/openapi.json');
    expect(body).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/api/v1/drift-records/{resourceId}': {
          get: { parameters: [{ name: 'resourceId' }, { name: 'group' }] },
        },
        '/api/v1/questions/{id}/decisions': { post: { requestBody: expect.anything() } },
        '/ready': { get: { security: [] } },
      },
    });
  });
});
