import { patched } from '@temporalio/workflow';
import type { Pause } from './messages.ts';
import { isToHandOver, type RunState } from './run-state.ts';
import { observation } from './settle.ts';

/** After a step that failed for good: long enough for a person to mend what is wrong, short enough not to be forgotten. */
const TRY_AGAIN_AFTER_MS = 15 * 60_000;
/** However much is heard meanwhile, what has failed twice is not tried again more often than this because of it. */
const TRIES_APART_MS = 10_000;
/** Of what failed, as a fresh history hears of it. */
const MAX_MESSAGE_CHARS = 1_000;

/** What makes another try sensible before its time. */
export type Wakers = {
  readonly wanted: () => boolean;
  /** The same without a limit to how often: a person, or something that happens once. */
  readonly urgent?: () => boolean;
};

/** Something failed, as the message says: from now on there is a wait before the next try. */
export function pause(state: RunState, message: string, digest?: string): Pause {
  const nowMs = Date.now();
  state.pause = {
    message: message.slice(0, MAX_MESSAGE_CHARS),
    untilMs: nowMs + TRY_AGAIN_AFTER_MS,
    notBeforeMs: Math.max(nowMs, state.triedAgainMs + TRIES_APART_MS),
    ...(digest !== undefined && { digest }),
  };
  return state.pause;
}

/** Waits out the pause, or until something speaks for another try. False where a fresh history is to go on with it. */
export async function pauseOver(
  state: RunState,
  present: Pause,
  { wanted, urgent = () => false }: Wakers,
): Promise<boolean> {
  const { untilMs, notBeforeMs } = present;
  const isOver = () => urgent() || isToHandOver();
  // Runs that began before tries were kept apart go on as they began.
  const keepsApart = notBeforeMs > Date.now() && patched('tries-keep-apart');
  const isEarly = keepsApart && (await observation(isOver, notBeforeMs, 'between two tries'));
  const isWoken =
    isEarly || (await observation(() => wanted() || isOver(), untilMs, 'until another try'));
  state.pause = undefined;
  if (isWoken && !urgent() && isToHandOver()) {
    // What was heard here is not heard in the fresh history.
    state.pause = { ...present, untilMs: wanted() ? notBeforeMs : untilMs };
    return false;
  }
  state.triedAgainMs = Date.now();
  return true;
}
