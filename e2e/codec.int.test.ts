import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApi, type RunningApi, startApi } from '../api/index.ts';
import { sha256 } from '../lib/digest.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { codecDoorOf } from '../workers/codec-door.ts';

// Payloads encrypted: what Temporal stores can be read by nobody without the key, and keys can be changed under open runs.

const OLD = { id: 'old', key: randomBytes(32) };
const NEW = { id: 'new', key: randomBytes(32) };
const TASK_QUEUE = 'encrypted';
const UI = 'http://temporal.example:8233';
const CODEC_TOKEN = 'the-token-of-the-codec';
const TOKENS = { ann: 'the-token-of-ann-viewer', zoe: 'the-token-of-zoe-admin' };

let stage: CrashStage;
let lane: DriftLane | undefined;
let api: RunningApi | undefined;

beforeAll(async () => {
  stage = await openCrashStage();
}, 120_000);
afterAll(async () => {
  await api?.close();
  await lane?.stop();
  await stage?.close();
});

function failOnce(activity: string, reason: string): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        if (info.activityType === activity && info.attempt === 1) throw new Error(reason);
        return next(input);
      },
    },
  });
}

/** The history as Temporal stores it, read by a client without any key. */
async function storedHistory(workflowId: string) {
  const handle = stage.parts.temporal.client.workflow.getHandle(workflowId);
  return handle.fetchHistory();
}

/** Its bytes, each a character. */
async function storedText(workflowId: string): Promise<string> {
  const stored = await storedHistory(workflowId);
  const bytes = proto.temporal.api.history.v1.History.encode(stored).finish();
  return Buffer.from(bytes).toString('latin1');
}

function payloadsOf(value: unknown): readonly Payload[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('data' in value && 'metadata' in value) return [value as Payload];
  return Object.values(value).flatMap(payloadsOf);
}

test('nothing that a run knows can be read in its history, and a change of keys does not stop it', async () => {
  lane = await openDriftLane(stage, TASK_QUEUE, {
    temporal: { codec: { keys: [OLD] } },
    interceptors: [failOnce('openQuestion', 'a-telling-reason')],
  });
  await stage.install('asked', 'settings', { mode: 'calm' });
  const ref = stage.refOf('asked', 'settings');
  await lane.edit(ref, 'a-telling-value');
  const question = await lane.question(ref);
  expect(question.summary).toContain('a-telling-value');

  // The question is on record before its step has ended, and a step's failed attempts are written with its end.
  const text = await eventually(
    async () => {
      const stored = await storedText(driftWorkflowId(ref));
      return stored.includes('Encoded failure') && stored;
    },
    { what: 'the failed attempt in the history' },
  );
  expect(text).toContain('openQuestion');
  for (const known of ['a-telling-value', 'data.mode', 'kubectl-edit', 'a-telling-reason']) {
    expect(text).not.toContain(known);
  }
  await lane.stop();

  lane = await openDriftLane(stage, TASK_QUEUE, { temporal: { codec: { keys: [NEW, OLD] } } });
  expect(await lane.decide(question, 'ann', 'approve')).toMatch(/taken$/);
  await lane.until(ref, 'fixed');
  expect(await lane.modeOf(ref)).toBe('calm');
}, 120_000);

describe('the codec endpoint', () => {
  beforeAll(async () => {
    const { parts } = stage;
    const { config } = parts;
    const codec = { keys: [NEW, OLD], token: CODEC_TOKEN };
    const app = createApi({
      ...parts,
      people: [
        { name: 'ann', roles: ['viewer'], tokenSha256: sha256(TOKENS.ann) },
        { name: 'zoe', roles: ['admin'], tokenSha256: sha256(TOKENS.zoe) },
      ],
      auth: 'token',
      links: { workflowUrl: parts.workflowUrl },
      decisions: { decide: async () => ({ ok: true, status: 'taken' }) },
      drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
      analyses: { start: async () => ({ runId: '', workflowId: '', alreadyRunning: false }) },
      readiness: async () => [],
      ...codecDoorOf({ temporal: { ...config.temporal, uiUrl: UI, codec } }),
    });
    api = await startApi(app, { host: '127.0.0.1', port: 0 });
  });

  async function call(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    const response = await fetch(`${api?.url}/codec${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as {
      payloads?: { data: string; metadata: Record<string, string> }[];
      code?: string;
    };
    return { status: response.status, headers: response.headers, ...answer };
  }

  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const wire = (payload: Payload) => {
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    return {
      metadata: Object.fromEntries(
        Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, base64(value)]),
      ),
      data: base64(payload.data ?? Buffer.of()),
    };
  };

  test('shows the Temporal UI what a run was started with', async () => {
    const workflowId = driftWorkflowId(stage.refOf('asked', 'settings'));
    const { events } = await storedHistory(workflowId);
    const started = events?.[0]?.workflowExecutionStartedEventAttributes?.input;
    const payloads = payloadsOf(started).map(wire);
    expect(payloads).not.toEqual([]);
    const answer = await call(`/${CODEC_TOKEN}/decode`, { payloads }, { origin: UI });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(UI);
    const [input] = (answer.payloads ?? []).map(({ data }) =>
      JSON.parse(Buffer.from(data, 'base64').toString()),
    );
    expect(input).toMatchObject({ ref: { name: 'settings' } });
  });

  test('answers the preflight of the Temporal UI, and that of no other page', async () => {
    const ask = (origin: string) =>
      fetch(`${api?.url}/codec/${CODEC_TOKEN}/decode`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const allowed = await ask(UI);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('x-namespace');
    const refused = await ask('http://evil.example');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('people decode, admins encode, and the codec token opens nothing else', async () => {
    const plain = wire(defaultPayloadConverter.toPayload('said by hand'));
    const body = { payloads: [plain] };
    expect((await call('/encode', body, bearer(TOKENS.ann))).status).toBe(403);
    expect((await call(`/${CODEC_TOKEN}/encode`, body)).status).toBe(403);
    const { payloads = [] } = await call('/encode', body, bearer(TOKENS.zoe));
    expect(payloads[0]?.data).not.toBe(plain.data);
    const decoded = await call('/decode', { payloads }, bearer(TOKENS.ann));
    expect(decoded.payloads?.[0]).toEqual(plain);
    const elsewhere = await fetch(`${api?.url}/api/v1/statistics`, {
      headers: bearer(CODEC_TOKEN),
    });
    expect(elsewhere.status).toBe(401);
  });

  test.each([
    ['no token', '/decode', { payloads: [] }, 401, 'UNAUTHORIZED'],
    ['a wrong token', '/some-other-token/decode', { payloads: [] }, 401, 'UNAUTHORIZED'],
    ['no payloads', `/${CODEC_TOKEN}/decode`, {}, 400, 'INVALID_INPUT'],
    ['no base64', `/${CODEC_TOKEN}/decode`, { payloads: [{ data: '%' }] }, 400, 'INVALID_INPUT'],
    [
      'an unknown key',
      `/${CODEC_TOKEN}/decode`,
      { payloads: [{ metadata: encryptedBy('lost'), data: 'AAAA' }] },
      422,
      'PAYLOAD_UNREADABLE',
    ],
  ])('refuses %s', async (_, path, body, status, code) => {
    expect(await call(path, body)).toMatchObject({ status, code });
  });
});

function encryptedBy(id: string): Readonly<Record<string, string>> {
  return { encoding: btoa('binary/encrypted'), 'encryption-key-id': btoa(id) };
}
