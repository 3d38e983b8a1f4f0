import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { createKeeper, type Keeper } from './process.ts';
import { isGroupAlive } from './process-group.ts';
import { waitUntilReady } from './readiness.ts';

let directory: string;
let keeper: Keeper;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'realign-process-'));
  keeper = createKeeper();
});

afterEach(async () => {
  await keeper.close();
  rmSync(directory, { recursive: true, force: true });
});

function startShell(script: string) {
  const logFile = join(directory, 'part.log');
  return keeper.start({ name: 'The part', command: '/bin/sh', args: ['-c', script], logFile });
}

test('a crash names the part, how it ended and the end of its log', async () => {
  const running = startShell('echo "disk is full" >&2; exit 9');
  const failure = await running.ended;
  expect(failure?.code).toBe('SETUP_FAILED');
  expect(failure?.message).toBe(
    'The part ended by itself (exit code 9). The end of its log:\n  disk is full',
  );
});

test('being stopped is no crash, and takes the whole group along', async () => {
  const running = startShell('sleep 60 & sleep 60 & wait');
  await running.stop();
  expect(await running.ended).toBeUndefined();
  await eventually(() => !isGroupAlive(running.pid), { what: 'the group is gone' });
});

test('a program that is not there is reported as such', () => {
  const start = () =>
    keeper.start({
      name: 'Ghost',
      command: '/no/such/program',
      args: [],
      logFile: join(directory, 'x'),
    });
  expect(start).toThrow('Ghost cannot be started: /no/such/program does not run');
});

test('when the keeper goes, what it started goes too', async () => {
  const running = startShell('sleep 60');
  await keeper.close();
  await eventually(() => !isGroupAlive(running.pid), { what: 'the process is gone' });
});

test('waiting for readiness ends with the process, and says so', async () => {
  const running = startShell('echo "bad flag" >&2; exit 2');
  const waiting = waitUntilReady(running, () => Promise.reject(new Error('no answer')), 5_000);
  await expect(waiting).rejects.toThrow(/The part ended before it was ready.*bad flag/s);
});

test('waiting for readiness has a deadline, and says what the probe saw', async () => {
  const running = startShell('sleep 60');
  const waiting = waitUntilReady(running, () => Promise.reject(new Error('no answer')), 120);
  await expect(waiting).rejects.toThrow(/not ready within 0\.12 s \(no answer\)/);
  await running.stop();
});
