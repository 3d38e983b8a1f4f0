import { hostname } from 'node:os';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Decision, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftUnitWorkflowId, driftWorkflowId, promotionWorkflowId } from '../lib/workflow-id.ts';
import { SCENARIOS, type ScenarioName } from './crash-scenarios.ts';
import type { CrashStage, Place } from './crash-stage.ts';
import { type DriftLane, openDriftLane } from './drift-lane.ts';
import { eventually } from './eventually.ts';

/** Every path that a run can take, and the workflows whose histories it leaves. */
export const PATHS = [
  'auto-fix',
  'residue',
  'approve-with-upgrade',
  'accept-with-promotion',
  'promotion',
  'reject',
  'expire',
  'snooze',
  'withdrawn',
  'amended',
  'pending',
  'superseded',
  'failed-and-rolled-back',
  'drift-unit',
] as const;
export type PathName = (typeof PATHS)[number];

export type Recorded = { readonly workflowId: string; readonly json: string };

const CALM = { mode: 'calm' };
const EXPIRY_MS = 1_500;
const GRACE_MS = 1_500;
const DRIFT_SPACE = 'drifts-of-histories';

/** Plays each path once on real parts; answers its history as JSON, without the name of the machine. */
export async function recordHistories(
  stage: CrashStage,
): Promise<Readonly<Record<PathName, Recorded>>> {
  const lane = await openDriftLane(stage, 'histories', { rules: { far: {} } });
  const brief = await openDriftLane(stage, 'histories-brief', {
    rules: { asked: { expiryMs: EXPIRY_MS, remindersAt: [0.5] } },
  });
  const patching = await openDriftLane(stage, 'histories-patch', { residue: 'patch' });
  const late = await openDriftLane(stage, 'histories-late', {
    rules: { asked: { unknownAuthor: 'extra-approver' } },
    auditToken: 'the-audit-token-of-the-histories',
    pendingGraceMs: GRACE_MS,
  });
  const keeping = await openDriftLane(stage, 'histories-units', {
    sections: { drift: { records: 'units', space: DRIFT_SPACE } },
  });
  const lanes = [lane, brief, patching, late, keeping];
  try {
    const refs = {
      'auto-fix': await play(stage, lane, 'automatic fix', [], 'fixed'),
      residue: await play(stage, patching, 'automatic fix that leaves residue', [], 'fixed'),
      'approve-with-upgrade': await play(
        stage,
        lane,
        'approved fix with upgrade',
        ['approve'],
        'fixed',
      ),
      'accept-with-promotion': await play(
        stage,
        lane,
        'accepted drift, pushed downstream',
        ['accept'],
        'accepted',
      ),
      reject: await play(stage, lane, 'rejected fix', ['reject'], 'rejected'),
      'failed-and-rolled-back': await play(
        stage,
        lane,
        'fix that fails and is rolled back',
        ['approve'],
        'failed',
      ),
      expire: await expire(stage, brief),
      snooze: await snooze(stage, lane),
      withdrawn: await withdraw(stage, lane),
      amended: await amend(stage, late),
      pending: await leaveUnapplied(stage, late),
    };
    const others = {
      promotion: await promoted(stage, lane, refs['accept-with-promotion'], 2),
      superseded: await supersede(stage, lane),
      'drift-unit': await keepUnit(stage, keeping),
    };
    const ids = Object.entries(refs).map(([path, ref]) => [path, driftWorkflowId(ref)] as const);
    const recorded = await Promise.all(
      [...ids, ...Object.entries(others)].map(async ([path, id]) => {
        return [path, { workflowId: id, json: await historyOf(lane, id) }] as const;
      }),
    );
    return Object.fromEntries(recorded) as Record<PathName, Recorded>;
  } finally {
    for (const one of lanes) await one.stop();
  }
}

/** A scenario of the crash tests, without a crash; what is left of its drift is undone by hand. */
async function play(
  stage: CrashStage,
  lane: DriftLane,
  name: ScenarioName,
  answers: readonly Decision[],
  stands: 'fixed' | 'accepted' | 'rejected' | 'failed',
): Promise<ResourceRef> {
  const scenario = SCENARIOS[name];
  const slug = `history-${name.replaceAll(/[^a-z]+/g, '-')}`;
  await scenario.prepare(stage, slug);
  const place: Place = scenario.place;
  const ref = stage.refOf(place, slug);
  await stage.admin.jsonPatch(ref, scenario.drift, { fieldManager: 'kubectl-edit' });
  await lane.parts.driftDoor.reportDrift(ref, 'drift', Date.now() * 1_000);
  for (const decision of answers) await lane.decide(await lane.question(ref), 'ann', decision);
  await lane.until(ref, stands);
  if (stands === 'rejected' || stands === 'failed') await end(lane, ref);
  return ref;
}

async function expire(stage: CrashStage, lane: DriftLane): Promise<ResourceRef> {
  const ref = await drifted(stage, lane, 'history-expire');
  await lane.until(ref, 'expired');
  return end(lane, ref);
}

async function snooze(stage: CrashStage, lane: DriftLane): Promise<ResourceRef> {
  const ref = await drifted(stage, lane, 'history-snooze');
  const question = await lane.question(ref);
  await lane.decide(question, 'ann', 'snooze', { snooze_for: '1s' });
  await lane.question(ref, question);
  return end(lane, ref);
}

async function withdraw(stage: CrashStage, lane: DriftLane): Promise<ResourceRef> {
  const ref = await drifted(stage, lane, 'history-withdrawn');
  await lane.question(ref);
  return end(lane, ref);
}

/** One vote is not enough while nobody knows who made the change, and is once somebody does. */
async function amend(stage: CrashStage, lane: DriftLane): Promise<ResourceRef> {
  const ref = await drifted(stage, lane, 'history-amended');
  await lane.decide(await lane.question(ref), 'bob', 'approve');
  await lane.audited(ref, 'ann');
  await lane.until(ref, 'fixed');
  return ref;
}

async function leaveUnapplied(stage: CrashStage, lane: DriftLane): Promise<ResourceRef> {
  const unit = await stage.install('asked', 'history-pending', CALM);
  const ref = stage.refOf('asked', unit.slug);
  await stage.rewrite(unit, { mode: 'calmer' });
  await lane.parts.driftDoor.reportDrift(ref, 'pending', 1);
  const question = await lane.question(ref);
  for (const person of ['ann', 'bob']) await lane.decide(question, person, 'approve');
  await lane.until(ref, 'fixed');
  return ref;
}

/** What is kept in ConfigHub of a drift, from when it was asked about to its end. */
async function keepUnit(stage: CrashStage, lane: DriftLane): Promise<string> {
  const ref = await drifted(stage, lane, 'history-drift-unit');
  await lane.decide(await lane.question(ref), 'ann', 'approve');
  await lane.until(ref, 'fixed');
  return driftUnitWorkflowId(ref);
}

/** Answers with the older of two promotions of one unit. */
async function supersede(stage: CrashStage, lane: DriftLane): Promise<string> {
  const name = 'history-superseded';
  await stage.clone(await stage.install('home', name, CALM), 'far');
  const ref = stage.refOf('home', name);
  const older = promotionWorkflowId(stage.space('far').slug, name, 2);
  for (const [value, revision] of [
    ['wild', 2],
    ['wilder', 3],
  ] as const) {
    await lane.edit(ref, value);
    await lane.decide(await lane.question(ref), 'ann', 'accept');
    await lane.until(ref, 'accepted');
    await questionOf(lane, promotionWorkflowId(stage.space('far').slug, name, revision));
  }
  await lane.parts.temporal.client.workflow.getHandle(older).result();
  await promoted(stage, lane, ref, 3);
  return older;
}

async function drifted(stage: CrashStage, lane: DriftLane, name: string): Promise<ResourceRef> {
  await stage.install('asked', name, CALM);
  const ref = stage.refOf('asked', name);
  await lane.edit(ref, 'wild');
  return ref;
}

async function end(lane: DriftLane, ref: ResourceRef): Promise<ResourceRef> {
  await lane.undo(ref);
  await lane.until(ref, 'resolved');
  return ref;
}

/** The promotion that the accepted drift has led to, approved. */
async function promoted(
  stage: CrashStage,
  lane: DriftLane,
  { name }: ResourceRef,
  revision: number,
): Promise<string> {
  const workflowId = promotionWorkflowId(stage.space('far').slug, name, revision);
  await lane.decide(await questionOf(lane, workflowId), 'ann', 'approve');
  await lane.parts.temporal.client.workflow.getHandle(workflowId).result();
  return workflowId;
}

function questionOf({ parts }: DriftLane, workflowId: string): Promise<Question> {
  return eventually(
    async () => {
      const open = await parts.store.questions.list({ status: 'open', limit: 100 });
      return open.find((one) => one.workflowId === workflowId);
    },
    { timeoutMs: 60_000, what: 'the question of the promotion' },
  );
}

/** As JSON, once the run has ended. */
export async function historyOf({ parts }: DriftLane, workflowId: string): Promise<string> {
  const handle = parts.temporal.client.workflow.getHandle(workflowId);
  await handle.result();
  return withoutTraces(historyToJSON(await handle.fetchHistory()));
}

/** Neither who ran it where, nor from which files: replay needs none of it. */
export function withoutTraces(json: string): string {
  return json
    .replaceAll(/"identity":\s*"[^"]*"/g, '"identity": "worker"')
    .replaceAll(/"stackTrace":\s*"(?:\\.|[^"\\])*"/g, '"stackTrace": ""')
    .replaceAll(hostname(), 'machine');
}
