import { AppError } from '../lib/errors.ts';

const WINDOW_MS = 10_000;
/** Beyond so many different keys within one window new ones share a single count. */
const MAX_KEYS = 10_000;

/** Counts calls by key in windows of ten seconds; beyond the limit it throws TOO_MANY_REQUESTS. */
export function createRateLimit(perSecond: number, clock: () => Date): (key: string) => void {
  const limit = perSecond * (WINDOW_MS / 1_000);
  const counts = new Map<string, number>();
  let window = 0;
  return (key) => {
    const now = Math.floor(clock().getTime() / WINDOW_MS);
    if (now !== window) {
      counts.clear();
      window = now;
    }
    const counted = counts.has(key) || counts.size < MAX_KEYS ? key : '';
    const count = (counts.get(counted) ?? 0) + 1;
    counts.set(counted, count);
    if (count > limit) {
      throw new AppError('TOO_MANY_REQUESTS', `more than ${limit} requests in ten seconds`);
    }
  };
}
