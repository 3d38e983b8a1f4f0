import { setTimeout as delay } from 'node:timers/promises';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

const FIRST_DELAY_MS = 200;
/** An outage ends without people waiting much longer for us than for the part. */
const MAX_DELAY_MS = 5_000;

/**
 * Tries until a part answers, with growing pauses, and says for whom it waits. What no waiting can mend (a refused token, a
 * wrong configuration) is thrown at once.
 */
export async function waitForPart<T>(
  part: string,
  connect: () => Promise<T>,
  { log, signal, onWait }: { log: Log; signal: AbortSignal; onWait?: (message: string) => void },
): Promise<T> {
  let pauseMs = FIRST_DELAY_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await connect();
    } catch (error) {
      const known = fromUnknown(error);
      if (!known.retryable) throw known;
      log.warn({ part, reason: known.message, repair: known.repair }, `waiting for ${part}`);
      onWait?.(known.message);
      await delay(pauseMs, undefined, { signal });
      pauseMs = Math.min(pauseMs * 2, MAX_DELAY_MS);
    }
  }
}
