import type { Clock } from './clock.ts';

export type SignalQueue = {
  /** Look at this key, in `waitMs` or as soon as it is added without; false if the queue is full. Equal keys that wait collapse into one. */
  add(key: string, waitMs?: number): boolean;
  /** Keys that wait or are being delivered. */
  depth(): number;
  /** Delivers nothing more; resolves when the deliveries under way have ended. */
  stop(): Promise<void>;
};

export type SignalQueueDeps = {
  /** Acts on what is true of the key now; false if there was nothing to do. A rejection keeps the key. */
  readonly deliver: (key: string) => Promise<boolean>;
  /** Least time between two deliveries of one key. */
  readonly intervalMs: number;
  /** Deliveries at once. */
  readonly concurrency: number;
  readonly maxKeys: number;
  readonly retryDelayMs: (failures: number) => number;
  readonly onFailure: (failure: { key: string; error: unknown; failures: number }) => void;
  readonly clock: Clock;
};

type Entry = { delivering: boolean; again: boolean; failures: number; isInNoHurry: boolean };

/**
 * Level-triggered: a key says "look again", never what happened, so the latest state wins and nothing piles up. The first
 * event of a key is delivered at once; more within the interval become one more delivery at its end.
 */
export function createSignalQueue(deps: SignalQueueDeps): SignalQueue {
  const { deliver, intervalMs, concurrency, maxKeys, retryDelayMs, onFailure, clock } = deps;
  const entries = new Map<string, Entry>();
  const cooling = createCooling(clock, intervalMs);
  const pool = createPool(concurrency, (key) => attempt(key));
  const delayed = createDelays(clock, pool.add);
  let stopped = false;

  const schedule = (key: string, waitMs = 0): void => {
    const dueMs = cooling.dueMs(key);
    if (dueMs === undefined && waitMs === 0) pool.add(key);
    else delayed.add(key, Math.max(dueMs ?? 0, clock.now() + waitMs));
  };

  const attempt = async (key: string): Promise<void> => {
    const entry = entries.get(key);
    // What waited and came to be in a hurry is due a second time.
    if (entry === undefined || entry.delivering) return;
    // Whatever happens to the key from here on is another event.
    entry.again = false;
    entry.isInNoHurry = false;
    entry.delivering = true;
    try {
      if (await deliver(key)) cooling.start(key);
      // Before it is scheduled again, which may begin its next delivery at once.
      entry.delivering = false;
      entry.failures = 0;
      if (entry.again) schedule(key);
      else entries.delete(key);
    } catch (error) {
      entry.delivering = false;
      entry.failures += 1;
      onFailure({ key, error, failures: entry.failures });
      if (!stopped) delayed.add(key, clock.now() + retryDelayMs(entry.failures));
    }
  };

  return {
    add(key, waitMs = 0) {
      const known = entries.get(key);
      if (known !== undefined) {
        known.again ||= known.delivering;
        if (known.isInNoHurry && waitMs === 0) {
          known.isInNoHurry = false;
          schedule(key);
        }
        return true;
      }
      if (stopped || entries.size >= maxKeys) return false;
      entries.set(key, { delivering: false, again: false, failures: 0, isInNoHurry: waitMs > 0 });
      schedule(key, waitMs);
      return true;
    },
    depth: () => entries.size,
    async stop() {
      stopped = true;
      delayed.clear();
      await pool.stop();
    },
  };
}

type Pool = { add(key: string): void; stop(): Promise<void> };

/** Works on keys in the order in which they came, so many at once. After `stop` it begins none. */
function createPool(concurrency: number, work: (key: string) => Promise<void>): Pool {
  const ready = new Set<string>();
  const running = new Set<Promise<void>>();
  let stopped = false;
  const pump = (): void => {
    while (!stopped && running.size < concurrency) {
      const [key] = ready;
      if (key === undefined) return;
      ready.delete(key);
      const run = work(key).finally(() => {
        running.delete(run);
        pump();
      });
      running.add(run);
    }
  };
  return {
    add(key) {
      ready.add(key);
      pump();
    },
    async stop() {
      stopped = true;
      await Promise.allSettled(running);
    },
  };
}

type Cooling = {
  /** Undefined where it may be delivered now. */
  dueMs(key: string): number | undefined;
  start(key: string): void;
};

/** When each key may be delivered again. */
function createCooling(clock: Clock, intervalMs: number): Cooling {
  // In order of time, because the interval is the same for all.
  const until = new Map<string, number>();
  return {
    dueMs(key) {
      const dueMs = until.get(key);
      return dueMs !== undefined && dueMs > clock.now() ? dueMs : undefined;
    },
    start(key) {
      const now = clock.now();
      for (const [cool, dueMs] of until) {
        if (dueMs > now) break;
        until.delete(cool);
      }
      // Deleted first, so that the map stays in order of time.
      until.delete(key);
      until.set(key, now + intervalMs);
    },
  };
}

type Delays = { add(key: string, dueMs: number): void; clear(): void };

/** Keys by the time they are due, under one timer. */
function createDelays(clock: Clock, onDue: (key: string) => void): Delays {
  const waiting: { key: string; dueMs: number }[] = [];
  let timer: { dueMs: number; cancel: () => void } | undefined;

  const arm = (): void => {
    const first = waiting[0];
    if (first === undefined || timer?.dueMs === first.dueMs) return;
    timer?.cancel();
    const cancel = clock.after(Math.max(0, first.dueMs - clock.now()), fire);
    timer = { dueMs: first.dueMs, cancel };
  };

  const fire = (): void => {
    timer = undefined;
    const now = clock.now();
    const after = waiting.findIndex((one) => one.dueMs > now);
    const due = waiting.splice(0, after < 0 ? waiting.length : after);
    arm();
    for (const { key } of due) onDue(key);
  };

  return {
    add(key, dueMs) {
      let low = 0;
      let high = waiting.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((waiting[middle]?.dueMs ?? 0) <= dueMs) low = middle + 1;
        else high = middle;
      }
      waiting.splice(low, 0, { key, dueMs });
      arm();
    },
    clear() {
      timer?.cancel();
      timer = undefined;
      waiting.length = 0;
    },
  };
}
