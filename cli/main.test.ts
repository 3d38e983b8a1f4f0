import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';

// Each test starts processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const ROOT = new URL('..', import.meta.url).href;

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };
type Request = {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
};
type Answer = { readonly status?: number; readonly body: unknown };

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

/** Answers `METHOD /path` (query included where the key has one) from the table; every request is kept. */
async function api(answers: Record<string, Answer | Answer[]>) {
  const requests: Request[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { method = '', url = '' } = request;
    const { authorization } = request.headers;
    requests.push({ method, url, authorization, body: text === '' ? undefined : JSON.parse(text) });
    const found = answers[`${method} ${url}`] ?? answers[`${method} ${url.split('?')[0]}`];
    const next = Array.isArray(found) ? (found.length > 1 ? found.shift() : found[0]) : found;
    const answer = next ?? { status: 404, body: { title: 'Not found', detail: `no ${url}` } };
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const env = { REALIGN_URL: `http://127.0.0.1:${port}`, REALIGN_TOKEN: 'sesame' };
  return { requests, realign: (...args: string[]) => realign(args, env) };
}

function realign(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { PATH: process.env['PATH'], ...env }, timeout: 30_000 },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
        done({ code, stdout, stderr });
      },
    );
  });
}

/** What V8's coverage says was loaded, from the project's root. */
function loadedFiles(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as {
      result: { url: string }[];
    };
    return result.flatMap(({ url }) =>
      url.startsWith(ROOT) ? [`/${url.slice(ROOT.length)}`] : [],
    );
  });
}

const RECORD = {
  id: '1',
  resource_id: 'Deployment:dev:backend-api',
  environment: 'dev',
  kind: 'Deployment',
  namespace: 'dev',
  name: 'backend-api',
  drift_detected: true,
  drift_status: 'active',
  drift_details: [
    { field: 'spec.replicas', from: 3, to: 5, type: 'Scaling', severity: 'medium' },
    {
      field: 'metadata.labels.x',
      from: null,
      to: 'a\u001b[2Jb',
      type: 'LabelChange',
      severity: 'low',
    },
  ],
  first_detected: '2026-01-01T00:00:00Z',
  resolved_at: null,
  resolution_message: '',
  last_updated: '2026-01-01T00:00:00Z',
};

const QUESTION = {
  id: 'q_1',
  environment: 'prod',
  resource_id: 'Deployment:prod:backend-api',
  severity: 'high',
  summary: 'image: nginx:1 → nginx:2',
  drift_details: [],
  digest: 'd'.repeat(64),
  rule: 'prod-asks',
  quorum: 1,
  approvals: [],
  plans: [
    {
      fix: 'revert',
      description: 'apply unit backend-api in acorn-bear-prod',
      steps: [{ kind: 'apply', description: 'apply unit acorn-bear-prod/backend-api to prod' }],
      reach: [
        {
          environment: 'prod',
          resource: 'Deployment/prod/backend-api',
          path: 'spec.replicas',
          from: 5,
          to: 3,
        },
      ],
    },
  ],
  status: 'open',
  asked_at: '2026-01-01T00:00:00Z',
  expires_at: '2026-01-02T00:00:00Z',
};

describe('realign', () => {
  it('lists its commands', async () => {
    const { code, stdout } = await realign(['--help']);
    expect(code).toBe(0);
    for (const command of ['drifts', 'approve', 'analyze', 'doctor', 'config']) {
      expect(stdout).toContain(command);
    }
  });

  it('loads nothing but the list of commands until one runs, so that it starts at once', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'realign-loaded-'));
    try {
      await realign(['--help'], { NODE_V8_COVERAGE: directory });
      const packages = loadedFiles(directory).flatMap(
        (file) => /node_modules\/([^/]+)/.exec(file)?.[1] ?? [],
      );
      expect(new Set(packages)).toEqual(new Set(['commander']));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('answers wrong use with 2 and the nearest command, on stderr', async () => {
    const { code, stdout, stderr } = await realign(['dirfts']);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Did you mean drifts?');
  });

  it('says what to do when the api is away, with a stack only for --debug', async () => {
    const env = { REALIGN_URL: 'http://127.0.0.1:1' };
    const short = await realign(['drifts'], env);
    expect(short.code).toBe(2);
    expect(short.stderr).toMatch(/^realign: no answer from http:\/\/127\.0\.0\.1:1: /);
    expect(short.stderr).toContain('check REALIGN_URL');
    expect(short.stderr).not.toContain('    at ');
    expect((await realign(['drifts', '--debug'], env)).stderr).toContain('    at ');
  });
});

describe('realign drifts and show', () => {
  it('send the token and the narrowing, and print a table that a terminal cannot be steered by', async () => {
    const { realign, requests } = await api({
      'GET /api/v1/drift-records': { body: { drift_records: [RECORD], count: 1 } },
    });
    const { code, stdout } = await realign('drifts', '-n', 'dev', '--severity', 'low');
    expect(code).toBe(0);
    expect(requests[0]).toMatchObject({
      url: '/api/v1/drift-records?namespace=dev&severity=low&status=active&limit=100',
      authorization: 'Bearer sesame',
    });
    expect(stdout).toMatch(/^ENVIRONMENT +RESOURCE/);
    expect(stdout).toMatch(
      /dev +Deployment\/dev\/backend-api +active +medium .*spec\.replicas: 3 → 5 \(\+1\)/,
    );
  });

  it('print JSON as the api gave it', async () => {
    const body = { drift_records: [{ ...RECORD, more: 1 }], count: 1 };
    const { realign } = await api({ 'GET /api/v1/drift-records': { body } });
    expect(JSON.parse((await realign('drifts', '-o', 'json')).stdout)).toEqual(body);
  });

  it('show every field of one resource', async () => {
    const { realign } = await api({
      'GET /api/v1/drift-records/dev%3ADeployment%3Adev%3Abackend-api': { body: RECORD },
    });
    const { stdout } = await realign('show', 'dev/Deployment/dev/backend-api');
    expect(stdout).toMatch(/spec\.replicas +3 +5 +Scaling +medium/);
    expect(stdout).toContain('nothing');
    expect(stdout).toContain('a·[2Jb');
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    ['object-missing', 'the object is missing', /the object +declared +missing/],
    ['pending', 'the object was never applied', /the object +declared +not applied yet/],
    ['added', 'the object is not declared', /the object +not declared +exists/],
  ])('say in words that a whole object is %s', async (op, words, row) => {
    const detail = { field: '', op, from: null, to: null, type: 'Other', severity: 'high' };
    const record = { ...RECORD, drift_details: [detail] };
    const { realign } = await api({
      'GET /api/v1/drift-records': { body: { drift_records: [record], count: 1 } },
      'GET /api/v1/drift-records/Deployment%3Adev%3Abackend-api': { body: record },
    });
    expect((await realign('drifts')).stdout).toContain(words);
    const { stdout } = await realign('show', 'Deployment/dev/backend-api');
    expect(stdout).toMatch(row);
    expect(stdout).not.toContain('nothing');
  });

  it('show the resource that a question is about, or the question of a unit', async () => {
    const { realign } = await api({
      'GET /api/v1/questions/d04-1': {
        body: { ...QUESTION, environment: 'dev', resource_id: 'Deployment:dev:backend-api' },
      },
      'GET /api/v1/drift-records/dev%3ADeployment%3Adev%3Abackend-api': { body: RECORD },
      'GET /api/v1/questions/c5-web-1': {
        body: { ...QUESTION, resource_id: null, unit: 'shop-prod/web' },
      },
    });
    expect((await realign('show', 'd04-1')).stdout).toMatch(
      /spec\.replicas +3 +5 +Scaling +medium/,
    );
    expect((await realign('show', 'c5-web-1')).stdout).toContain('prod: shop-prod/web (');
  });

  it('refuse a name that is none before asking', async () => {
    const { realign, requests } = await api({});
    const { code, stderr } = await realign('show', 'backend-api');
    expect(code).toBe(2);
    expect(stderr).toContain('Kind/namespace/name');
    expect(requests).toEqual([]);
  });
});

describe('decisions', () => {
  it('show the question first and send its digest', async () => {
    const { realign, requests } = await api({
      'GET /api/v1/questions/q_1': { body: QUESTION },
      'POST /api/v1/questions/q_1/decisions': { status: 202, body: { message: 'approved' } },
    });
    const { code, stdout, stderr } = await realign('approve', 'q_1', '--reason', 'looked at it');
    expect(code).toBe(0);
    expect(stderr).toContain('revert: apply unit backend-api in acorn-bear-prod\n  changes prod/');
    expect(stderr).toContain('changes prod/Deployment/prod/backend-api spec.replicas: 5 → 3');
    expect(stdout).toBe('approved\n');
    expect(requests[1]?.body).toEqual({
      decision: 'approve',
      digest: QUESTION.digest,
      reason: 'looked at it',
    });
  });

  it('find the question of a resource', async () => {
    const { realign, requests } = await api({
      'GET /api/v1/questions': { body: { questions: [QUESTION], count: 1 } },
      'POST /api/v1/questions/q_1/decisions': { body: { message: 'snoozed' } },
    });
    const { code } = await realign('snooze', 'Deployment/prod/backend-api', '--for', '1h');
    expect(code).toBe(0);
    expect(requests[1]?.body).toMatchObject({ decision: 'snooze', snooze_for: '1h' });
  });

  it('name the candidates when several environments ask', async () => {
    const questions = [QUESTION, { ...QUESTION, id: 'q_2', environment: 'staging' }];
    const { realign } = await api({ 'GET /api/v1/questions': { body: { questions } } });
    const { code, stderr } = await realign('reject', 'Deployment/prod/backend-api');
    expect(code).toBe(2);
    expect(stderr).toContain(
      'prod:Deployment:prod:backend-api or staging:Deployment:prod:backend-api',
    );
  });

  it('are sent at once with a digest, to the record when a resource is named', async () => {
    const { realign, requests } = await api({
      'POST /api/v1/drift-records/Deployment%3Aprod%3Abackend-api/decisions': {
        body: { message: 'accepted' },
      },
    });
    expect((await realign('accept', 'Deployment/prod/backend-api', '--digest', 'abc')).code).toBe(
      0,
    );
    expect(requests.map((request) => request.body)).toEqual([
      { decision: 'accept', digest: 'abc' },
    ]);
  });

  it('pass on why the api refuses, with the repair of its code', async () => {
    const { realign } = await api({
      'POST /api/v1/questions/q_1/decisions': {
        status: 409,
        body: { title: 'Conflict', detail: 'the drift changed', code: 'DIGEST_STALE' },
      },
    });
    const { code, stderr } = await realign('approve', 'q_1', '--digest', 'old');
    expect(code).toBe(2);
    expect(stderr).toContain('realign: the drift changed\n  The drift or its plan changed; read');
  });
});

describe('realign analyze', () => {
  const started = {
    message: 'Drift analysis triggered successfully',
    status: 'started',
    run_id: 'r1',
  };
  const run = { run_id: 'r1', status: 'running', total: 4, checked: 1, drifted: 0, errors: [] };
  const done = { ...run, status: 'completed', checked: 4, drifted: 1 };
  const routes = {
    'POST /api/v1/analyze': { body: started },
    'GET /api/v1/analysis-runs/r1': [{ body: run }, { body: done }],
    'GET /api/v1/drift-records': { body: { drift_records: [RECORD], count: 1 } },
  };

  it('starts a run and leaves', async () => {
    const { realign, requests } = await api(routes);
    const { code, stdout } = await realign('analyze', '-r', 'dev/Deployment/dev/backend-api');
    expect(code).toBe(0);
    expect(stdout).toContain('run r1');
    expect(requests[0]?.body).toEqual({ environment: 'dev', resource: RECORD.resource_id });
  });

  it('exits 1 with a table when drift at or above the severity is open', async () => {
    const { realign } = await api({
      ...routes,
      'GET /api/v1/analysis-runs/r1': [{ body: run }, { body: done }],
    });
    const { code, stdout, stderr } = await realign('analyze', '--fail-on', 'medium');
    expect(code).toBe(1);
    expect(stdout).toContain('Deployment/dev/backend-api');
    expect(stderr).toContain('4 of 4 resources compared, 1 with drift.');
  });

  it('exits 0 when what is open is below it', async () => {
    const { realign } = await api({ ...routes, 'GET /api/v1/analysis-runs/r1': { body: done } });
    expect((await realign('analyze', '--fail-on', 'high')).code).toBe(0);
  });

  it('exits 1 when there was nothing to compare, unless that is allowed', async () => {
    const { realign } = await api({
      ...routes,
      'GET /api/v1/analysis-runs/r1': { body: { ...done, total: 0, checked: 0, drifted: 0 } },
      'GET /api/v1/drift-records': { body: { drift_records: [], count: 0 } },
    });
    const empty = await realign('analyze', '--fail-on', 'high');
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('--allow-empty') });
    expect((await realign('analyze', '--fail-on', 'high', '--allow-empty')).code).toBe(0);
    expect((await realign('analyze', '--wait')).code).toBe(0);
  });

  it('gives up at its deadline', async () => {
    const { realign } = await api({ ...routes, 'GET /api/v1/analysis-runs/r1': { body: run } });
    const { code, stderr } = await realign('analyze', '--wait', '--timeout', '10ms');
    expect(code).toBe(2);
    expect(stderr).toContain('1 of 4 compared');
  });
});
