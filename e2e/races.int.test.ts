import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';

// Whatever comes at the same time as something else: one of them counts, and the end is one that either alone could have had.

const ROUNDS = 2;
const CALM = { mode: 'calm' };

let stage: CrashStage;
let lane: DriftLane;
/** Called inside the first apply of a resource that is named so. */
const duringApply = new Map<string, () => Promise<void>>();
/** Called behind each apply of a resource that is named so. */
const behindApplies = new Map<string, () => Promise<void>>();

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'races', {
    rules: { asked: { quorum: 1 }, home: { quorum: 2 }, far: { expiryMs: 2_000 } },
    guards: { backOff: { enabled: false, stepsMs: [0], quietMs: 1 } },
    interceptors: [interruptApplies],
  });
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

const interruptApplies: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const result = await next(input);
      if (info.activityType !== 'applyUnit') return result;
      const [{ unit }] = input.args as [{ unit: { slug: string } }];
      const interrupt = duringApply.get(unit.slug);
      duringApply.delete(unit.slug);
      await interrupt?.();
      await behindApplies.get(unit.slug)?.();
      return result;
    },
  },
});

async function drifted(place: 'asked' | 'home' | 'far' | 'auto', name: string) {
  const unit = await stage.install(place, name, CALM);
  const ref = stage.refOf(place, name);
  await lane.edit(ref, 'wild');
  const applies = async () => {
    const events = await stage.hub.listUnitEvents(unit);
    const ours = events.filter((one) => one.action === 'Apply').map((one) => one.operationId);
    // The first one installed it.
    return new Set(ours).size - 1;
  };
  return { ref, applies };
}

async function takenBy(questionId: string): Promise<readonly string[]> {
  const rows = await lane.parts.store.decisions.listFor(questionId);
  return rows.filter((one) => one.result === 'taken').map((one) => one.person);
}

describe.each(Array.from({ length: ROUNDS }, (_, round) => round))('round %i', (round) => {
  it('approve against reject: the first one counts, and the other person hears of it', async () => {
    const { ref, applies } = await drifted('asked', `reject-${round}`);
    const question = await lane.question(ref);
    const answers = await Promise.all([
      lane.decide(question, 'ann', 'approve'),
      lane.decide(question, 'bob', 'reject'),
    ]);
    const won = answers.findIndex((one) => one.endsWith('taken'));
    expect(answers.filter((one) => one.endsWith('taken'))).toHaveLength(1);
    expect(['ALREADY_DECIDED', 'QUESTION_CLOSED']).toContain(answers[1 - won]);
    await lane.until(ref, won === 0 ? 'fixed' : 'rejected');
    expect(await lane.modeOf(ref)).toBe(won === 0 ? 'calm' : 'wild');
    expect(await applies()).toBe(won === 0 ? 1 : 0);
    expect(await takenBy(question.id)).toEqual([won === 0 ? 'ann' : 'bob']);
  }, 90_000);

  it('two approvers at once make a quorum of two, and one fix', async () => {
    const { ref, applies } = await drifted('home', `quorum-${round}`);
    const question = await lane.question(ref);
    const answers = await Promise.all([
      lane.decide(question, 'ann', 'approve'),
      lane.decide(question, 'bob', 'approve'),
    ]);
    expect(answers.toSorted()).toEqual(['approve taken', 'counted']);
    await lane.until(ref, 'fixed');
    expect(await applies()).toBe(1);
  }, 90_000);

  it('two approvers at once where one is enough: one of them is told that it was decided', async () => {
    const { ref, applies } = await drifted('asked', `enough-${round}`);
    const question = await lane.question(ref);
    const people = ['ann', 'bob'];
    const answers = await Promise.all(people.map((who) => lane.decide(question, who, 'approve')));
    expect(answers.filter((one) => one === 'approve taken')).toHaveLength(1);
    await lane.until(ref, 'fixed');
    expect(await applies()).toBe(1);
    expect(await takenBy(question.id)).toHaveLength(1);
  }, 90_000);

  it('the same click twice is one decision', async () => {
    const { ref, applies } = await drifted('home', `twice-${round}`);
    const question = await lane.question(ref);
    const click = () => lane.decide(question, 'ann', 'approve');
    const answers = await Promise.all([click(), click(), click()]);
    expect(answers.filter((one) => one === 'counted' || one === 'open')).toHaveLength(3);
    expect(await takenBy(question.id)).toEqual(['ann']);
    expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
    expect(await applies()).toBe(1);
  }, 90_000);

  it('of what one person says, the last word counts', async () => {
    const { ref, applies } = await drifted('home', `last-word-${round}`);
    const question = await lane.question(ref);
    for (const word of ['approve', 'accept', 'approve'] as const) {
      expect(await lane.decide(question, 'ann', word)).toBe('counted');
    }
    expect(await lane.decide(question, 'ann', 'approve')).toBe('open');
    expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
    expect(await applies()).toBe(1);
    expect(await takenBy(question.id)).toEqual(['ann', 'ann', 'ann', 'bob']);
  }, 90_000);

  it('approve against the drift changing: nothing is fixed that nobody has seen', async () => {
    const { ref, applies } = await drifted('asked', `changes-${round}`);
    const question = await lane.question(ref);
    await Promise.all([lane.decide(question, 'ann', 'approve'), lane.edit(ref, 'wilder')]);
    const open = await Promise.race([
      lane.question(ref, question),
      lane.until(ref, 'fixed').then(() => undefined),
    ]);
    if (open) {
      // Asked anew, about what is so now; the first answer has done nothing.
      expect(open.finding?.changes[0]?.live).toBe('wilder');
      expect(await applies()).toBe(0);
      expect(await lane.decide(open, 'ann', 'approve')).toBe('approve taken');
    }
    await lane.until(ref, 'fixed');
    expect(await applies()).toBe(1);
  }, 90_000);

  it('approve against the drift vanishing: it ends, and nothing is applied for nothing', async () => {
    const { ref, applies } = await drifted('asked', `vanishes-${round}`);
    const question = await lane.question(ref);
    await Promise.all([lane.decide(question, 'ann', 'approve'), lane.undo(ref)]);
    const { outcome } = await lane.until(ref, 'resolved', 'fixed');
    expect(await applies()).toBeLessThanOrEqual(outcome === 'fixed' ? 1 : 0);
    expect(await lane.modeOf(ref)).toBe('calm');
    expect(await lane.parts.store.questions.openFor(ref)).toBeUndefined();
  }, 90_000);

  it('a decision against expiry: either it counts, or nothing happens', async () => {
    const { ref, applies } = await drifted('far', `expires-${round}`);
    const question = await lane.question(ref);
    await waitUntil(Date.parse(question.expiresAt) - 30 + round * 15);
    const answer = await lane.decide(question, 'ann', 'approve');
    const { outcome } = await lane.until(ref, 'fixed', 'expired');
    expect(outcome).toBe(answer === 'approve taken' ? 'fixed' : 'expired');
    expect(await applies()).toBe(outcome === 'fixed' ? 1 : 0);
    const found = await lane.parts.store.questions.find(question.id);
    expect(found?.status).toBe(outcome === 'fixed' ? 'approved' : 'expired');
  }, 90_000);

  it('a new drift during the fix is not lost, and not called fixed', async () => {
    const name = `during-${round}`;
    duringApply.set(name, () => lane.edit(stage.refOf('auto', name), 'again'));
    const { ref, applies } = await drifted('auto', name);
    await isCalmAndClosed(ref);
    expect(await lane.modeOf(ref)).toBe('calm');
    expect(await applies()).toBe(2);
  }, 90_000);

  it('a new drift after a worker closed the episode and died: the fix stands, and the next episode deals with it', async () => {
    const name = `closed-${round}`;
    const { store } = lane.parts;
    duringApply.set(name, async () => {
      const ref = stage.refOf('auto', name);
      const [episode] = await store.episodes.listFor(ref, 1);
      // What the workflow task that was lost with the worker has left behind.
      const at = new Date().toISOString();
      await store.episodes.close(episode?.episodeId ?? '', 'fixed', 'Fixed before.', at);
      await lane.edit(ref, 'again');
    });
    const { ref, applies } = await drifted('auto', name);
    await eventually(async () => (await store.episodes.listFor(ref, 3)).length === 2, {
      timeoutMs: 60_000,
      what: 'the next episode',
    });
    await isCalmAndClosed(ref);
    expect(await applies()).toBe(2);
    const episodes = await store.episodes.listFor(ref, 3);
    expect(episodes.map((one) => one.outcome)).toEqual(['fixed', 'fixed']);
    expect(episodes.at(-1)?.message).toBe('Fixed before.');
  }, 90_000);
});

describe('an object that differs again behind the fix of its unit', () => {
  it('is not called fixed together with the other one when it is undone by hand', async () => {
    const [first, second] = [stage.refOf('asked', 'beside'), stage.refOf('asked', 'beside-2')];
    const one = await stage.install('asked', 'beside', CALM);
    const data = await stage.hub.readData(one);
    const both = `${data}---\n${data.replace('name: beside', 'name: beside-2')}`;
    const unit = await stage.hub.writeData(one, both);
    const { operationId } = await stage.hub.applyUnit(unit);
    await stage.hub.waitForOperation(unit, operationId, { timeoutMs: 60_000 });
    await lane.edit(first, 'wild');
    const alone = await lane.question(first);
    await lane.edit(second, 'wild');
    const shared = await lane.question(first, alone);
    await lane.until(second, 'waiting');
    duringApply.set('beside', () => lane.edit(second, 'again'));
    await lane.decide(shared, 'ann', 'approve');
    await lane.until(first, 'fixed');
    const question = await lane.question(second);
    expect(question.finding?.changes[0]?.live).toBe('again');
    await lane.undo(second);
    await lane.until(second, 'resolved');
  }, 90_000);
});

describe('an opponent who writes another value behind every apply', () => {
  it('is left to people after five fixes, until the drift ends', async () => {
    let times = 0;
    const name = 'opposed';
    behindApplies.set(name, () => lane.edit(stage.refOf('auto', name), `wilder-${++times}`));
    const { ref, applies } = await drifted('auto', name);
    const question = await lane.question(ref);
    expect(question.because).toBe('somebody else has written it 5 times while it was being fixed');
    expect(await applies()).toBe(5);
    // Another difference is another question, and no reason to begin anew.
    await lane.decide(question, 'ann', 'reject');
    await lane.until(ref, 'rejected');
    await lane.edit(ref, 'wildest');
    const next = await lane.question(ref, question);
    expect(await applies()).toBe(5);
    behindApplies.delete(name);
    await lane.decide(next, 'ann', 'approve');
    await lane.until(ref, 'fixed');
    await lane.edit(ref, 'wild');
    await isCalmAndClosed(ref);
    expect(await applies()).toBe(7);
  }, 120_000);
});

async function isCalmAndClosed(ref: ResourceRef): Promise<void> {
  const { store } = lane.parts;
  await eventually(
    async () => {
      const episodes = await store.episodes.listFor(ref, 10);
      const isClosed = episodes.length > 0 && episodes.every((one) => one.endedAt !== undefined);
      return isClosed && (await lane.modeOf(ref)) === 'calm' && !duringApply.has(ref.name);
    },
    { timeoutMs: 60_000, what: `${ref.name} is as declared again` },
  );
}

/** A moment that matters, not a pause for luck: the question's own expiry. */
async function waitUntil(timeMs: number): Promise<void> {
  await eventually(() => Date.now() >= timeMs, { timeoutMs: 30_000, what: 'the moment' });
}
