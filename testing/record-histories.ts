import { hostname } from 'node:os';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Decision } from '../drift/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftWorkflowId, promotionWorkflowId } from '../lib/workflow-id.ts';
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
  'failed-and-rolled-back',
] as const;
export type PathName = (typeof PATHS)[number];

export type Recorded = { readonly workflowId: string; readonly json: string };

const CALM = { mode: 'calm' };
const EXPIRY_MS = 1_500;

/** Plays each path once on real parts; answers its history as JSON, without the name of the machine. */
export async function recordHistories(
  stage: CrashStage,
): Promise<Readonly<Record<PathName, Recorded>>> {
  const lane = await openDriftLane(stage, 'histories', { rules: { far: {} } });
  const brief = await openDriftLane(stage, 'histories-brief', {
    rules: { asked: { expiryMs: EXPIRY_MS, remindersAt: [0.5] } },
  });
  const patching = await openDriftLane(stage, 'histories-patch', { residue: 'patch' });
  const lanes = [lane, brief, patching];
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
    };
    const promotionId = await promoted(stage, lane, refs['accept-with-promotion']);
    const ids = Object.entries(refs).map(([path, ref]) => [path, driftWorkflowId(ref)] as const);
    const recorded = await Promise.all(
      [...ids, ['promotion', promotionId] as const].map(async ([path, id]) => {
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
  const { path, value } = scenario.drift;
  await stage.admin.jsonPatch(ref, [{ op: 'add', path, value }], { fieldManager: 'kubectl-edit' });
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
async function promoted(stage: CrashStage, lane: DriftLane, { name }: ResourceRef) {
  const workflowId = promotionWorkflowId(stage.space('far').slug, name, 2);
  const question = await eventually(
    async () => {
      const open = await lane.parts.store.questions.list({ status: 'open', limit: 100 });
      return open.find((one) => one.workflowId === workflowId);
    },
    { timeoutMs: 60_000, what: 'the question of the promotion' },
  );
  await lane.decide(question, 'ann', 'approve');
  await lane.parts.temporal.client.workflow.getHandle(workflowId).result();
  return workflowId;
}

async function historyOf({ parts }: DriftLane, workflowId: string): Promise<string> {
  const handle = parts.temporal.client.workflow.getHandle(workflowId);
  await handle.result();
  return withoutTraces(historyToJSON(await handle.fetchHistory()));
}

/** Neither who ran it where, nor from which files: replay needs none of it. */
function withoutTraces(json: string): string {
  return json
    .replaceAll(/"identity":\s*"[^"]*"/g, '"identity": "worker"')
    .replaceAll(/"stackTrace":\s*"(?:\\.|[^"\\])*"/g, '"stackTrace": ""')
    .replaceAll(hostname(), 'machine');
}
