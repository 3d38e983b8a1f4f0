import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { createCleanReport } from '../workers/clean-report.ts';
import { createLostRecords } from '../workers/lost-records.ts';
import { type DecideInput, decide, UNORDERED } from '../workflows/messages.ts';

// What goes wrong at one moment leaves no run, question or unit stuck, and no consent that does not count.

const CALM = { mode: 'calm' };
const AUDIT_TOKEN = 'the-audit-token-of-this-test';

let stage: CrashStage;
let lane: DriftLane;
/** Done by the worker before or after an activity has its effect, by the activity's name and what its input mentions. */
const before = new Map<string, () => Promise<void>>();
const after = new Map<string, () => Promise<void>>();

const interrupt: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const said = JSON.stringify(input.args);
      const hookIn = (hooks: ReadonlyMap<string, () => Promise<void>>) => {
        const found = [...hooks].find(([name]) => {
          const [activity, mentioned = ''] = name.split(' ');
          return activity === info.activityType && said.includes(mentioned);
        });
        return found?.[1]();
      };
      await hookIn(before);
      const result = await next(input);
      await hookIn(after);
      return result;
    },
  },
});

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'wedges', {
    rules: { asked: { quorum: 1 }, home: { quorum: 2 } },
    guards: { backOff: { enabled: false, stepsMs: [0], quietMs: 1 } },
    auditToken: AUDIT_TOKEN,
    sections: {
      policies: [{ name: 'quiet', match: { managers: ['quiet-tool'] }, outcome: 'track' }],
    },
    interceptors: [interrupt],
  });
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

async function drifted(place: Place, name: string): Promise<ResourceRef> {
  await stage.install(place, name, CALM);
  const ref = stage.refOf(place, name);
  await lane.edit(ref, 'wild');
  return ref;
}

/** Two objects that one unit declares. */
async function twoOfOneUnit(
  place: Place,
  name: string,
): Promise<readonly [ResourceRef, ResourceRef]> {
  const { spaceId } = stage.space(place);
  const [target] = await stage.hub.listTargets(spaceId);
  const [a, b] = [`${name}-a`, `${name}-b`] as const;
  const manifest = (one: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${one}\ndata:\n  mode: calm\n`;
  const unit = await stage.hub.createUnit(spaceId, {
    ...{ slug: name, data: [a, b].map(manifest).join('---\n') },
    ...(target && { targetId: target.targetId }),
  });
  const { operationId } = await stage.hub.applyUnit(unit);
  await stage.hub.waitForOperation(unit, operationId, { timeoutMs: 60_000 });
  return [stage.refOf(place, a), stage.refOf(place, b)];
}

it('a question whose last needed answer follows one that no door has stored can still be answered', async () => {
  const ref = await drifted('home', 'forged');
  const question = await lane.question(ref);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  before.set('confirmDecision forged-decision', () => released);
  const forged: DecideInput = {
    ...{ decisionId: 'forged-decision', question: question.id, digest: question.digest },
    ...{ decision: 'approve', person: 'ghost', roles: ['approver'] },
  };
  const run = lane.parts.temporal.client.workflow.getHandle(driftWorkflowId(ref));
  await run.executeUpdate(decide, { args: [forged] });
  expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
  release();
  // Until bob's answer has been looked at, it seems to be the last one.
  await eventually(
    async () => (await lane.decide(question, 'ann', 'approve')) === 'approve taken',
    { timeoutMs: 20_000, what: 'the vote of ann is taken' },
  );
  await lane.until(ref, 'fixed');
}, 60_000);

it('whom the audit log names as the author after the last vote has approved nothing', async () => {
  const ref = await drifted('asked', 'late');
  const question = await lane.question(ref);
  after.set('confirmDecision ann', async () => {
    after.clear();
    await lane.audited(ref, 'ann');
  });
  expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
  const next = await lane.question(ref, question);
  expect(next.barred).toEqual(['ann']);
  expect(await lane.modeOf(ref)).toBe('wild');
  expect(await lane.decide(next, 'bob', 'approve')).toBe('approve taken');
  await lane.until(ref, 'fixed');
}, 60_000);

it('a fix that can never be verified becomes a question', async () => {
  const ref = stage.refOf('auto', 'unverified');
  let tries = 0;
  before.set('verify unverified', async () => {
    tries += 1;
    await lane.edit(ref, 'wild');
    await lane.parts.driftDoor.reportDrift(ref, `try ${tries}`, UNORDERED);
    throw ApplicationFailure.nonRetryable('it cannot be looked at', 'KUBERNETES_FORBIDDEN');
  });
  await drifted('auto', 'unverified');
  const question = await lane.question(ref);
  before.clear();
  expect(question.because).toContain('the fix has failed 3 times');
  // Each fix was looked at within the workflow task first, and by an activity then.
  expect(tries).toBe(2 * 3);
  expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
  await lane.until(ref, 'fixed');
}, 60_000);

it('a drift whose run was terminated ends with the drift: its question is withdrawn, and its unit is free', async () => {
  const { store, temporal } = lane.parts;
  const [held, waiting] = await twoOfOneUnit('asked', 'shared');
  await lane.edit(held, 'wild');
  await lane.question(held);
  await lane.edit(waiting, 'wild');
  await eventually(
    async () => (await lane.until(waiting, 'waiting')).message?.startsWith('Shares'),
    {
      timeoutMs: 30_000,
      what: 'the other drift waits for the first',
    },
  );
  const question = await lane.question(held);
  const lostRecords = createLostRecords(lane.parts);
  expect(await lostRecords()).toEqual([]);
  await temporal.client.workflow.getHandle(driftWorkflowId(held)).terminate('by hand');
  expect(await lostRecords()).toEqual([held]);
  const calm = { op: 'add', path: '/data/mode', value: 'calm' } as const;
  await stage.admin.jsonPatch(held, [calm], { fieldManager: 'kubectl-edit' });
  await createCleanReport(lane.parts)(held, Date.now() * 1_000);
  await lane.until(held, 'resolved');
  expect((await store.questions.find(question.id))?.status).not.toBe('open');
  const next = await lane.question(waiting);
  expect(await lane.decide(next, 'bob', 'approve')).toBe('approve taken');
  await lane.until(waiting, 'fixed');
}, 90_000);

it('a drift that its rule only records sets the unit free that it was asked about for', async () => {
  const [held, waiting] = await twoOfOneUnit('asked', 'freed');
  await lane.edit(held, 'wild');
  const first = await lane.question(held);
  await lane.edit(waiting, 'wild');
  expect((await lane.until(waiting, 'waiting')).message).toMatch(/^Shares the plan/);
  await lane.question(held, first);
  // From here on it is another rule's matter.
  await lane.edit(held, 'wilder', 'quiet-tool');
  await lane.until(held, 'tracked');
  const question = await lane.question(waiting);
  expect(question.because).toBeUndefined();
  expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
  await lane.until(waiting, 'fixed');
}, 90_000);

it('a difference that was rejected is on record as that again after another one was asked about', async () => {
  const ref = await drifted('asked', 'returned');
  const question = await lane.question(ref);
  expect(await lane.decide(question, 'bob', 'reject')).toBe('reject taken');
  await lane.until(ref, 'rejected');
  await lane.edit(ref, 'wilder');
  const other = await lane.question(ref, question);
  await lane.edit(ref, 'wild');
  const { message } = await lane.until(ref, 'rejected');
  expect(message).toContain('Rejected by bob');
  expect((await lane.parts.store.questions.find(other.id))?.status).toBe('withdrawn');
}, 60_000);
