import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Analysis } from '../drift/advice/analysis.ts';
import type { Episode, Outcome } from '../drift/decide/record.ts';
import type { AnalysisNote } from '../drift/message/message-view.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { findingOf } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';
import { createStore, migrate, type Store } from './index.ts';

const STATES = { desired: {}, live: {}, desiredHash: '' };
const PLENTY = { calls: 1_000, dollars: 1_000 };
let store: Store;
let other: Store;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  const log = createLog('silent');
  store = createStore({ databaseUrl: url, log });
  other = createStore({ databaseUrl: url, log });
});
afterAll(async () => {
  await store?.close();
  await other?.close();
});

function refOf(environment: string, name: string): ResourceRef {
  return { environment, group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'shop', name };
}

/** An episode that ended so (or is open still), with what its drift cost. */
async function live(
  ref: ResourceRef,
  id: string,
  usd: number | undefined,
  outcome?: Outcome,
  at = new Date().toISOString(),
): Promise<void> {
  const cost = usd !== undefined && { costDeltaUsdMonthly: usd };
  const finding = findingOf(ref, { changes: [], ...cost });
  const episode: Episode = {
    ...{ episodeId: id, ref, workflowId: `drift:${id}`, runId: 'r', firstDetected: at },
    outcome: 'detecting',
  };
  await store.episodes.open(episode, STATES);
  await store.episodes.update(id, { finding });
  if (outcome) await store.episodes.close(id, outcome, '', at);
}

test('of many who reserve at once as many get money as there is', async () => {
  const budget = { perHour: { calls: 100, dollars: 0.1 }, perDay: PLENTY };
  const reservations = Array.from({ length: 20 }, (_, at) =>
    (at % 2 === 0 ? store : other).claudeCalls.reserve(`race-${at}`, 0.02, budget),
  );
  const refused = (await Promise.all(reservations)).filter((one) => one === 'hour');
  expect(refused).toHaveLength(15);
  // The same call again is the same money.
  const known = await Promise.all(
    Array.from({ length: 20 }, (_, at) => store.claudeCalls.reserve(`race-${at}`, 0.02, budget)),
  );
  expect(known.filter((one) => one === undefined)).toHaveLength(5);
});

test('what a call cost in the end is what counts, once', async () => {
  const budget = { perHour: PLENTY, perDay: { calls: 1_000, dollars: 0.4 } };
  expect(await store.claudeCalls.reserve('dear', 0.2, budget)).toBeUndefined();
  expect(await store.claudeCalls.reserve('next', 0.2, budget)).toBe('day');
  await store.claudeCalls.settle('dear', 0.001);
  await store.claudeCalls.settle('dear', 100);
  expect(await store.claudeCalls.reserve('next', 0.15, budget)).toBeUndefined();
  const calls = { perHour: { calls: 2, dollars: 9 }, perDay: PLENTY };
  expect(await store.claudeCalls.reserve('many', 0, calls)).toBe('hour');
});

test('answers are kept by question', async () => {
  await store.claudeCalls.keep('a', { summary: 'one' });
  await store.claudeCalls.keep('a', { summary: 'two' });
  expect(await store.claudeCalls.recall('a')).toEqual({ summary: 'two' });
  expect(await store.claudeCalls.recall('b')).toBeUndefined();
});

test('a note replaces a reason for none and stays; what attempts cost adds up', async () => {
  await live(refOf('dev', 'noted'), 'noted', undefined);
  const tokens = { input: 1, output: 2, cacheWrite: 3, cacheRead: 4 };
  const missing: Analysis = {
    ...{ status: 'missing', code: 'CLAUDE_ANSWER_INVALID', reason: 'no JSON', model: 'm' },
    ...{ isCached: false, tokens, usd: 0.5, at: new Date().toISOString() },
  };
  const note: AnalysisNote = {
    ...{ summary: 's', probableCause: 'p', risk: 1, riskReason: 'r', effect: 'e', model: 'm' },
    ...{ recommendation: 'revert', confidence: 'low' },
  };
  const { code: _code, reason: _reason, ...rest } = missing;
  await store.analyses.save('noted', 'd', missing);
  await store.analyses.save('noted', 'd', { ...rest, status: 'ready', note });
  await store.analyses.save('noted', 'd', missing);
  expect(await store.analyses.find('noted', 'd')).toEqual({
    ...rest,
    ...{ status: 'ready', note, usd: 1 },
    tokens: { input: 2, output: 4, cacheWrite: 6, cacheRead: 8 },
  });
  expect(await store.analyses.find('noted', 'another')).toBeUndefined();
  // Of an episode that is not there nothing is kept, and nothing fails.
  await store.analyses.save('nobody', 'd', missing);
  expect(await store.analyses.find('nobody', 'd')).toBeUndefined();
  await store.episodes.close('noted', 'resolved', '', new Date().toISOString());
});

test('costs: open drifts add up, fixes of the month count each resource once, unknown stays unknown', async () => {
  const lastMonth = new Date(Date.now() - 40 * 86_400_000).toISOString();
  await live(refOf('prod', 'dear'), 'p1', 3.996, 'fixed');
  await live(refOf('prod', 'dear'), 'p2', 1.998, 'fixed');
  await live(refOf('prod', 'also'), 'p3', 2, 'fixed');
  await live(refOf('prod', 'short'), 'p4', -0.999, 'fixed');
  await live(refOf('prod', 'kept'), 'p5', 50, 'rejected');
  await live(refOf('prod', 'old'), 'p6', 50, 'fixed', lastMonth);
  await live(refOf('prod', 'dear'), 'p7', 3.996);
  await live(refOf('prod', 'short'), 'p8', -0.999);
  await live(refOf('prod', 'free'), 'p9', undefined);
  await live(refOf('stage', 'free'), 's1', undefined);
  const totals = await store.costs.totals();
  expect(totals.map((one) => one.environment)).toEqual(['prod', 'stage']);
  expect(totals[0]?.openUsd).toBeCloseTo(2.997, 9);
  expect(totals[0]?.savedUsd).toBeCloseTo(5.996, 9);
  expect(totals[0]?.unknown).toBe(1);
  expect(totals[1]).toEqual({ environment: 'stage', unknown: 1, savedUsd: 0 });
});
