import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Hands, scaleTo, type Target } from '../cli/demo/hands.ts';
import { createNarrator } from '../cli/demo/narrator.ts';
import { demoConfig, installDemo, newTokens, openStage } from '../cli/demo/stage.ts';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import { createKubeRequests } from '../stack/kube-request.ts';
import { eventually } from '../testing/eventually.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import type { Parts } from '../workers/parts.ts';
import { ALL_ROLES, type Realign, type Role, startRealign } from '../workers/realign.ts';

// What must hold while two of everything run: two watchers, two workers, one of them with the api.

const REALIGN = fileURLToPath(new URL('../bin/realign', import.meta.url));
const VIEWER_TOKEN = 'the-token-of-vera-who-only-looks';
const STATUS_UPDATES = 20;
const EDITS = 50;

const log = createLog('silent');
const tokens = newTokens();
let embedded: Embedded;
let first: Realign;
let second: Realign;
let parts: Parts;
let hands: Hands;
let closeHands: () => void;
let controller: AbortController;

beforeAll(async () => {
  embedded = await startEmbedded({ log });
  await installDemo(embedded, log);
  await startBoth();
  const stage = await openStage({
    embedded,
    realign: first,
    tokens,
    narrator: createNarrator(() => {}),
    answersProduction: true,
    signal: controller.signal,
  });
  ({ hands, close: closeHands } = stage);
}, 180_000);

afterAll(async () => {
  closeHands?.();
  await stopBoth();
  await embedded?.stop();
});

async function startBoth(): Promise<void> {
  controller = new AbortController();
  const config = demoConfig(embedded, tokens);
  const viewer = {
    name: 'vera',
    roles: ['viewer'],
    tokenSha256: sha256(VIEWER_TOKEN),
  } as const;
  const withViewer = { ...config, people: [...config.people, viewer] };
  const start = (roles: readonly Role[]) =>
    startRealign({ config: withViewer, log, roles, signal: controller.signal });
  [first, second] = await Promise.all([start(ALL_ROLES), start(['watcher', 'worker'])]);
  await Promise.all([first.ready, second.ready]);
  parts = await first.parts;
}

async function stopBoth(): Promise<void> {
  controller?.abort();
  await Promise.all([first?.stop(), second?.stop()]);
}

describe('two watchers and two workers', () => {
  it('handle a drift once: one run, one ChangeSet, one apply, no new revision', async () => {
    const ref = deployment('dev', 'backend-api');
    const before = await unitOf(ref);
    const startedMs = Date.now();
    await hands.edit(ref, scaleTo(5));
    const episode = await eventually(
      async () => (await episodesOf(ref)).find((one) => one.outcome === 'fixed'),
      { what: 'the drift is fixed', timeoutMs: 60_000 },
    );
    expect(Date.parse(episode.firstDetected)).toBeGreaterThanOrEqual(startedMs - 1_000);
    expect(await episodesOf(ref)).toHaveLength(1);
    expect(await runsOf(ref)).toBe(1);
    const after = await unitOf(ref);
    expect(after.operations).toBe(before.operations + 1);
    expect(after.headRevision).toBe(before.headRevision);
    expect(after.changeSets.slice(before.changeSets.length)).toEqual([
      'Fixed backend-api replicas: 5 → 3',
    ]);
    expect(await replicasOf(ref)).toBe(3);
  }, 90_000);
});

describe('many events', () => {
  it('of status alone start nothing', async () => {
    const ref = deployment('prod', 'backend-api');
    for (let count = 1; count <= STATUS_UPDATES; count++) await setObservedStatus(ref, count);
    // Events of one kind come in one stream: when this edit is seen, the ones before it were.
    const other = deployment('prod', 'frontend-web');
    await hands.edit(other, scaleTo(4));
    await openQuestion(other);
    await eventually(async () => (await runsOf(other)) === 1, { what: 'its run can be found' });
    expect(await runsOf(ref)).toBe(0);
  }, 60_000);

  it(`${EDITS} edits in a moment are one drift, and the question tells the last one`, async () => {
    const ref = deployment('staging', 'frontend-web');
    for (let count = 1; count <= EDITS; count++) await hands.edit(ref, scaleTo(2 + count));
    const last = 2 + EDITS;
    const question = await eventually(
      async () => {
        const open = await openQuestion(ref);
        return open.finding?.changes[0]?.live === last ? open : undefined;
      },
      { what: 'a question about the last edit', timeoutMs: 60_000 },
    );
    expect(await runsOf(ref)).toBe(1);
    expect(await episodesOf(ref)).toHaveLength(1);
    expect(question.status).toBe('open');
  }, 90_000);
});

describe('a restart of everything', () => {
  it('keeps the drift, when it was first seen, its run and its question', async () => {
    const ref = deployment('staging', 'frontend-web');
    const [before] = await episodesOf(ref);
    const asked = await openQuestion(ref);
    await stopBoth();
    await startBoth();
    // The first full comparison has told the run that its drift is still there.
    expect(await episodesOf(ref)).toEqual([before]);
    expect(await openQuestion(ref)).toMatchObject({ id: asked.id, digest: asked.digest });
    expect(await runsOf(ref)).toBe(1);
    await hands.edit(ref, scaleTo(2));
    await eventually(async () => (await episodesOf(ref))[0]?.outcome === 'resolved', {
      what: 'the drift went away, and its run saw it',
      timeoutMs: 30_000,
    });
  }, 120_000);
});

describe('analyses', () => {
  it('two at once are one run', async () => {
    const answers = await Promise.all([post('/api/v1/analyze', {}), post('/api/v1/analyze', {})]);
    const bodies = answers.map((one) => one.body as { run_id: string; status: string });
    expect(answers.map((one) => one.status)).toEqual([200, 200]);
    expect(bodies.map((one) => one.status).toSorted()).toEqual(['running', 'started']);
    expect(bodies[0]?.run_id).toBe(bodies[1]?.run_id);
    const run = await analysisRun(bodies[0]?.run_id ?? '');
    expect(run).toMatchObject({ status: 'completed', checked: run.total });
    expect(run.total).toBeGreaterThan(10);
  }, 60_000);

  it('of one resource compare only that', async () => {
    const scope = { environment: 'dev', resource: 'Deployment:acorn-bear-dev:backend-api' };
    const { body } = await post('/api/v1/analyze', scope);
    const run = await analysisRun((body as { run_id: string }).run_id);
    expect(run).toMatchObject({ status: 'completed', total: 1, checked: 1 });
  }, 60_000);
});

describe('an approval', () => {
  it('is refused to a viewer, runs once by the command line, and holds against later answers', async () => {
    const ref = deployment('prod', 'frontend-web');
    const question = await openQuestion(ref);
    const before = await unitOf(ref);
    const path = `/api/v1/questions/${question.id}/decisions`;
    const said = { decision: 'approve', digest: question.digest };
    const viewer = await post(path, said, VIEWER_TOKEN);
    expect(viewer).toMatchObject({ status: 403, body: { code: 'NOT_AN_APPROVER' } });
    expect((await unitOf(ref)).operations).toBe(before.operations);

    // Prod needs two.
    expect((await post(path, said, tokens.operator)).status).toBe(200);
    expect((await unitOf(ref)).operations).toBe(before.operations);
    const ran = await realign(['approve', question.id, '--reason', 'agreed', '-o', 'json']);
    expect(ran).toMatchObject({ code: 0 });
    const { decision_id: decisionId } = JSON.parse(ran.stdout) as { decision_id: string };
    await eventually(async () => (await episodesOf(ref))[0]?.outcome === 'fixed', {
      what: 'the approved fix',
      timeoutMs: 60_000,
    });
    expect(await replicasOf(ref)).toBe(2);

    const again = await post(path, said);
    expect(again.body).toMatchObject({ decision_id: decisionId });
    const other = await post(path, { ...said, decision: 'reject' }, tokens.operator);
    expect(other.status).toBe(409);
    const rejected = await realign(['reject', question.id, '--digest', question.digest]);
    expect(rejected.code).toBe(2);
    expect((await unitOf(ref)).operations).toBe(before.operations + 1);
    const decisions = await parts.store.decisions.listFor(question.id);
    expect(decisions.filter((one) => one.result === 'taken').map((one) => one.person)).toEqual([
      'olivia',
      'amir',
    ]);
  }, 120_000);
});

describe('after all that', () => {
  it('the first drift has not been handled again', async () => {
    const ref = deployment('dev', 'backend-api');
    expect(await runsOf(ref)).toBe(1);
    expect(await episodesOf(ref)).toHaveLength(1);
    expect((await unitOf(ref)).operations).toBe(2);
  });
});

function deployment(environment: string, name: string): ResourceRef & Target {
  return {
    environment,
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: `acorn-bear-${environment}`,
    name,
  };
}

function episodesOf(ref: ResourceRef) {
  return parts.store.episodes.listFor(ref, 10);
}

/** Runs that Temporal has had under the resource's workflow id. */
async function runsOf(ref: ResourceRef): Promise<number> {
  const query = `WorkflowId = '${driftWorkflowId(ref)}'`;
  return (await parts.temporal.client.workflow.count(query)).count;
}

function openQuestion(ref: ResourceRef): Promise<Question> {
  return eventually(
    async () => {
      const { environment, name } = ref;
      const query = { status: 'open', environment, limit: 100 } as const;
      const open = await parts.store.questions.list(query);
      return open.find((one) => one.ref?.name === name && one.ref.kind === ref.kind);
    },
    { what: `a question about ${ref.environment}/${ref.name}`, timeoutMs: 60_000 },
  );
}

async function unitOf({ environment, name }: ResourceRef) {
  const { hub } = parts;
  const space = await hub.findSpace(`acorn-bear-${environment}`);
  const unit = space && (await hub.findUnit(space.spaceId, name));
  if (!space || !unit) throw new Error(`there is no unit ${environment}/${name}`);
  const events = await hub.listUnitEvents(unit);
  const changeSets = await hub.listChangeSets(space.spaceId);
  return {
    headRevision: unit.headRevision,
    operations: new Set(events.map((one) => one.operationId)).size,
    changeSets: changeSets.map((one) => one.description),
  };
}

async function replicasOf(target: Target): Promise<unknown> {
  const { spec } = (await hands.read(target)) as { spec?: { replicas?: number } };
  return spec?.replicas;
}

/** A status as a controller writes it, each time another one. */
async function setObservedStatus({ namespace, name }: Target, count: number): Promise<void> {
  const { kubernetes } = embedded.stack;
  if (!kubernetes) throw new Error('the stack has no cluster');
  const admin = createKubeRequests({ ...kubernetes, token: kubernetes.tokens.admin });
  try {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}/status`;
    const condition = { type: 'Progressing', status: 'True', reason: `Update${count}` };
    const body = { status: { conditions: [condition] } };
    const answer = await admin.send('PATCH', path, body, 'application/merge-patch+json');
    expect(answer.status).toBe(200);
  } finally {
    admin.close();
  }
}

async function post(path: string, body: object, token = tokens.approver) {
  const response = await fetch(`${first.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

type Run = { readonly status: string; readonly total: number; readonly checked: number };

function analysisRun(id: string): Promise<Run> {
  return eventually(
    async () => {
      const headers = { authorization: `Bearer ${tokens.approver}` };
      const answer = await fetch(`${first.url}/api/v1/analysis-runs/${id}`, { headers });
      const run = (await answer.json()) as Run;
      return run.status === 'running' ? undefined : run;
    },
    { what: `analysis run ${id} ends`, timeoutMs: 30_000 },
  );
}

/** The command line, as the person who may approve. */
function realign(args: readonly string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, REALIGN_URL: first.url, REALIGN_TOKEN: tokens.approver };
    execFile(REALIGN, args, { env, timeout: 60_000 }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout });
    });
  });
}
