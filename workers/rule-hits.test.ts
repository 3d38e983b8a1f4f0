import { expect, test } from 'vitest';
import { createLog } from '../lib/log.ts';
import type { RuleHitCount } from '../store/types.ts';
import { createRuleHits } from './rule-hits.ts';

const HIT = { rule: 'r', environment: 'dev', resource: 'Deployment/n/a', path: 'spec.replicas' };

function counting() {
  const written: RuleHitCount[] = [];
  const state = { nowMs: 0, isAway: false };
  const hits = createRuleHits({
    store: {
      add: async (counts) => {
        if (state.isAway) throw new Error('away');
        written.push(...counts);
      },
    },
    log: createLog('silent'),
    now: () => state.nowMs,
  });
  return { hits, written, state, counts: () => written.map((one) => [one.rule, one.hits]) };
}

test('the first hit is written at once, the others once a minute, together', async () => {
  const { hits, counts, state } = counting();
  for (let count = 0; count < 100; count++) hits.note(HIT);
  expect(counts()).toEqual([['r', 1]]);
  state.nowMs = 60_000;
  hits.note(HIT);
  expect(counts()).toEqual([
    ['r', 1],
    ['r', 100],
  ]);
  hits.note(HIT);
  await hits.flush();
  expect(counts().at(-1)).toEqual(['r', 1]);
});

test('rules are counted apart', () => {
  const { hits, counts } = counting();
  hits.note(HIT);
  hits.note({ ...HIT, rule: 'other' });
  expect(counts()).toEqual([
    ['r', 1],
    ['other', 1],
  ]);
});

test('what Postgres does not take is kept for the next time', async () => {
  const { hits, counts, state } = counting();
  state.isAway = true;
  hits.note(HIT);
  await hits.flush();
  state.isAway = false;
  hits.note(HIT);
  await hits.flush();
  expect(counts()).toEqual([['r', 2]]);
});
