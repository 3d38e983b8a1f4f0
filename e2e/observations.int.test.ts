import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { UNORDERED } from '../workflows/messages.ts';

// What a run makes of what it is told. The test speaks for the watcher, so its numbers are whatever a clock might say.

/** From 4,096 events on, Temporal suggests to go on in a fresh run; it takes 10,000 signals for one. */
const MANY = 4_500;
const AT_ONCE = 8;

let stage: CrashStage;
let lane: DriftLane;

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'observations', { rules: { asked: { quorum: 1 } } });
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

async function install(name: string): Promise<ResourceRef> {
  await stage.install('asked', name, { mode: 'calm' });
  return stage.refOf('asked', name);
}

/** Changes the object, and nobody reports it. */
async function set(ref: ResourceRef, value: string): Promise<void> {
  const operation = { op: 'add', path: '/data/mode', value } as const;
  await stage.admin.jsonPatch(ref, [operation], { fieldManager: 'kubectl-edit' });
}

it('wakes for an analysis, and hears the watcher whose clock is far behind', async () => {
  const ref = await install('behind');
  const { driftDoor } = lane.parts;
  await set(ref, 'wild');
  await driftDoor.reportDrift(ref, 'wild', 10);
  const first = await lane.question(ref);
  await set(ref, 'wilder');
  await driftDoor.reportDrift(ref, 'wilder', UNORDERED);
  const second = await lane.question(ref, first);
  expect(second.finding?.changes[0]?.live).toBe('wilder');
  await set(ref, 'calm');
  await driftDoor.reportClean(ref, 11);
  await lane.until(ref, 'resolved');
}, 60_000);

it('hears the end of a drift although an analysis of before comes after it', async () => {
  const ref = await install('late');
  const { driftDoor } = lane.parts;
  await set(ref, 'wild');
  await driftDoor.reportDrift(ref, 'wild', 10);
  const question = await lane.question(ref);
  await set(ref, 'calm');
  await driftDoor.reportClean(ref, 11);
  await driftDoor.reportDrift(ref, question.finding?.diffDigest ?? '', UNORDERED);
  await lane.until(ref, 'resolved');
}, 60_000);

it('goes on in a fresh run when it is told the same thousands of times, and asks nobody again', async () => {
  const ref = await install('chatty');
  const { driftDoor, store, temporal } = lane.parts;
  await set(ref, 'wild');
  await driftDoor.reportDrift(ref, 'wild', 1);
  const question = await lane.question(ref);
  expect(await lane.decide(question, 'ann', 'reject')).toBe('reject taken');
  await lane.until(ref, 'rejected');
  const digest = question.finding?.diffDigest ?? '';
  const handle = temporal.client.workflow.getHandle(driftWorkflowId(ref));
  const { runId } = await handle.describe();
  let seq = 1;
  // A report that Temporal does not take in time is made again, as the watcher does.
  const tell = async () => {
    while (seq < MANY) {
      const next = ++seq;
      const report = () => driftDoor.reportDrift(ref, digest, next).then(() => true);
      await eventually(report, { what: `report ${next}`, timeoutMs: 30_000 });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tell));
  await eventually(
    async () => {
      const present = await handle.describe();
      if (present.runId === runId) throw new Error(`${present.historyLength} events, and no other`);
      return true;
    },
    // On a loaded machine a history of this length is replayed for seconds.
    { what: 'a fresh run', timeoutMs: 90_000 },
  );
  const { historyLength, status } = await handle.describe();
  expect(status.name).toBe('RUNNING');
  expect(historyLength).toBeLessThan(MANY);
  expect(await store.episodes.listFor(ref, 10)).toHaveLength(1);
  const open = await store.questions.list({ status: 'open', limit: 100 });
  expect(open.filter((one) => one.ref?.name === ref.name)).toEqual([]);
  await set(ref, 'calm');
  await driftDoor.reportClean(ref, MANY + 1);
  await lane.until(ref, 'resolved');
}, 240_000);
