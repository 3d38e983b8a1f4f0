import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Unit } from '../clients/confighub/index.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import {
  correctionWorkflowId,
  driftWorkflowId,
  promotionRunWorkflowId,
} from '../lib/workflow-id.ts';
import { type CrashStage, endProcess, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { keepHistory } from '../testing/keep-history.ts';
import { createCommandDoor } from '../workers/command-door.ts';
import { startWorker } from '../workers/worker.ts';

const CALM = { mode: 'calm' };
const NEXT = { mode: 'calm', level: '2' };
const LATER = { mode: 'calm', level: '3' };
const WAITING_FOR = 'realign.dev/waiting-for';

let stage: CrashStage;
let lane: DriftLane;
let door: ReturnType<typeof createCommandDoor>;
/** One attempt of each correction of this unit dies after its effect. */
let dying = '';

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'bulk', {
    rules: { far: { outcome: 'track' } },
    interceptors: [
      ({ info }) => ({
        inbound: {
          async execute(input, next) {
            const result = await next(input);
            const [step] = input.args as [{ unit?: { unit?: { slug: string } } }];
            const isDying = info.activityType === 'correctUnit' && info.attempt === 1;
            if (isDying && step.unit?.unit?.slug === dying)
              throw new Error('died after its effect');
            return result;
          },
        },
      }),
    ],
  });
  door = createCommandDoor(lane.parts.temporal, lane.parts.store, lane.parts.config.temporal);
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

describe('a bulk correction', () => {
  it('says first what it would do, then has each drift dealt with under its own policy', async () => {
    const places = ['auto', 'asked', 'far'] as const;
    const auto = await stage.install('auto', 'bulk', CALM);
    const asked = await stage.install('asked', 'bulk', CALM);
    const far = await stage.install('far', 'bulk', CALM);
    const calm = await stage.install('auto', 'calm', CALM);
    await filterOf('bulk', [auto, asked, far, calm]);
    for (const place of places) await editUnseen(stage.refOf(place, 'bulk'), 'wild');
    const scope = { filter: 'bulk', space: '*' };

    const planned = await door.previewCorrections(scope);
    expect(planned.next).toBeUndefined();
    const outcomes = planned.units.map(({ unit, outcome, plan }) => [unit, outcome, !!plan]);
    expect(outcomes.toSorted()).toEqual(
      [
        [nameOf(auto), 'auto', true],
        [nameOf(asked), 'ask', true],
        [nameOf(far), 'track', true],
      ].toSorted(),
    );
    expect(await changeSetsAbout('bulk')).toEqual([]);
    expect(await lane.parts.store.episodes.listFor(stage.refOf('auto', 'bulk'), 1)).toEqual([]);

    dying = 'bulk';
    const { runId } = await door.correct(scope, 'ann');
    const { run, results } = await ended(runId);
    dying = '';
    expect(run).toMatchObject({ kind: 'correction', status: 'completed', requestedBy: 'ann' });
    expect(run.message).toMatch(/^4 units looked at: /);
    const question = await lane.parts.store.questions.openFor(stage.refOf('asked', 'bulk'));
    const byUnit = new Map(results.map((one) => [one.unit, one]));
    expect(byUnit.get(nameOf(auto))).toMatchObject({ result: 'fixed' });
    expect(byUnit.get(nameOf(asked))).toMatchObject({
      result: 'asked',
      questionId: question?.id ?? 'no question',
    });
    expect(byUnit.get(nameOf(far))).toMatchObject({
      result: 'refused',
      reason: 'Rule far only records this drift.',
    });
    expect(byUnit.has(nameOf(calm))).toBe(false);

    expect(await lane.modeOf(stage.refOf('auto', 'bulk'))).toBe('calm');
    expect(await lane.modeOf(stage.refOf('asked', 'bulk'))).toBe('wild');
    expect(await lane.modeOf(stage.refOf('far', 'bulk'))).toBe('wild');
    // One change set for all of it; the first apply of a unit was its installation's.
    const [changeSet, ...others] = await changeSetsAbout('bulk');
    expect(others).toEqual([]);
    expect(run.changeSet).toBe(`${stage.space('base').slug}/${changeSet?.slug}`);
    const [revision] = await stage.hub.listRevisions(auto);
    expect(revision?.tagIds).toContain(changeSet?.endTagId);
    expect(await appliesOf(auto)).toBe(2);
    expect(await stage.hub.listChangeSets(auto.spaceId)).toEqual([]);
    // The steps that wait for runs take no place that those need.
    const events = await eventsOf(correctionWorkflowId(runId));
    const queuesOf = (step: string) =>
      events
        .map((one) => one.activityTaskScheduledEventAttributes)
        .filter((one) => one?.activityType?.name === step)
        .map((one) => one?.taskQueue?.name);
    expect(new Set(queuesOf('correctUnit'))).toEqual(new Set(['bulk-waiting']));
    expect(new Set(queuesOf('selectCorrections'))).toEqual(new Set(['bulk']));
    await keepHistory(stage, lane, correctionWorkflowId(runId), 'correction');
    const fixed = driftWorkflowId(stage.refOf('auto', 'bulk'));
    await keepHistory(stage, lane, fixed, 'corrected');
  }, 90_000);

  it('joins a fix that is under way instead of starting another', async () => {
    const unit = await stage.install('auto', 'joined', CALM);
    const ref = stage.refOf('auto', 'joined');
    await filterOf('joined', [unit]);
    await editUnseen(ref, 'wild');
    const [{ runId }] = await Promise.all([
      door.correct({ filter: 'joined', space: '*' }, 'ann'),
      lane.parts.driftDoor.reportDrift(ref, 'mode is wild', Date.now() * 1_000),
      door.correct({ filter: 'joined', space: '*' }, 'bob'),
    ]);
    await ended(runId);
    await lane.until(ref, 'fixed');
    expect(await appliesOf(unit)).toBe(2);
    expect(await lane.parts.store.episodes.listFor(ref, 5)).toHaveLength(1);
  }, 60_000);

  it('whose worker is killed goes on in another: nothing is fixed twice, every unit has its result', async () => {
    const names = ['killed-1', 'killed-2', 'killed-3'];
    const units = await Promise.all(names.map((one) => stage.install('auto', one, CALM)));
    await filterOf('killed', units);
    for (const one of names) await editUnseen(stage.refOf('auto', one), 'wild');
    const { parts, startFaulty } = await stage.lane('bulk-killed', 'report');
    // One unit has its result by then, one only its fix, and of the third nobody knows.
    const child = startFaulty({ activity: 'correctUnit', at: 'after', nth: 2 });
    const died = once(child, 'exit', { signal: AbortSignal.timeout(60_000) });
    died.catch(() => {});
    const doorOfKilled = createCommandDoor(parts.temporal, parts.store, parts.config.temporal);
    try {
      const { runId } = await doorOfKilled.correct({ filter: 'killed', space: '*' }, 'ann');
      expect(await died).toEqual([null, 'SIGKILL']);
      expect((await parts.store.commandRuns.find(runId))?.endedAt).toBeUndefined();
      const worker = await startWorker(parts, { codePath: stage.codePath });
      const { run, results } = await ended(runId).finally(worker.stop);
      expect(run).toMatchObject({ status: 'completed', message: '3 units looked at: 3 fixed.' });
      const byUnit = results.map(({ unit, result }) => [unit, result]);
      expect(byUnit.toSorted()).toEqual(units.map((one) => [nameOf(one), 'fixed']).toSorted());
    } finally {
      await endProcess(child);
    }
    for (const [index, unit] of units.entries()) {
      const ref = stage.refOf('auto', names[index] ?? '');
      expect(await lane.modeOf(ref)).toBe('calm');
      expect(await appliesOf(unit)).toBe(2);
      const [episode, ...others] = await parts.store.episodes.listFor(ref, 5);
      expect(others).toEqual([]);
      expect(episode?.outcome).toBe('fixed');
    }
    expect(await changeSetsAbout('killed')).toHaveLength(1);
  }, 120_000);

  it('has all objects of a unit fixed by one apply', async () => {
    const [first, second] = [stage.refOf('auto', 'pair'), stage.refOf('auto', 'pair-2')];
    const one = await stage.install('auto', 'pair', CALM);
    const data = await stage.hub.readData(one);
    const both = `${data}---\n${data.replace('name: pair', 'name: pair-2')}`;
    const unit = await stage.hub.writeData(one, both);
    const { operationId } = await stage.hub.applyUnit(unit);
    await stage.hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
    await filterOf('pair', [unit]);
    const before = await appliesOf(unit);
    await Promise.all([editUnseen(first, 'wild'), editUnseen(second, 'wild')]);
    const { runId } = await door.correct({ filter: 'pair', space: unit.spaceSlug }, 'ann');
    const { results } = await ended(runId);
    expect(results).toMatchObject([{ unit: nameOf(unit), result: 'fixed' }]);
    expect([await lane.modeOf(first), await lane.modeOf(second)]).toEqual(['calm', 'calm']);
    expect(await appliesOf(unit)).toBe(before + 1);
  }, 60_000);

  it('goes on in a fresh history after many units, with what it has counted', async () => {
    const { spaceId } = stage.space('auto');
    const empty = await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        stage.hub.createUnit(spaceId, { slug: `empty-${at}`, data: '' }),
      ),
    );
    await filterOf('many', empty);
    const { client } = lane.parts.temporal;
    const scope = { filter: 'many', space: '*' };
    const startedAt = new Date().toISOString();
    const run = { runId: 'many', requestedBy: 'ann', startedAt, scope };
    await lane.parts.store.commandRuns.start({
      ...{ runId: 'many', kind: 'correction', workflowId: 'correct:many', subject: 'many' },
      ...{ requestedBy: 'ann', startedAt },
    });
    const handle = await client.workflow.start('correct', {
      ...{ workflowId: 'correct:many', taskQueue: lane.parts.config.temporal.taskQueue },
      // Nearly as many as fit one history.
      args: [{ ...run, carried: { after: '', looked: 490, tally: { fixed: 2 } } }],
    });
    await handle.result();
    expect((await ended('many')).run).toMatchObject({
      status: 'completed',
      message: '520 units looked at: 2 fixed.',
    });
    const description = await client.workflow.getHandle('correct:many').describe();
    expect(description.runId).not.toBe(handle.firstExecutionRunId);
  }, 60_000);

  it('respects what people have decided, and names what cannot be read', async () => {
    const unit = await stage.install('home', 'decided', CALM);
    const ref = stage.refOf('home', 'decided');
    const broken = await stage.install('auto', 'unreadable', CALM);
    await stage.hub.writeData(await stage.hub.getUnit(broken.spaceId, broken.unitId), 'a: [\n');
    await filterOf('decided', [unit, broken]);
    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref), 'bob', 'reject');
    await lane.until(ref, 'rejected');
    const scope = { filter: 'decided', space: '*' };
    const { runId } = await door.correct(scope, 'ann');
    const { results } = await ended(runId);
    expect(results.find((one) => one.unit === nameOf(unit))).toMatchObject({
      result: 'refused',
      reason: 'Rejected by bob; nothing was changed.',
    });
    expect(results.find((one) => one.unit === nameOf(broken))).toMatchObject({ result: 'failed' });
    await lane.undo(ref);
    await lane.until(ref, 'resolved');

    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref), 'bob', 'snooze', { snooze_for: '1h' });
    await lane.until(ref, 'snoozed');
    const again = await ended((await door.correct(scope, 'ann')).runId);
    const reason = expect.stringContaining('Snoozed by bob until');
    const ours = { unit: nameOf(unit), result: 'refused', reason };
    expect(again.results).toContainEqual(expect.objectContaining(ours));
    expect(await lane.parts.store.questions.openFor(ref)).toBeUndefined();
    await lane.undo(ref);

    const refused = { code: 'NOT_FOUND' };
    await expect(door.previewCorrections({ ...scope, filter: 'x' })).rejects.toMatchObject(refused);
    await expect(door.correct({ ...scope, filter: 'x' }, 'ann')).rejects.toMatchObject(refused);
    await expect(door.previewCorrections({ ...scope, space: 'x' })).rejects.toMatchObject(refused);
    await expect(door.previewCorrections({ ...scope, environment: 'x' })).rejects.toMatchObject(
      refused,
    );
  }, 60_000);
});

describe('a promotion by command', () => {
  it('moves only what is linked, asks where the policy asks, and is visible in ConfigHub', async () => {
    const home = await stage.install('home', 'release', CALM);
    const [near, asked] = [await stage.clone(home, 'near'), await stage.clone(home, 'asked')];
    const base = await stage.install('base', 'foreign', CALM);
    const foreign = await stage.clone(base, 'near');
    await stage.rewrite(base, NEXT);
    await stage.rewrite(home, NEXT);
    const from = stage.space('home').slug;
    const [toNear, toAsked] = [stage.space('near').slug, stage.space('asked').slug];

    const planned = await door.previewPromotions({ from, to: toNear });
    expect(planned.units).toMatchObject([{ unit: nameOf(near), outcome: 'auto' }]);
    expect((await present(near)).headRevision).toBe(1);

    const first = await ended((await door.promote({ from, to: toNear }, 'ann')).runId);
    expect(first.results).toMatchObject([{ unit: nameOf(near), result: 'promoted' }]);
    expect(await dataOf(stage.refOf('near', 'release'))).toEqual(NEXT);
    // It waits no longer than its promotions take.
    const events = await eventsOf(first.run.workflowId);
    expect(events.filter((one) => one.timerStartedEventAttributes)).toHaveLength(1);
    expect(events.filter((one) => one.timerCanceledEventAttributes)).toHaveLength(1);
    expect((await present(foreign)).headRevision).toBe(1);
    expect((await present(asked)).headRevision).toBe(1);

    const second = await ended((await door.promote({ from, to: toAsked }, 'ann')).runId);
    const [result] = second.results;
    expect(result).toMatchObject({ unit: nameOf(asked), result: 'asked' });
    const question = await eventually(
      () => lane.parts.store.questions.find(result?.questionId ?? ''),
      { what: 'the question of the promotion' },
    );
    expect(question).toMatchObject({ kind: 'promotion', status: 'open' });
    await eventually(async () => (await present(asked)).annotations[WAITING_FOR] === 'approval', {
      what: 'the unit to be marked as waiting',
    });
    const again = await ended((await door.promote({ from, to: toAsked }, 'bob')).runId);
    expect(again.results).toMatchObject([{ result: 'asked', questionId: question.id }]);

    // A newer revision is asked about instead, and the unit goes on waiting.
    await stage.rewrite(await present(home), LATER);
    const newer = await ended((await door.promote({ from, to: toAsked }, 'ann')).runId);
    await eventually(
      async () => (await lane.parts.store.questions.find(question.id))?.status !== 'open',
      { what: 'the older question to be withdrawn' },
    );
    const last = await eventually(
      () => lane.parts.store.questions.find(newer.results[0]?.questionId ?? ''),
      { what: 'the question of the newer promotion' },
    );
    expect(await lane.decide(last, 'ann', 'approve')).toBe('SELF_APPROVAL');
    expect((await present(asked)).annotations[WAITING_FOR]).toBe('approval');
    expect((await present(asked)).headRevision).toBe(1);
    await lane.decide(last, 'bob', 'approve');
    await eventually(
      async () => expect(await dataOf(stage.refOf('asked', 'release'))).toEqual(LATER) ?? true,
      {
        timeoutMs: 30_000,
        what: 'the approved promotion',
      },
    );
    expect((await present(asked)).annotations).toEqual({});
    const third = await ended((await door.promote({ from, to: toAsked }, 'ann')).runId);
    expect(third.results).toEqual([]);
    const workflowId = promotionRunWorkflowId(from, toNear, undefined);
    await keepHistory(stage, lane, workflowId, 'promotion-by-command');
    expect(third.run.message).toMatch(/there was nothing to do/);
  }, 90_000);

  it('names a unit whose upstream cannot be read, and moves the others', async () => {
    const sound = await stage.install('home', 'sound', CALM);
    const broken = await stage.install('home', 'unsound', CALM);
    const [near, nearBroken] = [
      await stage.clone(sound, 'near'),
      await stage.clone(broken, 'near'),
    ];
    await stage.rewrite(sound, NEXT);
    await stage.hub.writeData(await present(broken), 'kind: [\n');
    const scope = { from: stage.space('home').slug, to: stage.space('near').slug };
    const planned = await door.previewPromotions(scope);
    expect(planned.units.find((one) => one.unit === nameOf(nearBroken))).toMatchObject({
      outcome: 'none',
      because: expect.stringMatching(/:\d+:\d+: /),
    });
    const { results } = await ended((await door.promote(scope, 'ann')).runId);
    expect(results.find((one) => one.unit === nameOf(near))).toMatchObject({ result: 'promoted' });
    expect(results.find((one) => one.unit === nameOf(nearBroken))).toMatchObject({
      result: 'failed',
      reason: expect.stringMatching(/:\d+:\d+: /),
    });
  }, 60_000);

  it('refuses environments, spaces and units that there are not', async () => {
    const [from, to] = [stage.space('home').slug, stage.space('near').slug];
    const refused = { code: 'NOT_FOUND' };
    await expect(door.previewPromotions({ from, to: 'moon' })).rejects.toMatchObject(refused);
    await expect(door.previewPromotions({ from: 'moon', to })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('there is no environment and no space moon'),
    });
    await expect(door.previewPromotions({ from, to, unit: 'x' })).rejects.toMatchObject(refused);
    await expect(door.promote({ from, to: 'moon' }, 'ann')).rejects.toMatchObject(refused);
    await expect(door.promote({ from, to, unit: 'x' }, 'ann')).rejects.toMatchObject(refused);
  });
});

/** A Filter in the base space that selects the units by a label. */
async function filterOf(slug: string, units: readonly Unit[]): Promise<void> {
  for (const unit of units) {
    const fresh = await present(unit);
    await stage.hub.patchUnit(fresh, { labels: { selected: slug } });
  }
  const where = `Labels.selected = '${slug}'`;
  await stage.hub.createFilter(stage.space('base').spaceId, { slug, from: 'Unit', where });
}

async function changeSetsAbout(filter: string) {
  const found = await stage.hub.listChangeSets(stage.space('base').spaceId);
  return found.filter((one) => one.description.endsWith(`/${filter} selects`));
}

/** By hand, and no watcher looks. */
function editUnseen(ref: ResourceRef, value: string): Promise<unknown> {
  const edit = [{ op: 'add', path: '/data/mode', value }] as const;
  return stage.admin.jsonPatch(ref, edit, { fieldManager: 'kubectl-edit' });
}

async function appliesOf(unit: Unit): Promise<number> {
  const events = await stage.hub.listUnitEvents(unit);
  return new Set(events.map((one) => one.operationId)).size;
}

function present({ spaceId, unitId }: Unit): Promise<Unit> {
  return stage.hub.getUnit(spaceId, unitId);
}

async function eventsOf(workflowId: string) {
  const { events } = await lane.parts.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return events ?? [];
}

async function dataOf(ref: ResourceRef): Promise<unknown> {
  return (await stage.admin.get(ref))?.['data'];
}

async function ended(runId: string) {
  const { commandRuns } = lane.parts.store;
  const run = await eventually(
    async () => {
      const found = await commandRuns.find(runId);
      if (found?.endedAt === undefined)
        throw new Error(`it is ${found?.status}: ${found?.message}`);
      return found;
    },
    { timeoutMs: 60_000, what: `the end of run ${runId}` },
  );
  return { run, results: await commandRuns.listResults(runId) };
}

function nameOf({ spaceSlug, slug }: Pick<Unit, 'spaceSlug' | 'slug'>): string {
  return `${spaceSlug}/${slug}`;
}
