import { condition, sleep } from '@temporalio/workflow';
import type { RunState } from './run-state.ts';

/**
 * Waits until the resource has been quiet for `quietMs`, at most `maxMs`: people edit in bursts, and half an edit is not worth
 * looking at. One timer per quiet window, not one per observation, keeps the history short.
 */
export async function settle(
  state: RunState,
  window: { readonly quietMs: number; readonly maxMs: number },
): Promise<void> {
  const endMs = Date.now() + window.maxMs;
  while (Date.now() < endMs) {
    const { seq } = state.observation;
    await sleep(Math.min(window.quietMs, endMs - Date.now()), { summary: 'settle' });
    if (state.observation.seq === seq) return;
  }
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
