import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Question } from '../drift/decide/record.ts';
import {
  driftWorkflowId,
  promotionRunWorkflowId,
  promotionWorkflowId,
} from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { keepOpenHistory } from '../testing/keep-history.ts';
import { createCommandDoor } from '../workers/command-door.ts';
import { createLostRecords } from '../workers/lost-records.ts';

// Whoever cancels a run in Temporal's own UI stops it between two steps: nothing is left half done, asked or unsaid.

const CALM = { mode: 'calm' };
const NEXT = { mode: 'calm', level: '2' };

let stage: CrashStage;
let lane: DriftLane;
let door: ReturnType<typeof createCommandDoor>;
/** The workflow to cancel once an activity has had its effect, by the activity's name. */
const cancelling = new Map<string, string>();

const cancel: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const workflowId = cancelling.get(info.activityType);
      const isMeant = workflowId !== undefined && workflowId === info.workflowExecution?.workflowId;
      // Within a workflow task nothing is heard of a cancellation: the step is to be an activity of its own.
      if (isMeant && info.isLocal) throw new Error('not within the task');
      const result = await next(input);
      if (isMeant) {
        cancelling.clear();
        await lane.parts.temporal.client.workflow.getHandle(workflowId).cancel();
      }
      return result;
    },
  },
});

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'cancel', { interceptors: [cancel] });
  door = createCommandDoor(lane.parts.temporal, lane.parts.store, lane.parts.config.temporal);
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

async function isCancelled(workflowId: string): Promise<void> {
  await eventually(async () => (await statusOf(workflowId)) === 'CANCELLED', {
    timeoutMs: 60_000,
    what: `${workflowId} is cancelled`,
  });
}

async function statusOf(workflowId: string): Promise<string> {
  const { client } = lane.parts.temporal;
  return (await client.workflow.getHandle(workflowId).describe()).status.name;
}

async function questionBy(workflowId: string): Promise<Question> {
  return eventually(
    async () => {
      const open = await lane.parts.store.questions.list({ status: 'open', limit: 100 });
      return open.find((one) => one.workflowId === workflowId);
    },
    { timeoutMs: 60_000, what: `a question of ${workflowId}` },
  );
}

describe('a run that is cancelled', () => {
  it('between the write of a unit and its apply has it restored, says so, and is taken up again', async () => {
    const base = await stage.install('base', 'half', CALM);
    const unit = await stage.clone(base, 'asked');
    await stage.rewrite(base, NEXT);
    const ref = stage.refOf('asked', 'half');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    cancelling.set('upgradeUnit', driftWorkflowId(ref));
    await lane.decide(question, 'ann', 'approve');
    await isCancelled(driftWorkflowId(ref));
    await keepOpenHistory(stage, lane, driftWorkflowId(ref), 'cancelled');
    const present = await stage.hub.getUnit(unit.spaceId, unit.unitId);
    expect(await stage.hub.readData(present)).not.toContain('level');
    expect(present.lastAppliedRevision).toBe(1);
    const [episode] = await lane.parts.store.episodes.listFor(ref, 1);
    expect(episode).toMatchObject({
      outcome: 'failed',
      message: 'Cancelled. What was written has been restored.',
    });
    // The drift is still there, so its record is; a watcher finds it without a run.
    expect(episode?.endedAt).toBeUndefined();
    expect(await createLostRecords(lane.parts)()).toContainEqual(ref);
    await lane.edit(ref, 'wild');
    const next = await lane.question(ref, question);
    await lane.decide(next, 'ann', 'approve');
    await lane.until(ref, 'fixed');
    expect(await lane.modeOf(ref)).toBe('calm');
  }, 90_000);

  it('during an apply waits for its end: what was accepted stands, what follows it is left', async () => {
    const home = await stage.install('home', 'kept', CALM);
    await stage.clone(home, 'near');
    const ref = stage.refOf('home', 'kept');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    cancelling.set('applyUnit', driftWorkflowId(ref));
    await lane.decide(question, 'ann', 'accept');
    await isCancelled(driftWorkflowId(ref));
    const [episode] = await lane.parts.store.episodes.listFor(ref, 1);
    expect(episode?.message).toBe(
      'Cancelled. What was accepted stands; what follows it was not done.',
    );
    const present = await stage.hub.getUnit(home.spaceId, home.unitId);
    expect(await stage.hub.readData(present)).toContain('wild');
    expect(present.liveRevision).toBe(2);
    expect(await lane.modeOf(stage.refOf('near', 'kept'))).toBe('calm');
  }, 90_000);

  it('once its plan was carried out leaves the promotions that it has started alone', async () => {
    const home = await stage.install('home', 'handed', CALM);
    await stage.clone(home, 'far');
    const ref = stage.refOf('home', 'handed');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    cancelling.set('verify', driftWorkflowId(ref));
    await lane.decide(question, 'ann', 'accept');
    await isCancelled(driftWorkflowId(ref));
    const [episode] = await lane.parts.store.episodes.listFor(ref, 1);
    expect(episode?.message).toBe(
      'Cancelled. The plan was carried out, and nobody has compared since.',
    );
    const promotion = promotionWorkflowId(stage.space('far').slug, 'handed', 2);
    await lane.decide(await questionBy(promotion), 'ann', 'approve');
    await eventually(async () => (await lane.modeOf(stage.refOf('far', 'handed'))) === 'wild', {
      timeoutMs: 60_000,
      what: 'the promotion outlives the run that started it',
    });
  }, 90_000);

  it('while it asks leaves no question, whatever kind of run it is', async () => {
    const { store, temporal } = lane.parts;
    const home = await stage.install('home', 'asking', CALM);
    await stage.clone(home, 'far');
    const ref = stage.refOf('home', 'asking');
    await lane.edit(ref, 'wild');
    const first = await lane.question(ref);
    await temporal.client.workflow.getHandle(first.workflowId).cancel();
    await isCancelled(first.workflowId);
    expect((await store.questions.find(first.id))?.status).toBe('withdrawn');
    const [episode] = await store.episodes.listFor(ref, 1);
    expect(episode?.message).toBe('Cancelled. Nothing was being written.');
    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref, first), 'ann', 'accept');
    const promotion = promotionWorkflowId(stage.space('far').slug, 'asking', 2);
    const second = await questionBy(promotion);
    await temporal.client.workflow.getHandle(promotion).cancel();
    await isCancelled(promotion);
    expect((await store.questions.find(second.id))?.status).toBe('withdrawn');
  }, 90_000);
});

describe('a command that is cancelled', () => {
  it('says so, and a rollback puts back what it has written', async () => {
    const { store } = lane.parts;
    const base = await stage.install('base', 'back', CALM);
    const unit = await stage.clone(base, 'asked');
    await stage.rewrite(base, NEXT);
    const ref = stage.refOf('asked', 'back');
    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref), 'ann', 'approve');
    await lane.until(ref, 'fixed');
    const { lastChangeDescription } = await stage.hub.getUnit(unit.spaceId, unit.unitId);
    const changeSets = await stage.hub.listChangeSets(unit.spaceId);
    const changeSet = changeSets.find((one) => one.description === lastChangeDescription);
    const { runId, workflowId } = await door.rollback(
      `${unit.spaceSlug}/${changeSet?.slug}`,
      'ann',
    );
    cancelling.set('rollBackUnit', workflowId);
    await lane.decide(await questionBy(workflowId), 'bob', 'approve');
    await isCancelled(workflowId);
    expect(await store.commandRuns.find(runId)).toMatchObject({
      status: 'failed',
      message: 'Cancelled. What was written has been restored.',
      endedAt: expect.any(String),
    });
    const present = await stage.hub.getUnit(unit.spaceId, unit.unitId);
    expect(await stage.hub.readData(present)).toContain('level');
    expect((await stage.admin.get(ref))?.['data']).toEqual(NEXT);
  }, 90_000);

  it('leaves what it has begun to go on by itself', async () => {
    const scope = { from: stage.space('home').slug, to: stage.space('near').slug };
    cancelling.set('selectPromotions', promotionRunWorkflowId(scope.from, scope.to, undefined));
    const { runId, workflowId } = await door.promote(scope, 'ann');
    await isCancelled(workflowId);
    expect(await lane.parts.store.commandRuns.find(runId)).toMatchObject({
      status: 'failed',
      message: 'Cancelled. What it has begun goes on by itself.',
    });
  }, 60_000);
});
