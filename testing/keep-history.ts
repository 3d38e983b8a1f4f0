import { writeFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { expect } from 'vitest';
import type { CrashStage } from './crash-stage.ts';
import type { DriftLane } from './drift-lane.ts';
import { historyOf, withoutTraces } from './record-histories.ts';

const DIRECTORY = new URL('../workflows/histories/', import.meta.url);
const MAX_PAYLOAD_BYTES = 64 * 1024;

/**
 * Replays the history of a run that has just ended, and holds its payloads small. With REALIGN_RECORD_HISTORIES=1 it is kept under
 * that name for workflows/replay.test.ts.
 */
export async function keepHistory(
  stage: CrashStage,
  lane: DriftLane,
  workflowId: string,
  path: string,
): Promise<void> {
  await keep(stage, workflowId, path, await historyOf(lane, workflowId));
}

/** The same of a run that goes on, or that has no result: what it has done so far. */
export async function keepOpenHistory(
  stage: CrashStage,
  { parts }: DriftLane,
  workflowId: string,
  path: string,
): Promise<void> {
  const handle = parts.temporal.client.workflow.getHandle(workflowId);
  const json = withoutTraces(historyToJSON(await handle.fetchHistory()));
  await keep(stage, workflowId, path, json);
}

async function keep(
  stage: CrashStage,
  workflowId: string,
  path: string,
  json: string,
): Promise<void> {
  const sizes = [...json.matchAll(/"data":\s*"([A-Za-z0-9+/=]*)"/g)].map(([, data = '']) =>
    Buffer.byteLength(data, 'base64'),
  );
  expect(Math.max(...sizes)).toBeLessThan(MAX_PAYLOAD_BYTES);
  const workflowBundle = { codePath: stage.codePath };
  await Worker.runReplayHistory({ workflowBundle }, JSON.parse(json), workflowId);
  if (process.env['REALIGN_RECORD_HISTORIES'] !== '1') return;
  await writeFile(new URL(`${path}.json`, DIRECTORY), `${JSON.stringify(JSON.parse(json))}\n`);
}
