import type { Clock } from './clock.ts';

export type SignalQueue = {
  /** Look at this key; false if the queue is full. Equal keys that wait collapse into one. */
  add(key: string): boolean;
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

type Entry = { place: 'ready' | 'delayed' | 'delivering'; again: boolean; failures: number };

/**
 * Level-triggered: a key says "look again", never what happened, so the latest state wins and nothing piles up. The first
 * event of a key is delivered at once; more within the interval become one more delivery at its end.
 */
export function createSignalQueue(deps: SignalQueueDeps): SignalQueue {
  const { deliver, intervalMs, concurrency, maxKeys, retryDelayMs, onFailure, clock } = deps;
  const entries = new Map<string, Entry>();
  const ready = new Set<string>();
  const delayed = createDelays(clock, (key) => makeReady(key));
  // When each key may be delivered again; in order of time, because the interval is the same for all.
  const cooling = new Map<string, number>();
  const delivering = new Set<Promise<void>>();
  let stopped = false;

  const makeReady = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entry.place = 'ready';
    ready.add(key);
    pump();
  };

  const schedule = (key: string, entry: Entry): void => {
    const dueMs = cooling.get(key);
    if (dueMs !== undefined && dueMs > clock.now()) {
      entry.place = 'delayed';
      delayed.add(key, dueMs);
    } else {
      makeReady(key);
    }
  };

  const pump = (): void => {
    while (!stopped && delivering.size < concurrency) {
      const [key] = ready;
      if (key === undefined) return;
      ready.delete(key);
      const entry = entries.get(key);
      if (entry === undefined) continue;
      entry.place = 'delivering';
      const run = attempt(key, entry).finally(() => {
        delivering.delete(run);
        pump();
      });
      delivering.add(run);
    }
  };

  const attempt = async (key: string, entry: Entry): Promise<void> => {
    try {
      if (await deliver(key)) coolDown(key);
    } catch (error) {
      entry.failures += 1;
      entry.again = false;
      entry.place = 'delayed';
      onFailure({ key, error, failures: entry.failures });
      if (!stopped) delayed.add(key, clock.now() + retryDelayMs(entry.failures));
      return;
    }
    entry.failures = 0;
    if (!entry.again) {
      entries.delete(key);
      return;
    }
    entry.again = false;
    schedule(key, entry);
  };

  const coolDown = (key: string): void => {
    const now = clock.now();
    for (const [cool, dueMs] of cooling) {
      if (dueMs > now) break;
      cooling.delete(cool);
    }
    // Deleted first, so that the map stays in order of time.
    cooling.delete(key);
    cooling.set(key, now + intervalMs);
  };

  return {
    add(key) {
      const known = entries.get(key);
      if (known !== undefined) {
        if (known.place === 'delivering') known.again = true;
        return true;
      }
      if (stopped || entries.size >= maxKeys) return false;
      const entry: Entry = { place: 'ready', again: false, failures: 0 };
      entries.set(key, entry);
      schedule(key, entry);
      return true;
    },
    depth: () => entries.size,
    async stop() {
      stopped = true;
      delayed.clear();
      await Promise.allSettled(delivering);
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
