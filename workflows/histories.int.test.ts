import { mkdir, writeFile } from 'node:fs/promises';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { PATHS, type Recorded, recordHistories } from '../testing/record-histories.ts';

// With REALIGN_RECORD_HISTORIES=1 what is played here is kept in workflows/histories/, for replay.test.ts.

const DIRECTORY = new URL('./histories/', import.meta.url);
let stage: CrashStage;
let recorded: Readonly<Record<string, Recorded>>;

beforeAll(async () => {
  stage = await openCrashStage();
  recorded = await recordHistories(stage);
  if (process.env['REALIGN_RECORD_HISTORIES'] !== '1') return;
  await mkdir(DIRECTORY, { recursive: true });
  for (const [path, { json }] of Object.entries(recorded)) {
    await writeFile(new URL(`${path}.json`, DIRECTORY), `${JSON.stringify(JSON.parse(json))}\n`);
  }
}, 240_000);

afterAll(() => stage?.close());

test.each(PATHS)('a run of the path %s, just played, is replayed', async (path) => {
  const { json, workflowId } = recorded[path] ?? { json: '{}', workflowId: '' };
  const history = historyFromJSON(JSON.parse(json));
  // A normal run stays far below what Temporal bears, and keeps its payloads small.
  expect(history.events?.length).toBeLessThan(500);
  expect(largestPayload(json)).toBeLessThan(64 * 1024);
  const bundle = { codePath: stage.codePath };
  await Worker.runReplayHistory({ workflowBundle: bundle }, JSON.parse(json), workflowId);
});

function largestPayload(json: string): number {
  const sizes = [...json.matchAll(/"data":\s*"([A-Za-z0-9+/=]*)"/g)].map(([, data]) => {
    return Buffer.byteLength(data ?? '', 'base64');
  });
  return Math.max(...sizes);
}
