import { ApplicationFailure } from '@temporalio/common';
import { type ActivityInterceptorsFactory, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftWorkflowId, promotionWorkflowId, rollbackWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { keepHistory } from '../testing/keep-history.ts';
import { startForgetfulTemporal } from '../testing/own-servers.ts';
import { testCluster, testPostgres } from '../testing/stack.ts';
import { createCommandDoor } from '../workers/command-door.ts';
import { pushOn, stirred, UNORDERED } from '../workflows/messages.ts';

// What lasts for months goes through many histories. This server suggests a fresh one after some events instead of 4,096.

const CALM = { mode: 'calm' };
const WILD = { mode: 'wild' };
/** More than any one look at a drift needs, fewer than some signals make. */
const EVENTS = 200;
/** Each is a signal and a workflow task of three events, unless tasks take several. */
const AT_ONCE = 10;
/** One page of a promotion, and one unit more. */
const MANY_UNITS = 51;
const TIMEOUT_MS = 60_000;
/** As `workflows/try-again.ts` keeps them. */
const TRIES_APART_MS = 10_000;
/** Longer than a history takes to become long. */
const SNOOZE_MS = 15_000;

let temporal: Awaited<ReturnType<typeof startForgetfulTemporal>>;
let stage: CrashStage;
let lane: DriftLane;
/** Where near asks, too. */
let asking: DriftLane & { readonly door: ReturnType<typeof createCommandDoor> };
const before = new Map<string, () => Promise<void>>();

const interrupt: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const said = `${info.workflowExecution?.workflowId} ${JSON.stringify(input.args)}`;
      const found = [...before].find(([name]) => {
        const [activity, mentioned = ''] = name.split(' ');
        return activity === info.activityType && said.includes(mentioned);
      });
      await found?.[1]();
      return next(input);
    },
  },
});

beforeAll(async () => {
  temporal = await startForgetfulTemporal(EVENTS);
  const [cluster, postgres] = await Promise.all([testCluster(), testPostgres()]);
  stage = await openCrashStage({ cluster, postgres, temporal });
  lane = await openDriftLane(stage, 'hand-over', {
    rules: { asked: { quorum: 1 }, home: { quorum: 2 }, far: { quorum: 1 } },
    interceptors: [interrupt],
  });
  const rules = { home: { quorum: 2 }, near: { outcome: 'ask', quorum: 1 } } as const;
  const interceptors = [interrupt];
  const hands = await openDriftLane(stage, 'hand-over-asking', { rules, interceptors });
  const { temporal: connection, store, config } = hands.parts;
  asking = { ...hands, door: createCommandDoor(connection, store, config.temporal) };
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await asking?.stop();
  await stage?.close();
  await temporal?.stop();
});

async function drifted(place: 'auto' | 'asked' | 'home', name: string): Promise<ResourceRef> {
  await stage.install(place, name, CALM);
  const ref = stage.refOf(place, name);
  await lane.edit(ref, 'wild');
  return ref;
}

async function runIdOf(workflowId: string): Promise<string> {
  return (await lane.parts.temporal.client.workflow.getHandle(workflowId).describe()).runId;
}

/** Tells a run the same again and again, as a watcher does for months, until a fresh history goes on. */
function handedOver(ref: ResourceRef, digest: string): Promise<void> {
  return handedOverBy(driftWorkflowId(ref), () =>
    lane.parts.driftDoor.reportDrift(ref, digest, Date.now() * 1_000),
  );
}

async function handedOverBy(workflowId: string, tell: () => Promise<void>): Promise<void> {
  const runId = await runIdOf(workflowId);
  await eventually(
    async () => {
      // The fresh one may have ended already.
      await Promise.allSettled(Array.from({ length: AT_ONCE }, tell));
      return (await runIdOf(workflowId)) !== runId;
    },
    { timeoutMs: TIMEOUT_MS, what: `a fresh history of ${workflowId}` },
  );
  // A worker that knows nothing of the run yet would have handed over at the same place.
  const { workflow } = lane.parts.temporal.client;
  const history = await workflow.getHandle(workflowId, runId).fetchHistory();
  const workflowBundle = { codePath: stage.codePath };
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
}

async function questionsOf({ name }: ResourceRef): Promise<readonly Question[]> {
  const all = await lane.parts.store.questions.list({ limit: 1_000 });
  return all.filter((one) => one.ref?.name === name);
}

describe('in a fresh history', () => {
  it('a question goes on with the answers that it has', async () => {
    const ref = await drifted('home', 'voted');
    const question = await lane.question(ref);
    expect(await lane.decide(question, 'ann', 'approve')).toBe('counted');
    await handedOver(ref, question.finding?.diffDigest ?? '');
    // Whoever answers at any moment of it is heard.
    expect(await lane.decide(question, 'ann', 'accept')).toBe('counted');
    expect(await lane.decide(question, 'ann', 'accept')).not.toBe('QUESTION_CLOSED');
    await handedOver(ref, question.finding?.diffDigest ?? '');
    expect(await questionsOf(ref)).toMatchObject([
      { id: question.id, status: 'open', approvals: ['ann'], askedAt: question.askedAt },
    ]);
    expect(await lane.decide(question, 'bob', 'accept')).toBe('accept taken');
    await lane.until(ref, 'accepted');
    expect(await questionsOf(ref)).toHaveLength(1);
  }, 120_000);

  it('a question whose drift has changed meanwhile is withdrawn', async () => {
    const ref = await drifted('asked', 'changed');
    const question = await lane.question(ref);
    before.set('detect changed', async () => {
      before.clear();
      const wilder = { op: 'add', path: '/data/mode', value: 'wilder' } as const;
      await stage.admin.jsonPatch(ref, [wilder], { fieldManager: 'kubectl-edit' });
    });
    await handedOver(ref, question.finding?.diffDigest ?? '');
    const next = await lane.question(ref, question);
    expect(next.finding?.changes[0]?.live).toBe('wilder');
    expect((await lane.parts.store.questions.find(question.id))?.status).toBe('withdrawn');
    expect(await lane.decide(next, 'bob', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
    await keepHistory(stage, lane, driftWorkflowId(ref), 'handed-over');
  }, 120_000);

  it('a snooze lasts as long as it was to last', async () => {
    const ref = await drifted('asked', 'asleep');
    const question = await lane.question(ref);
    await lane.decide(question, 'ann', 'snooze', { snooze_for: '60d' });
    const { message } = await lane.until(ref, 'snoozed');
    await handedOver(ref, question.finding?.diffDigest ?? '');
    await handedOver(ref, question.finding?.diffDigest ?? '');
    expect(await lane.until(ref, 'snoozed')).toMatchObject({ message });
    expect(await questionsOf(ref)).toHaveLength(1);
    await lane.edit(ref, 'wilder');
    await lane.question(ref, question);
  }, 120_000);

  it('it is known how often a fix has failed', async () => {
    const ref = stage.refOf('auto', 'failing');
    const runs = new Set<string>();
    before.set('verify failing', async () => {
      const workflowId = driftWorkflowId(ref);
      runs.add(await runIdOf(workflowId));
      await lane.edit(ref, 'wild');
      for (let told = 0; told < EVENTS / 3; told += 1) {
        await lane.parts.driftDoor.reportDrift(ref, `told ${told}`, UNORDERED);
      }
      throw ApplicationFailure.nonRetryable('it cannot be looked at', 'KUBERNETES_FORBIDDEN');
    });
    await drifted('auto', 'failing');
    const question = await lane.question(ref);
    before.clear();
    expect(question.because).toContain('the fix has failed 3 times');
    expect(runs.size).toBeGreaterThan(1);
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
  }, 120_000);

  it('it is known how a difference was settled', async () => {
    const ref = await drifted('asked', 'settled');
    const question = await lane.question(ref);
    expect(await lane.decide(question, 'bob', 'reject')).toBe('reject taken');
    await lane.until(ref, 'rejected');
    await lane.edit(ref, 'wilder');
    const other = await lane.question(ref, question);
    await handedOver(ref, other.finding?.diffDigest ?? '');
    await lane.edit(ref, 'wild');
    const { message } = await lane.until(ref, 'rejected');
    expect(message).toContain('Rejected by bob');
    expect((await lane.parts.store.questions.find(other.id))?.status).toBe('withdrawn');
  }, 120_000);

  it('a promotion asks on, and hands the next level over as it was told to', async () => {
    const home = await stage.install('home', 'promoted', CALM);
    const far = await stage.clone(home, 'far');
    await stage.clone(far, 'near');
    const ref = stage.refOf('home', 'promoted');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    for (const person of ['ann', 'bob']) await lane.decide(question, person, 'accept');
    const workflowId = promotionWorkflowId(stage.space('far').slug, 'promoted', 2);
    const first = await questionBy(workflowId);
    const runId = await runIdOf(workflowId);
    let open = first;
    while ((await runIdOf(workflowId)) === runId) {
      await lane.decide(open, 'ann', 'snooze', { snooze_for: '1s' });
      open = await questionBy(workflowId, open);
    }
    expect(open.number).toBeGreaterThan(2);
    expect(await lane.decide(open, 'ann', 'approve')).toBe('approve taken');
    await followed('near', 'promoted');
  }, 120_000);

  it('a promotion asks on with the answers that it has, and then sleeps on', async () => {
    const name = 'voted-on';
    const base = await stage.install('base', name, CALM);
    await stage.clone(base, 'home');
    await stage.rewrite(base, WILD);
    const [from, to] = [stage.space('base').slug, stage.space('home').slug];
    const { store, temporal: connection, config } = lane.parts;
    const door = createCommandDoor(connection, store, config.temporal);
    await door.promote({ from, to, unit: name }, 'ann');
    const workflowId = promotionWorkflowId(to, name, 2);
    const question = await questionBy(workflowId);
    expect(await lane.decide(question, 'bob', 'approve')).toBe('counted');
    await handedOverBy(workflowId, () => stir(workflowId));
    await handedOverBy(workflowId, () => stir(workflowId));
    expect(await store.questions.find(question.id)).toMatchObject({
      ...{ status: 'open', approvals: ['bob'], askedAt: question.askedAt },
    });
    const untilMs = Date.now() + SNOOZE_MS;
    const until = new Date(untilMs).toISOString();
    expect(await lane.decide(question, 'bob', 'snooze', { until })).toBe('snooze taken');
    await handedOverBy(workflowId, () => stir(workflowId));
    const again = await questionBy(workflowId, question);
    expect(Date.parse(again.askedAt)).toBeGreaterThanOrEqual(untilMs);
    expect(await lane.decide(again, 'bob', 'approve')).toBe('counted');
    expect(await lane.decide(again, 'cleo', 'approve')).toBe('approve taken');
    await lane.parts.temporal.client.workflow.getHandle(workflowId).result();
    expect(await lane.modeOf(stage.refOf('home', name))).toBe('wild');
  }, 120_000);

  it('a promotion by command goes on with what it has counted', async () => {
    const names = Array.from({ length: MANY_UNITS }, (_, index) => `many-${index}`);
    const [home, far] = [stage.space('home'), stage.space('far')];
    for (const slug of names) {
      const data = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${slug}\ndata:\n  mode: calm\n`;
      const unit = await stage.hub.createUnit(home.spaceId, { slug, data });
      const upstream = { upstreamSpaceId: unit.spaceId, upstreamUnitId: unit.unitId };
      await stage.hub.cloneUnit(far.spaceId, { slug, ...upstream });
      await stage.rewrite(unit, WILD);
    }
    const { store, temporal: connection, config } = lane.parts;
    const door = createCommandDoor(connection, store, config.temporal);
    const { runId, workflowId } = await door.promote({ from: home.slug, to: far.slug }, 'ann');
    const first = await runIdOf(workflowId);
    const run = await commandEnd(runId);
    expect(run).toMatchObject({ status: 'completed' });
    expect(run.message).toContain(`${MANY_UNITS} asked`);
    expect(await store.commandRuns.listResults(runId)).toHaveLength(MANY_UNITS);
    expect(await runIdOf(workflowId)).not.toBe(first);
  }, 120_000);
});

describe('in a fresh history of a rollback', () => {
  it('the question goes on with its answers, and what was approved before it stays so', async () => {
    const { name, workflowId } = await acceptedTwice('taken-back');
    const { runId } = await asking.door.rollback(name, 'ann');
    const near = await questionBy(workflowId);
    expect(await lane.decide(near, 'bob', 'approve')).toBe('approve taken');
    const home = await questionBy(workflowId, near);
    expect(home).toMatchObject({ quorum: 2, environment: stage.space('home').slug });
    expect(await lane.decide(home, 'bob', 'approve')).toBe('counted');
    await handedOverBy(workflowId, () => stir(workflowId));
    await handedOverBy(workflowId, () => stir(workflowId));
    expect(await lane.parts.store.questions.find(home.id)).toMatchObject({
      ...{ status: 'open', approvals: ['bob'], askedAt: home.askedAt },
    });
    expect(await lane.decide(home, 'cleo', 'approve')).toBe('approve taken');
    expect(await commandEnd(runId)).toMatchObject({ status: 'completed' });
    expect(await lane.modeOf(stage.refOf('home', 'taken-back'))).toBe('calm');
    expect(await lane.modeOf(stage.refOf('near', 'taken-back'))).toBe('calm');
    const asked = await lane.parts.store.questions.list({ limit: 1_000 });
    expect(asked.filter((one) => one.workflowId === workflowId)).toHaveLength(2);
  }, 120_000);

  it('a snooze lasts as long as it was to last, and then all is asked anew', async () => {
    const { name, workflowId } = await acceptedTwice('slept-on');
    const { runId } = await asking.door.rollback(name, 'ann');
    const near = await questionBy(workflowId);
    await lane.decide(near, 'bob', 'approve');
    const home = await questionBy(workflowId, near);
    const untilMs = Date.now() + SNOOZE_MS;
    await lane.decide(home, 'bob', 'snooze', { until: new Date(untilMs).toISOString() });
    await handedOverBy(workflowId, () => stir(workflowId));
    const again = await questionBy(workflowId, near, home);
    expect(Date.parse(again.askedAt)).toBeGreaterThanOrEqual(untilMs);
    expect(again.environment).toBe(near.environment);
    expect(await lane.decide(again, 'bob', 'reject')).toBe('reject taken');
    expect(await commandEnd(runId)).toMatchObject({ status: 'refused' });
  }, 120_000);

  it('a rejection of what has changed meanwhile counts all the same', async () => {
    const slug = 'turned-down';
    const { name, workflowId } = await acceptedTwice(slug);
    const { runId } = await asking.door.rollback(name, 'ann');
    const question = await questionBy(workflowId);
    const first = await runIdOf(workflowId);
    before.set(`planRollback ${workflowId}`, async () => {
      before.clear();
      await stage.admin.delete(stage.refOf('near', slug));
      expect(await lane.decide(question, 'bob', 'reject')).toBe('reject taken');
    });
    await handedOverBy(workflowId, () => stir(workflowId));
    expect(await runIdOf(workflowId)).not.toBe(first);
    expect(await commandEnd(runId)).toMatchObject({
      ...{ status: 'refused', message: expect.stringContaining('Rejected by bob') },
    });
    expect((await lane.parts.store.questions.find(question.id))?.status).toBe('rejected');
  }, 120_000);

  it('a question whose units have changed meanwhile is withdrawn', async () => {
    const { name, workflowId, unit } = await acceptedTwice('overtaken');
    const { runId } = await asking.door.rollback(name, 'ann');
    const question = await questionBy(workflowId);
    await stage.rewrite(await stage.hub.getUnit(unit.spaceId, unit.unitId), { mode: 'newer' });
    await handedOverBy(workflowId, () => stir(workflowId));
    const { status, message } = await commandEnd(runId);
    expect({ status, message }).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('has moved on'),
    });
    await eventually(
      async () => (await lane.parts.store.questions.find(question.id))?.status === 'withdrawn',
      { timeoutMs: TIMEOUT_MS, what: 'the question is withdrawn' },
    );
  }, 120_000);

  /** A change set over two environments, and a door behind which both of them ask. */
  async function acceptedTwice(slug: string) {
    const unit = await stage.install('home', slug, CALM);
    await stage.clone(unit, 'near');
    const ref = stage.refOf('home', slug);
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    for (const person of ['ann', 'bob']) await lane.decide(question, person, 'accept');
    await lane.until(ref, 'accepted');
    const [changeSet] = (await stage.hub.listChangeSets(unit.spaceId)).filter((one) =>
      one.description.includes(slug),
    );
    const name = `${unit.spaceSlug}/${changeSet?.slug}`;
    return { name, workflowId: rollbackWorkflowId(unit.spaceSlug, changeSet?.slug ?? ''), unit };
  }
});

async function stir(workflowId: string): Promise<void> {
  await lane.parts.temporal.client.workflow.getHandle(workflowId).signal(stirred, 'unit');
}

function commandEnd(runId: string) {
  return eventually(
    async () => {
      const found = await lane.parts.store.commandRuns.find(runId);
      return found?.endedAt === undefined ? undefined : found;
    },
    { timeoutMs: TIMEOUT_MS, what: `the end of run ${runId}` },
  );
}

describe('what has failed', () => {
  it('is tried again by a promotion once something speaks for it, but not in a hot loop', async () => {
    const name = 'stuck';
    const { workflowId, failing } = await stuckPromotion(name);
    const { workflow } = lane.parts.temporal.client;
    const handle = workflow.getHandle(workflowId);
    // Through several histories it is told all the time.
    for (let histories = 0; histories < 2; histories += 1) {
      await handedOverBy(workflowId, () => stir(workflowId));
    }
    const allowed = 2 + (Date.now() - failing.sinceMs) / TRIES_APART_MS;
    expect(failing.times).toBeGreaterThan(1);
    expect(failing.times).toBeLessThanOrEqual(allowed);
    before.clear();
    await handle.signal(pushOn);
    const question = await questionBy(workflowId);
    expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
    await handle.result();
  }, 120_000);

  it('waits on in a fresh history, and knows what it has heard already', async () => {
    const ref = stage.refOf('auto', 'broken');
    let applies = 0;
    before.set('applyUnit broken', async () => {
      applies += 1;
      throw ApplicationFailure.nonRetryable('it is refused', 'APPLY_FAILED');
    });
    await drifted('auto', 'broken');
    const { finding, message } = await lane.until(ref, 'failed');
    const tried = applies;
    await handedOver(ref, finding?.diffDigest ?? '');
    await handedOver(ref, finding?.diffDigest ?? '');
    expect(await lane.until(ref, 'failed')).toMatchObject({ message });
    expect(applies).toBe(tried);
    before.clear();
    // Another difference is another matter.
    await lane.edit(ref, 'wilder');
    await lane.until(ref, 'fixed');
  }, 120_000);

  /** A promotion whose plan fails for good until `before` is cleared. */
  async function stuckPromotion(name: string) {
    const unit = await stage.install('home', name, CALM);
    await stage.clone(unit, 'far');
    await stage.rewrite(unit, WILD);
    const [from, to] = [stage.space('home').slug, stage.space('far').slug];
    const workflowId = promotionWorkflowId(to, name, 2);
    const failing = { sinceMs: Date.now(), times: 0 };
    const { store, temporal: connection, config } = lane.parts;
    const door = createCommandDoor(connection, store, config.temporal);
    // The command looks, too, and is not to fail.
    before.set(`planPromotion ${workflowId}`, async () => {
      failing.times += 1;
      throw ApplicationFailure.nonRetryable('it cannot be planned', 'CONFIGHUB_REFUSED');
    });
    await door.promote({ from, to, unit: name }, 'ann');
    await eventually(async () => failing.times > 0, {
      timeoutMs: TIMEOUT_MS,
      what: `a failure of ${workflowId}`,
    });
    return { workflowId, failing };
  }
});

async function questionBy(workflowId: string, ...others: readonly Question[]): Promise<Question> {
  return eventually(
    async () => {
      const open = await lane.parts.store.questions.list({ status: 'open', limit: 1_000 });
      const ids = others.map((one) => one.id);
      return open.find((one) => one.workflowId === workflowId && !ids.includes(one.id));
    },
    { timeoutMs: TIMEOUT_MS, what: `a question of ${workflowId}` },
  );
}

async function followed(place: 'near', name: string): Promise<void> {
  await eventually(async () => (await lane.modeOf(stage.refOf(place, name))) === 'wild', {
    timeoutMs: TIMEOUT_MS,
    what: `${name} of ${place} follows`,
  });
}
