import { describe, expect, it } from 'vitest';
import { manualClock, settled } from '../testing/manual-clock.ts';
import { createSignalQueue, type SignalQueueDeps } from './queue.ts';

function setUp(deps: Partial<SignalQueueDeps> = {}) {
  const clock = manualClock();
  const delivered: { key: string; atMs: number }[] = [];
  const startMs = clock.now();
  const queue = createSignalQueue({
    deliver: async (key) => {
      delivered.push({ key, atMs: clock.now() - startMs });
      return true;
    },
    intervalMs: 1_000,
    concurrency: 4,
    maxKeys: 100,
    retryDelayMs: (failures) => failures * 100,
    onFailure: () => {},
    clock,
    ...deps,
  });
  return { clock, queue, delivered };
}

describe('signal queue', () => {
  it('delivers the first event of a key at once', async () => {
    const { queue, delivered } = setUp();
    queue.add('a');
    await settled();
    expect(delivered).toEqual([{ key: 'a', atMs: 0 }]);
    expect(queue.depth()).toBe(0);
  });

  it('makes one delivery a second of any number of events of a key', async () => {
    const { clock, queue, delivered } = setUp();
    for (let edit = 0; edit < 50; edit++) {
      queue.add('a');
      await clock.advance(20);
    }
    await clock.advance(5_000);
    expect(delivered).toEqual([
      { key: 'a', atMs: 0 },
      { key: 'a', atMs: 1_000 },
    ]);
  });

  it('keeps back a key that is in no hurry, until its time or until it is in a hurry', async () => {
    const { clock, queue, delivered } = setUp();
    queue.add('a', 500);
    queue.add('b', 500);
    await clock.advance(200);
    queue.add('a', 500);
    queue.add('b');
    await clock.advance(5_000);
    expect(delivered).toEqual([
      { key: 'b', atMs: 200 },
      { key: 'a', atMs: 500 },
    ]);
    expect(queue.depth()).toBe(0);
  });

  it('does not hold back other keys', async () => {
    const { clock, queue, delivered } = setUp();
    queue.add('a');
    await clock.advance(10);
    queue.add('a');
    queue.add('b');
    await clock.advance(10);
    expect(delivered).toEqual([
      { key: 'a', atMs: 0 },
      { key: 'b', atMs: 10 },
    ]);
  });

  it('looks again at a key that changed while it was being delivered', async () => {
    const gate = Promise.withResolvers<void>();
    let deliveries = 0;
    const { clock, queue } = setUp({
      deliver: async () => {
        deliveries += 1;
        await gate.promise;
        return true;
      },
    });
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(deliveries).toBe(1);
    gate.resolve();
    await clock.advance(999);
    expect(deliveries).toBe(1);
    await clock.advance(1);
    expect(deliveries).toBe(2);
  });

  it('looks again however often a key changes under its own delivery', async () => {
    const gates: (() => void)[] = [];
    const { queue } = setUp({
      deliver: async () => {
        await new Promise<void>((resolve) => gates.push(resolve));
        return false;
      },
    });
    queue.add('a');
    for (let delivery = 0; delivery < 5; delivery++) {
      expect(gates).toHaveLength(delivery + 1);
      queue.add('a');
      gates[delivery]?.();
      await settled();
    }
    expect(gates).toHaveLength(6);
  });

  it('does not start the interval for a delivery that had nothing to do', async () => {
    let deliveries = 0;
    const { clock, queue } = setUp({
      deliver: async () => {
        deliveries += 1;
        return false;
      },
    });
    queue.add('a');
    await clock.advance(1);
    queue.add('a');
    await clock.advance(1);
    expect(deliveries).toBe(2);
  });

  it('keeps a key until its delivery succeeds, and says how often it failed', async () => {
    const failures: number[] = [];
    const atMs: number[] = [];
    const { clock, queue } = setUp({
      deliver: async () => {
        atMs.push(clock.now() - startMs);
        if (atMs.length < 4) throw new Error('away');
        return true;
      },
      onFailure: (failure) => failures.push(failure.failures),
    });
    const startMs = clock.now();
    queue.add('a');
    await clock.advance(150);
    // An event meanwhile neither shortens the wait nor adds a delivery.
    queue.add('a');
    await clock.advance(5_000);
    expect(atMs).toEqual([0, 100, 300, 600]);
    expect(failures).toEqual([1, 2, 3]);
    expect(queue.depth()).toBe(0);
  });

  it('holds no more deliveries at once than it may, and gets through all keys', async () => {
    let now = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const { queue } = setUp({
      deliver: async () => {
        most = Math.max(most, ++now);
        await new Promise<void>((resolve) => gates.push(resolve));
        now -= 1;
        return true;
      },
    });
    for (let key = 0; key < 20; key++) queue.add(String(key));
    for (let round = 0; round < 10; round++) {
      for (const open of gates.splice(0)) open();
      await settled();
    }
    expect(most).toBe(4);
    expect(queue.depth()).toBe(0);
  });

  it('refuses keys beyond its limit, but not events of keys that it holds', async () => {
    const { queue } = setUp({ maxKeys: 2, deliver: () => new Promise(() => {}) });
    expect([queue.add('a'), queue.add('b'), queue.add('c'), queue.add('a')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('delivers nothing after it was stopped, and waits for what is under way', async () => {
    const gate = Promise.withResolvers<void>();
    const started: string[] = [];
    const { clock, queue } = setUp({
      concurrency: 1,
      deliver: async (key) => {
        started.push(key);
        await gate.promise;
        return true;
      },
    });
    queue.add('a');
    queue.add('b');
    const stopped = queue.stop();
    let isStopped = false;
    stopped.then(() => {
      isStopped = true;
    });
    await clock.advance(10_000);
    expect(isStopped).toBe(false);
    gate.resolve();
    await stopped;
    expect(started).toEqual(['a']);
  });
});
