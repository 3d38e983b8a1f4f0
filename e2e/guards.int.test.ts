import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { createCommandDoor } from '../workers/command-door.ts';
import { createDriftRequests } from '../workers/drift-requests.ts';

// What holds automatic fixes back, on real parts: their decisions over many cases are table tests in drift/.

const CALM = { mode: 'calm' };
let stage: CrashStage;
let lane: DriftLane;

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'guards', {
    rules: {
      asked: {
        expiryMs: 60_000,
        remindersAt: [0.005, 0.01],
        escalation: { at: 0.02, to: ['ann'] },
      },
      near: { dryRun: true },
      far: { outcome: 'track' },
    },
    guards: {
      backOff: { enabled: true, stepsMs: [0, 3_000], quietMs: 60_000 },
      flapping: { times: 2, withinMs: 600_000, shorterThanMs: 60_000 },
    },
  });
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

async function installed(place: 'auto' | 'asked' | 'near' | 'far', name: string) {
  await stage.install(place, name, CALM);
  return stage.refOf(place, name);
}

/** As many episodes as said have ended, the last one so. */
async function ended(ref: ResourceRef, count: number, outcome: string): Promise<void> {
  await eventually(
    async () => {
      const episodes = await lane.parts.store.episodes.listFor(ref, 10);
      const isOver = episodes.filter((one) => one.endedAt !== undefined).length === count;
      return isOver && episodes[0]?.outcome === outcome;
    },
    { timeoutMs: 60_000, what: `${ref.name}: ${count} episodes` },
  );
}

async function noticesAbout(ref: ResourceRef, kind: string): Promise<readonly string[]> {
  const notices = await lane.parts.store.notices.list({ environment: ref.environment, limit: 100 });
  return notices
    .filter((one) => one.kind === kind && one.subject.endsWith(`/${ref.name}`))
    .map((one) => one.message);
}

describe('a fight', () => {
  let ref: ResourceRef;
  let question: Question;

  it('is fixed again after a pause, then asked about, with the opponent and both values', async () => {
    ref = await installed('auto', 'fought');
    await lane.edit(ref, 'wild');
    await ended(ref, 1, 'fixed');
    await lane.edit(ref, 'wild');
    await ended(ref, 2, 'fixed');
    const steps = (await lane.parts.store.episodes.listFor(ref, 1))[0]?.episodeId ?? '';
    const held = await lane.parts.store.episodes.listSteps(steps);
    expect(held.some((one) => one.step === 'record' && one.key.startsWith('held-'))).toBe(true);
    await lane.edit(ref, 'wild');
    question = await lane.question(ref);
    expect(question.fights).toMatchObject([
      { path: 'data.mode', opponent: 'kubectl-edit', desired: 'calm', live: 'wild', fixes: 2 },
    ]);
    expect(question.because).toContain('kubectl-edit sets data.mode to "wild" again');
    expect(await noticesAbout(ref, 'fight')).toHaveLength(1);
  }, 90_000);

  it('goes on being fixed for a while once somebody approved it', async () => {
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    await ended(ref, 3, 'fixed');
    await lane.edit(ref, 'wild');
    await ended(ref, 4, 'fixed');
    expect(await lane.modeOf(ref)).toBe('calm');
  }, 90_000);

  it('is over once somebody adopts what the opponent insists on', async () => {
    const adopted = await installed('auto', 'adopted');
    for (const count of [1, 2]) {
      await lane.edit(adopted, 'wild');
      await ended(adopted, count, 'fixed');
    }
    await lane.edit(adopted, 'wild');
    const asked = await lane.question(adopted);
    expect(asked.fights).toHaveLength(1);
    expect(await lane.decide(asked, 'ann', 'accept')).toBe('accept taken');
    await ended(adopted, 3, 'accepted');
    expect(await lane.modeOf(adopted)).toBe('wild');
    expect(await lane.parts.store.questions.openFor(adopted)).toBeUndefined();
  }, 90_000);

  it('of one resource holds no other one back', async () => {
    const other = await installed('auto', 'unfought');
    await lane.edit(other, 'wild');
    await ended(other, 1, 'fixed');
  }, 60_000);
});

describe('an open question', () => {
  it('reminds at its times and calls somebody in, each once', async () => {
    const ref = await installed('asked', 'reminded');
    await lane.edit(ref, 'wild');
    const { id } = await lane.question(ref);
    const found = await eventually(
      async () => {
        const question = await lane.parts.store.questions.find(id);
        return question?.escalatedTo ? question : undefined;
      },
      { timeoutMs: 20_000, what: 'the escalation' },
    );
    expect(found).toMatchObject({ reminded: 2, escalatedTo: ['ann'], status: 'open' });
    const notices = await lane.parts.store.notices.list({
      environment: ref.environment,
      limit: 100,
    });
    const ours = notices.filter((one) => one.questionId === id).map((one) => one.id);
    expect(ours.toSorted()).toEqual([`${id}-escalation`, `${id}-reminder-1`, `${id}-reminder-2`]);
  }, 60_000);
});

describe('a drift that nobody is asked about', () => {
  it('is asked about when somebody wants it, and not twice at once', async () => {
    const ref = await installed('far', 'tracked');
    await lane.edit(ref, 'wild');
    await lane.until(ref, 'tracked');
    const requests = createDriftRequests(lane.parts.temporal, lane.parts.config.temporal.taskQueue);
    await requests.askAgain(driftWorkflowId(ref), 'ann');
    const question = await lane.question(ref);
    expect(question.because).toBe('asked for by ann');
    const again = requests.askAgain(driftWorkflowId(ref), 'bob');
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
    await lane.decide(question, 'bob', 'reject');
    await lane.until(ref, 'rejected');
    await requests.askAgain(driftWorkflowId(ref), 'ann');
    const next = await lane.question(ref, question);
    expect(next.digest).toBe(question.digest);
  }, 60_000);

  it('shows its plan without a question, and writes nothing for that', async () => {
    const ref = await installed('near', 'previewed');
    const requests = createDriftRequests(lane.parts.temporal, lane.parts.config.temporal.taskQueue);
    expect(await requests.preview(ref)).toEqual({ plans: [] });
    await lane.edit(ref, 'wild');
    const preview = await requests.preview(ref);
    expect(preview.decision).toMatchObject({ rule: 'near', outcome: 'auto' });
    expect(preview.plans.map((one) => one.fix)).toEqual(['revert', 'accept']);
    const unknown = requests.preview({ ...ref, name: 'nobody-declares-this' });
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }, 60_000);

  it('in a dry run is not promoted to either, unless somebody agrees', async () => {
    const home = await stage.install('home', 'unpromoted', CALM);
    await stage.clone(home, 'near');
    await stage.rewrite(home, { mode: 'calmer' });
    const door = createCommandDoor(
      lane.parts.temporal,
      lane.parts.store,
      lane.parts.config.temporal,
    );
    const [from, to] = [stage.space('home').slug, stage.space('near').slug];
    const { units } = await door.previewPromotions({ from, to, unit: 'unpromoted' });
    expect(units).toMatchObject([{ outcome: 'ask' }]);
  }, 60_000);

  it('in a dry run is left alone, and the record says what would be done', async () => {
    const ref = await installed('near', 'rehearsed');
    await lane.edit(ref, 'wild');
    const { message } = await lane.until(ref, 'tracked');
    expect(message).toMatch(/^Dry run by rule near: apply unit .*rehearsed to .*, now\.$/);
    expect(await lane.modeOf(ref)).toBe('wild');
  }, 60_000);
});

describe('much drift at once', () => {
  it('is not fixed but asked about, and told of once', async () => {
    const blast = { enabled: true, objects: 3, percent: 1, withinMs: 120_000 };
    const other = await openDriftLane(stage, 'blast', { guards: { blast } });
    try {
      const names = Array.from({ length: 8 }, (_, index) => `blast-${index}`);
      await Promise.all(names.map((name) => stage.install('near', name, CALM)));
      const refs = names.map((name) => stage.refOf('near', name));
      for (const ref of refs) await other.edit(ref, 'wild');
      const last = refs.at(-1);
      if (!last) throw new Error('there are eight');
      const question = await other.question(last);
      expect(question.because).toMatch(/^\d+ of \d+ objects began to drift within 120 s/);
      const { environment } = last;
      const notices = await lane.parts.store.notices.list({ environment, limit: 100 });
      expect(notices.filter((one) => one.kind === 'blast')).toHaveLength(1);
      expect(await other.modeOf(last)).toBe('wild');
    } finally {
      await other.stop();
    }
  }, 90_000);
});

describe('a drift that comes and goes by itself', () => {
  it('is told of once', async () => {
    const ref = await installed('asked', 'flapping');
    for (let count = 1; count <= 3; count++) {
      await lane.edit(ref, `wild-${count}`);
      await lane.question(ref);
      await lane.undo(ref);
      await ended(ref, count, 'resolved');
    }
    expect(await noticesAbout(ref, 'flapping')).toEqual([
      expect.stringContaining('is flapping: 2 drifts ended by themselves'),
    ]);
  }, 90_000);
});

describe('the objects of one unit', () => {
  async function pair(place: 'auto' | 'asked', name: string) {
    const space = stage.space(place);
    const [target] = await stage.hub.listTargets(space.spaceId);
    const objects = ['a', 'b'].map((part) => `${name}-${part}`);
    const data = objects
      .map(
        (one) =>
          `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${one}\ndata:\n  mode: calm\n`,
      )
      .join('---\n');
    const unit = await stage.hub.createUnit(space.spaceId, {
      ...{ slug: name, data },
      ...(target && { targetId: target.targetId }),
    });
    const { operationId } = await stage.hub.applyUnit(unit);
    await stage.hub.waitForOperation(unit, operationId, { timeoutMs: 60_000 });
    const [a, b] = objects.map((one) => stage.refOf(place, one));
    if (!a || !b) throw new Error('a unit of two objects');
    const applies = async () => {
      const events = await stage.hub.listUnitEvents(unit);
      return new Set(events.map((one) => one.operationId)).size - 1;
    };
    return { a, b, applies };
  }

  it('that drift at once share one question and one apply', async () => {
    const { a, b, applies } = await pair('asked', 'pair');
    await lane.edit(a, 'wild');
    const first = await lane.question(a);
    await lane.edit(b, 'wild');
    const { message } = await lane.until(b, 'waiting');
    expect(message).toContain('Shares the plan of ConfigMap/');
    // The holder knows of the other drift now: its question shows what an apply changes of both.
    const question = await lane.question(a, first);
    const revert = question.plans.find((one) => one.fix === 'revert');
    expect(new Set(revert?.reach.map((one) => one.resource)).size).toBe(2);
    expect(await lane.parts.store.questions.openFor(b)).toBeUndefined();
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    await lane.until(a, 'fixed');
    expect(await lane.until(b, 'fixed')).toMatchObject({
      message: expect.stringContaining('Fixed together with ConfigMap/'),
    });
    expect(await applies()).toBe(1);
  }, 90_000);

  it('that wait for a run are planned for when that run ends without a fix', async () => {
    const { a, b, applies } = await pair('asked', 'left');
    await lane.edit(a, 'wild');
    await lane.question(a);
    await lane.edit(b, 'wild');
    await lane.until(b, 'waiting');
    await lane.undo(a);
    await lane.until(a, 'resolved');
    const question = await lane.question(b);
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    await lane.until(b, 'fixed');
    expect(await applies()).toBe(1);
  }, 90_000);

  it('are fixed automatically by one apply', async () => {
    const { a, b, applies } = await pair('auto', 'both');
    await Promise.all([lane.edit(a, 'wild'), lane.edit(b, 'wild')]);
    await lane.until(a, 'fixed', 'resolved', 'transient');
    await lane.until(b, 'fixed', 'resolved', 'transient');
    expect([await lane.modeOf(a), await lane.modeOf(b)]).toEqual(['calm', 'calm']);
    expect(await applies()).toBe(1);
  }, 90_000);
});
