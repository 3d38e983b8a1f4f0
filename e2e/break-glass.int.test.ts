import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { createSubjects } from '../workers/subjects.ts';

// One person of those that the rule names approves alone, with a reason, and everybody hears of it.

const REASON = 'Checkout is down and nobody else is awake.';

let stage: CrashStage;
let lane: DriftLane;

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'emergency', {
    rules: {
      home: {
        ...{ quorum: 2, breakGlass: ['ann'] },
        freezes: [{ bars: 'all', since: '2020-01-01', until: '2100-01-01', timeZone: 'UTC' }],
      },
    },
  });
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

async function drifted(name: string): Promise<ResourceRef> {
  await stage.install('home', name, { mode: 'calm' });
  const ref = stage.refOf('home', name);
  await lane.edit(ref, 'wild');
  return ref;
}

it('fixes at once what two people would have had to approve, and is on record with its reason', async () => {
  const ref = await drifted('alone');
  const question = await lane.question(ref);
  expect(question).toMatchObject({ quorum: 2, breakGlass: ['ann'] });
  const alone = (reason: string) => ({ break_glass: true, reason });
  expect(await lane.decide(question, 'ann', 'approve')).toBe('FROZEN');
  expect(await lane.decide(question, 'ann', 'approve', alone('too short'))).toBe('INVALID_INPUT');
  expect(await lane.decide(question, 'ann', 'accept', alone(REASON))).toBe('INVALID_INPUT');
  expect(await lane.decide(question, 'bob', 'approve', alone(REASON))).toBe('NOT_AN_APPROVER');
  expect(await lane.decide(question, 'ann', 'approve', alone(REASON))).toBe('approve taken');
  const { episodeId } = await lane.until(ref, 'fixed');
  expect(await lane.modeOf(ref)).toBe('calm');

  const rows = await lane.parts.store.decisions.listFor(question.id);
  expect(rows.map((row) => [row.person, row.result, row.roles.includes('break-glass')])).toEqual([
    ['ann', 'refused', false],
    ['bob', 'refused', true],
    ['ann', 'taken', true],
  ]);
  expect(rows.at(-1)).toMatchObject({ reason: REASON, quorum: 2, approvals: [] });
  // The same once more is the same answer.
  const closed = (await lane.parts.store.questions.find(question.id)) ?? question;
  expect(await lane.decide(closed, 'ann', 'approve', alone(REASON))).toBe('approved');

  const known = await createSubjects(lane.parts)(episodeId);
  expect(known?.view.decisions).toEqual([
    expect.objectContaining({ person: 'ann', isAlone: true, reason: REASON }),
  ]);
}, 90_000);

it('is for those alone whom the rule names', async () => {
  const ref = await drifted('nobody');
  const question = await lane.question(ref);
  const answer = { break_glass: true, reason: REASON };
  expect(await lane.decide(question, 'eve', 'approve', answer)).toBe('NOT_AN_APPROVER');
  expect(await lane.decide(question, 'eve', 'reject')).toBe('reject taken');
  await lane.until(ref, 'rejected');
}, 60_000);
