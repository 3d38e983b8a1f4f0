import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/**
 * Calls `look` until it returns something other than undefined and false, and returns that. An error thrown by it counts as
 * "not yet". Fails at the deadline, naming `what` was awaited and what `look` gave last.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { timeoutMs = 10_000, what }: { timeoutMs?: number; what: string },
): Promise<Exclude<Awaited<T>, undefined | false>> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      const value = await look();
      if (value !== undefined && value !== false)
        return value as Exclude<Awaited<T>, undefined | false>;
      last = value;
    } catch (error) {
      last = error;
    }
    await sleep(POLL_MS);
  } while (Date.now() < deadline);
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(`${what}: not within ${timeoutMs} ms; last seen: ${seen}`, { cause: last });
}
