import { setTimeout as sleep } from 'node:timers/promises';
import type { AppError } from '../lib/errors.ts';
import type { RunningProcess } from './process.ts';

const POLL_MS = 50;

/**
 * Returns when `probe` does not throw any more. Fails as soon as the process has ended, and at the deadline with what the
 * probe said last; both failures show the end of the process's log.
 */
export async function waitUntilReady(
  running: RunningProcess,
  probe: () => Promise<void>,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let dead = false;
  void running.ended.then(() => {
    dead = true;
  });
  for (;;) {
    const problem = await problemOf(probe);
    if (problem === undefined) return;
    if (dead) throw running.failure('ended before it was ready');
    if (Date.now() > deadline) throw notReady(running, timeoutMs, problem);
    await sleep(POLL_MS);
  }
}

async function problemOf(probe: () => Promise<void>): Promise<string | undefined> {
  try {
    await probe();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function notReady(running: RunningProcess, timeoutMs: number, problem: string): AppError {
  return running.failure(`was not ready within ${timeoutMs / 1000} s (${problem})`);
}
