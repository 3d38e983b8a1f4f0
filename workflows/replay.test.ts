import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, expect, test } from 'vitest';
import { createLog } from '../lib/log.ts';
import { installRuntime } from '../workers/worker.ts';

// Runs wait for people for days and outlive the code that started them: what they did must be what the code of today would do.
// A change that breaks a history here breaks runs in the field. After one that is meant, and made with `patched`, record anew:
// `REALIGN_RECORD_HISTORIES=1 npm test -- workflows/histories.int.test.ts`.

const DIRECTORY = new URL('./histories/', import.meta.url);
const WORKFLOWS = fileURLToPath(new URL('./index.ts', import.meta.url));
const paths = readdirSync(DIRECTORY).map((file) => file.replace(/\.json$/, ''));

let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  installRuntime(createLog('silent'));
  const logger = new DefaultLogger('ERROR');
  bundle = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger });
}, 60_000);

test.each(paths)('%s is replayed by the code of today', async (path) => {
  await replay(bundle.code, path);
});

test('every path has a history', () => {
  expect(paths.toSorted()).toEqual([
    'accept-with-promotion',
    'amended',
    'announcements',
    'announcements-storm',
    'approve-with-upgrade',
    'auto-fix',
    'cancelled',
    'corrected',
    'correction',
    'drift-unit',
    'expire',
    'explained',
    'failed-and-rolled-back',
    'handed-over',
    'pending',
    'promotion',
    'promotion-by-command',
    'reject',
    'residue',
    'rollback',
    'snooze',
    'summary',
    'superseded',
    'withdrawn',
  ]);
});

/** Changes of workflow code that look harmless. */
const CHANGES: readonly [string, string, string, string][] = [
  ['one activity for another', 'auto-fix', 'quick.verify(', 'quick.openChangeSet('],
  ['the order of steps', 'auto-fix', 'quick.plan(', 'quick.detect('],
  ['a step left out', 'approve-with-upgrade', 'writes.upgradeUnit.', 'writes.writeUnit.'],
  [
    'a unit that is not looked at after a rollback',
    'rollback',
    'follows.verifyUnit',
    'reads.record',
  ],
  ['a question that is not closed', 'reject', 'reads.closeQuestion.', 'reads.record.'],
];

test.each(CHANGES)('%s breaks the replay of %s', async (_what, path, before, after) => {
  const changed = bundle.code.replaceAll(before, after);
  expect(changed).not.toBe(bundle.code);
  await expect(replay(changed, path)).rejects.toThrow(DeterminismViolationError);
});

function replay(code: string, path: string): Promise<void> {
  const history = JSON.parse(readFileSync(new URL(`${path}.json`, DIRECTORY), 'utf8'));
  const workflowBundle = { code, sourceMap: bundle.sourceMap } as const;
  return Worker.runReplayHistory({ workflowBundle }, history, path);
}
