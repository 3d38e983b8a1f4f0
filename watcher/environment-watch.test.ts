import { describe, expect, it } from 'vitest';
import type { DesiredSource } from '../desired/source.ts';
import { type KubeObject, type ResourceRef, refOf } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { declareObjects } from '../testing/declared-source.ts';
import { manualClock, settled } from '../testing/manual-clock.ts';
import { createEnvironmentWatch } from './environment-watch.ts';
import { createSignalQueue } from './queue.ts';
import { createReconciler } from './reconciler.ts';
import type { Verdict } from './types.ts';

// The real queue, reconciler and verdicts under a clock of the test's own; the cluster is one object that the test sets.

const INTERVAL_MS = 1_000;
const RETRY_MS = 5_000;
const RECHECK_MS = 60_000;
const HOUR_MS = 60 * 60_000;

const map = (value: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'map', namespace: 'shop' },
  data: { value },
});
const dataOf = (object: KubeObject): string => (object['data'] as { value: string }).value;
const REF = refOf('dev', map('a'));

type Send = (verdict: Verdict | undefined) => Promise<void>;

/** The parts as the watcher joins them. Desired is `a`, and any other value is a drift of that digest. */
function joinParts(
  source: DesiredSource,
  outside: {
    live: () => KubeObject;
    send: Send;
    records: () => readonly ResourceRef[];
    lost: () => readonly ResourceRef[];
  },
) {
  const clock = manualClock();
  const shared = { clock, log: createLog('silent'), recheckMs: RECHECK_MS };
  const watch = createEnvironmentWatch({
    ...shared,
    environment: { config: { name: 'dev', namespaces: [] }, source },
    cluster: { has: () => true, get: outside.live, coverage: () => 'listed', keys: () => [] },
    judge(_desired, live) {
      const value = live && dataOf(live);
      return value === undefined || value === 'a' ? undefined : { digest: value, severity: 'info' };
    },
    enqueue: (key, waitMs) => queue.add(key, waitMs),
    report: (_ref, verdict) => outside.send(verdict),
    onStale: () => {},
  });
  const queue = createSignalQueue({
    deliver: watch.deliver,
    intervalMs: INTERVAL_MS,
    concurrency: 1,
    maxKeys: 100,
    retryDelayMs: () => RETRY_MS,
    onFailure: () => {},
    clock,
  });
  const reconciler = createReconciler({
    ...shared,
    activeRecords: async () => outside.records(),
    lostRecords: async () => outside.lost(),
    parts: new Map([['dev', { watch }]]),
    random: () => 0,
    signal: new AbortController().signal,
  });
  return { clock, watch, reconciler };
}

/** What is `told` are live values, and `clean`. */
async function setUp() {
  const declared = declareObjects('dev', map('a'));
  const { source } = declared;
  const told: string[] = [];
  let live = map('a');
  let records: readonly ResourceRef[] = [];
  let lost: readonly ResourceRef[] = [];
  let recordReads = 0;
  let send: Send = async () => {};
  const { clock, watch, reconciler } = joinParts(source, {
    live: () => live,
    async send(verdict) {
      await send(verdict);
      told.push(verdict?.digest ?? 'clean');
    },
    records() {
      recordReads += 1;
      return records;
    },
    lost: () => lost,
  });
  await watch.onSnapshot(await source.load());
  reconciler.start();
  await settled();
  recordReads = 0;
  return {
    ...{ clock, told, watch },
    /** The object changes, and its event comes. */
    async set(value: string) {
      live = map(value);
      watch.onChange(REF, live);
      await settled();
    },
    setUnseen(value: string) {
      live = map(value);
    },
    putOnRecord(...refs: readonly ResourceRef[]) {
      records = refs;
    },
    /** The run of a record was terminated. */
    loseRuns(...refs: readonly ResourceRef[]) {
      lost = refs;
    },
    recordReads: () => recordReads,
    /** Desired state changes, and is looked at. */
    async declare(change: (by: typeof declared) => void) {
      change(declared);
      await watch.onSnapshot(await source.load());
      await settled();
    },
    onSend(next: Send) {
      send = next;
    },
  };
}

describe('a drift that returns before its end was told', () => {
  it('is told again: its run may have closed on the end', async () => {
    const { clock, told, set } = await setUp();
    await set('b');
    await clock.advance(300);
    await set('a');
    await clock.advance(300);
    await set('b');
    await clock.advance(INTERVAL_MS);
    expect(told).toEqual(['b', 'b']);
    await clock.advance(10 * INTERVAL_MS);
    expect(told).toHaveLength(2);
  });

  it('is told again also where the end was tried to be told in vain', async () => {
    const { clock, told, set, onSend } = await setUp();
    await set('b');
    onSend(() => Promise.reject(new Error('away')));
    await clock.advance(INTERVAL_MS);
    await set('a');
    await set('b');
    onSend(async () => {});
    await clock.advance(RETRY_MS);
    expect(told).toEqual(['b', 'b']);
  });

  it('is told again where it went and returned during its first report', async () => {
    const { clock, told, set, onSend } = await setUp();
    const sent = Promise.withResolvers<void>();
    onSend(() => sent.promise);
    await set('b');
    await set('a');
    await set('b');
    sent.resolve();
    await clock.advance(INTERVAL_MS);
    expect(told).toEqual(['b', 'b']);
  });

  it('is told again after another drift that was over before it was told', async () => {
    const { clock, told, set } = await setUp();
    await set('b');
    await set('c');
    await set('b');
    await clock.advance(INTERVAL_MS);
    expect(told).toEqual(['b', 'b']);
  });
});

describe('the end of a drift', () => {
  it('is not told while its unit cannot be read, and is when the unit comes back without the object', async () => {
    const { clock, told, set, declare } = await setUp();
    await set('b');
    await clock.advance(INTERVAL_MS);
    await declare((by) => by.breakUnit(true, map('a')));
    await clock.advance(INTERVAL_MS);
    expect(told).toEqual(['b']);
    await declare((by) => by.breakUnit(false));
    await clock.advance(INTERVAL_MS);
    expect(told).toEqual(['b', 'clean']);
  });

  it('is told after a report that failed: it may have arrived all the same', async () => {
    const { clock, told, set, onSend } = await setUp();
    onSend(() => Promise.reject(new Error('deadline exceeded')));
    await set('b');
    await set('a');
    onSend(async () => {});
    await clock.advance(RETRY_MS);
    expect(told).toEqual(['clean']);
  });

  it('is told again after a drift that came and went right behind it', async () => {
    const { clock, told, set } = await setUp();
    await set('b');
    await clock.advance(INTERVAL_MS);
    await set('a');
    await clock.advance(INTERVAL_MS);
    await set('c');
    await set('a');
    await clock.advance(INTERVAL_MS);
    expect(told).toEqual(['b', 'clean', 'clean']);
  });

  it('is kept back for a second, in which its fix closes the run', async () => {
    const { clock, told, set, watch } = await setUp();
    await set('b');
    await clock.advance(INTERVAL_MS);
    await set('a');
    await clock.advance(999);
    watch.enqueuePending();
    await settled();
    expect(told).toEqual(['b']);
    expect(watch.status().lagMs).toBe(0);
    await clock.advance(1);
    expect(told).toEqual(['b', 'clean']);
  });

  it('keeps back no other drift that begins meanwhile', async () => {
    const { clock, told, set } = await setUp();
    await set('b');
    await clock.advance(INTERVAL_MS);
    await set('a');
    await clock.advance(300);
    await set('c');
    expect(told).toEqual(['b', 'c']);
    await clock.advance(10 * INTERVAL_MS);
    expect(told).toHaveLength(2);
  });

  it('is remembered for a while only: later, what comes and goes untold is nothing', async () => {
    const { clock, told, set, watch } = await setUp();
    const flicker = async () => {
      const comes = set('c');
      await set('a');
      await comes;
      await clock.advance(INTERVAL_MS);
    };
    await set('b');
    await clock.advance(INTERVAL_MS);
    await set('a');
    await clock.advance(INTERVAL_MS);
    await flicker();
    expect(told).toEqual(['b', 'clean', 'clean']);
    await clock.advance(RECHECK_MS);
    watch.enqueuePending();
    await flicker();
    expect(told).toHaveLength(3);
  });
});

describe('a report that fails', () => {
  it('is made again until it is taken, and then no more', async () => {
    const { clock, told, set, onSend } = await setUp();
    onSend(() => Promise.reject(new Error('away')));
    await set('b');
    await clock.advance(3 * RETRY_MS);
    onSend(async () => {});
    await clock.advance(3 * RETRY_MS);
    expect(told).toEqual(['b']);
  });
});

describe('a drift that was told', () => {
  it('is told again while it is not on record, ever less often', async () => {
    const { clock, told, set } = await setUp();
    await set('b');
    await clock.advance(RECHECK_MS - 1);
    expect(told).toEqual(['b']);
    await clock.advance(RECHECK_MS);
    expect(told).toEqual(['b', 'b']);
    await clock.advance(HOUR_MS);
    // After 2, 4, 8, 16 and 32 minutes.
    expect(told.length).toBeGreaterThan(4);
    expect(told.length).toBeLessThanOrEqual(7);
    const before = told.length;
    await clock.advance(24 * HOUR_MS);
    expect(told.length - before).toBeLessThanOrEqual(24);
    expect(told.length - before).toBeGreaterThan(20);
  });

  it('is left alone while it is on record, and told again soon after it is not', async () => {
    const { clock, told, set, putOnRecord } = await setUp();
    await set('b');
    putOnRecord(REF);
    await clock.advance(HOUR_MS);
    expect(told).toEqual(['b']);
    putOnRecord({ ...REF, environment: 'qa' }, { ...REF, name: 'other' });
    await clock.advance(2 * RECHECK_MS);
    expect(told).toEqual(['b', 'b']);
  });

  it('is told again within minutes where its run was terminated', async () => {
    const { clock, told, set, putOnRecord, loseRuns } = await setUp();
    await set('b');
    putOnRecord(REF);
    await clock.advance(HOUR_MS);
    expect(told).toEqual(['b']);
    loseRuns(REF);
    await clock.advance(10 * RECHECK_MS);
    expect(told).toEqual(['b', 'b']);
    loseRuns();
    await clock.advance(HOUR_MS);
    expect(told).toHaveLength(2);
  });

  it('costs no look at the records once it is over', async () => {
    const { clock, told, set, recordReads } = await setUp();
    await clock.advance(HOUR_MS);
    expect(recordReads()).toBe(0);
    await set('b');
    await set('a');
    await clock.advance(HOUR_MS);
    expect(told).toEqual(['b', 'clean']);
    expect(recordReads()).toBe(0);
  });

  it('is told clean where a fresh look finds that it is over', async () => {
    const { clock, told, set, setUnseen } = await setUp();
    await set('b');
    setUnseen('a');
    await clock.advance(2 * RECHECK_MS);
    expect(told).toEqual(['b', 'clean']);
  });
});
