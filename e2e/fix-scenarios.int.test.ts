import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { promotionWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { type FaultProxy, startFaultProxy } from '../testing/fault-proxy.ts';

// Scenarios of the fix path that no other test plays: by their numbers in the list of what the seed systems promise.

let stage: CrashStage;
let lane: DriftLane;
let proxy: FaultProxy;

beforeAll(async () => {
  stage = await openCrashStage();
  proxy = await startFaultProxy(stage.parts.config.confighub.url);
  lane = await openDriftLane(stage, 'fix-scenarios', { hubUrl: proxy.url });
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await proxy?.close();
  await stage?.close();
});

async function dataOf(place: Place, name: string): Promise<unknown> {
  return (await stage.admin.get(stage.refOf(place, name)))?.['data'];
}

it('31: a ConfigHub that answers 500 and 429 is asked again, and applies once', async () => {
  const unit = await stage.install('auto', 'busy', { mode: 'calm' });
  const ref = stage.refOf('auto', 'busy');
  const again = { kind: 'answer', status: 429, headers: { 'retry-after': '0' } } as const;
  proxy.inject(
    { kind: 'answer', status: 500 },
    again,
    { kind: 'answer', status: 503 },
    { kind: 'cut', after: 'nothing' },
  );
  await lane.edit(ref, 'wild');
  await lane.until(ref, 'fixed');
  expect(await lane.modeOf(ref)).toBe('calm');
  const events = await stage.hub.listUnitEvents(unit);
  expect(new Set(events.map((one) => one.operationId)).size).toBe(2);
  expect(proxy.seen.length).toBeGreaterThan(4);
}, 90_000);

it('37, 38: what is accepted goes downstream: at once, or after its own question, beside what was set there', async () => {
  const name = 'spread';
  const home = await stage.install('home', name, { mode: 'calm', level: '1' });
  await stage.clone(home, 'near');
  const far = await stage.clone(home, 'far');
  await stage.rewrite(far, { mode: 'calm', level: 'its own' });
  const { operationId } = await stage.hub.applyUnit(far);
  await stage.hub.waitForOperation(far, operationId, { timeoutMs: 60_000 });
  const ref = stage.refOf('home', name);
  await lane.edit(ref, 'wild');
  expect(await lane.decide(await lane.question(ref), 'ann', 'accept')).toBe('accept taken');
  await lane.until(ref, 'accepted');
  expect(await dataOf('near', name)).toEqual({ mode: 'wild', level: '1' });
  const question = await promotionOf(ref);
  // Nothing moves there before somebody has said so.
  expect(await dataOf('far', name)).toEqual({ mode: 'calm', level: 'its own' });
  expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
  await lane.parts.temporal.client.workflow.getHandle(question.workflowId).result();
  expect(await dataOf('far', name)).toEqual({ mode: 'wild', level: 'its own' });
}, 90_000);

it('39: a downstream unit that cannot be applied is put back; what was accepted stands, and the record says both', async () => {
  const name = 'half';
  const home = await stage.install('home', name, { mode: 'calm' });
  const near = await stage.clone(home, 'near');
  // The API server refuses such a key.
  await stage.rewrite(near, { mode: 'calm', 'no key!': '2' });
  const ref = stage.refOf('home', name);
  await lane.edit(ref, 'wild');
  expect(await lane.decide(await lane.question(ref), 'ann', 'accept')).toBe('accept taken');
  const { message } = await lane.until(ref, 'accepted');
  expect(message).toMatch(/^Accepted half .* Not done: /);
  expect(await dataOf('home', name)).toEqual({ mode: 'wild' });
  expect(await dataOf('near', name)).toEqual({ mode: 'calm' });
  expect(await stage.hub.readData(home)).toContain('"wild"');
  const after = await stage.hub.getUnit(near.spaceId, near.unitId);
  expect(after.lastChangeDescription).toMatch(/^Restored half to revision 2$/);
  expect(await stage.hub.readData(near)).toContain('"calm"');
}, 90_000);

function promotionOf({ name }: ResourceRef): Promise<Question> {
  const workflowId = promotionWorkflowId(stage.space('far').slug, name, 2);
  return eventually(
    async () => {
      const open = await lane.parts.store.questions.list({ status: 'open', limit: 100 });
      return open.find((one) => one.workflowId === workflowId);
    },
    { timeoutMs: 60_000, what: 'the question of the promotion' },
  );
}
