import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../lib/errors.ts';
import type { WaitOptions } from './hub.ts';
import { saysOutage } from './outage.ts';
import type { EventStatus, UnitEvent } from './types.ts';

/** No apply is done sooner: a look before would be in vain. */
const POLL_MIN_MS = 60;
const POLL_MAX_MS = 1_000;
const CLOSING: ReadonlySet<EventStatus> = new Set(['Completed', 'Failed', 'Canceled', 'Aborted']);

/** Looks at an operation's events until one closes it. */
export async function waitForClosing(
  look: () => Promise<readonly UnitEvent[]>,
  operationId: string,
  { timeoutMs, signal, onPoll }: WaitOptions,
): Promise<UnitEvent> {
  const deadline = Date.now() + timeoutMs;
  const pause = async (ms: number): Promise<void> => {
    signal?.throwIfAborted();
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  };
  await pause(Math.min(POLL_MIN_MS, timeoutMs));
  for (let pauseMs = POLL_MIN_MS; ; pauseMs = Math.min(pauseMs * 1.5, POLL_MAX_MS)) {
    const latest = latestOf(await look());
    onPoll?.(latest);
    if (latest !== undefined && CLOSING.has(latest.status)) return judged(latest);
    if (Date.now() + pauseMs > deadline) {
      throw new AppError(
        'APPLY_FAILED',
        `ConfigHub did not finish within ${timeoutMs} ms (${latest?.status ?? 'not begun'})`,
        { details: { operationId } },
      );
    }
    await pause(pauseMs);
  }
}

// Some servers append a row for each step, others rewrite one; the order of either list is theirs.
function latestOf(events: readonly UnitEvent[]): UnitEvent | undefined {
  return events.find((event) => CLOSING.has(event.status)) ?? events.at(-1);
}

// What was late had been written all the same: the comparison with the cluster judges that, not ConfigHub's patience.
function judged(event: UnitEvent): UnitEvent {
  if (event.status === 'Completed' || event.result === 'ApplyWaitFailed') return event;
  const code = saysOutage(event.message) ? 'KUBERNETES_UNAVAILABLE' : 'APPLY_FAILED';
  throw new AppError(code, event.message || `${event.action}: ${event.status}`, {
    details: { operationId: event.operationId, result: event.result },
  });
}
