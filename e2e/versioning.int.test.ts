import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import { ensureBinaries } from '../setup/binaries.mjs';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';

// Worker versions: who takes up a run that waits for people while a new version is rolled out.

const run = promisify(execFile);

type Behavior = 'auto-upgrade' | 'pinned';

let stage: CrashStage;
const lanes: DriftLane[] = [];

beforeAll(async () => {
  stage = await openCrashStage();
}, 120_000);
afterAll(async () => {
  await Promise.all(lanes.map((lane) => lane.stop().catch(() => {})));
  await stage?.close();
});

async function openVersion(deployment: string, buildId: string, behavior: Behavior) {
  const versioning = { deployment, buildId, behavior };
  const lane = await openDriftLane(stage, deployment, { temporal: { versioning } });
  lanes.push(lane);
  return lane;
}

/** By the command of docs/operations.md. The server knows a version once its worker has asked for work. */
async function makeCurrent(deployment: string, buildId: string): Promise<void> {
  const [temporal] = await ensureBinaries(['temporal']);
  const { address } = stage.parts.config.temporal;
  const command = ['worker', 'deployment', 'set-current-version', '--deployment-name', deployment];
  await eventually(
    () => run(temporal, [...command, '--build-id', buildId, '--yes', '--address', address]),
    { timeoutMs: 30_000, what: `version ${buildId} is current` },
  );
}

async function versionOf(workflowId: string): Promise<string | null | undefined> {
  const { client } = stage.parts.temporal;
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
}

test.each([
  { behavior: 'auto-upgrade', answeredBy: 'two' },
  { behavior: 'pinned', answeredBy: 'one' },
] as const)(
  '$behavior: a run that waits while a version is rolled out goes on with version $answeredBy',
  async ({ behavior, answeredBy }) => {
    const deployment = `rollout-${behavior}`;
    const one = await openVersion(deployment, 'one', behavior);
    await stage.install('asked', behavior, { mode: 'calm' });
    const ref = stage.refOf('asked', behavior);
    await one.edit(ref, 'wild');
    await makeCurrent(deployment, 'one');
    const question = await one.question(ref);
    expect(await versionOf(driftWorkflowId(ref))).toBe('one');

    const two = await openVersion(deployment, 'two', behavior);
    await makeCurrent(deployment, 'two');
    if (answeredBy === 'two') await one.stop();
    expect(await two.decide(question, 'ann', 'approve')).toMatch(/taken$/);
    await two.until(ref, 'fixed');
    expect(await versionOf(driftWorkflowId(ref))).toBe(answeredBy);
  },
  120_000,
);
