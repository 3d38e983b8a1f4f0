import { condition, sleep, workflowInfo } from '@temporalio/workflow';
import type { RunState } from './run-state.ts';

/**
 * Waits until the resource has been quiet for `quietMs`, at most `maxMs`: people edit in bursts, and half an edit is not worth
 * looking at. One timer per quiet window, not one per observation, keeps the history short.
 */
export async function settle(state: RunState, window: Window, sinceMs = Date.now()): Promise<void> {
  const endMs = sinceMs + window.maxMs;
  while (Date.now() < endMs) {
    const { heard } = state;
    await sleep(Math.min(window.quietMs, endMs - Date.now()), { summary: 'settle' });
    if (state.heard === heard) return;
  }
}

type Window = { readonly quietMs: number; readonly maxMs: number };

/**
 * The first window of a run. Whoever saw the drift has its start delayed by that, which saves a timer and the task that sets it: there is
 * more to wait for only if more was seen meanwhile, or if the run was started or woken in another way.
 */
export async function settleAtStart(state: RunState, window: Window): Promise<void> {
  const startedMs = workflowInfo().startTime.getTime();
  const isQuiet = state.heard <= 1 && Date.now() - startedMs >= window.quietMs;
  if (!isQuiet) await settle(state, window, startedMs);
}

/** Waits for an observation that satisfies `wanted`; false when `untilMs` comes first. */
export async function observation(
  wanted: () => boolean,
  untilMs: number | undefined,
  summary: string,
): Promise<boolean> {
  if (untilMs === undefined) {
    await condition(wanted);
    return true;
  }
  const leftMs = untilMs - Date.now();
  return leftMs > 0 ? condition(wanted, leftMs, { summary }) : false;
}
