import type { Clock } from '../watcher/index.ts';

export type ManualClock = Clock & {
  /** Moves on by so many milliseconds, and lets everything that falls due on the way run. */
  advance(ms: number): Promise<void>;
};

/** A clock that moves when it is told to; timers run in the order in which they are due. */
export function manualClock(): ManualClock {
  let nowMs = 1_000_000;
  let timers: { dueMs: number; run: () => void }[] = [];
  return {
    now: () => nowMs,
    after(delayMs, run) {
      const timer = { dueMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        await settled();
        const [next] = timers
          .filter((one) => one.dueMs <= endMs)
          .sort((one, other) => one.dueMs - other.dueMs);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        nowMs = Math.max(nowMs, next.dueMs);
        next.run();
      }
      nowMs = endMs;
    },
  };
}

/** Lets every promise that can go on do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
