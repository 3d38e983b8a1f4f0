import { expect, test } from 'vitest';
import { DEFAULT_RULE, type Freeze, type PolicyDecision } from '../drift/decide/policy.ts';
import { frozenDuring } from './judge.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-03-01T12:00:00Z');

function decision(rule: string, ...freezes: readonly Freeze[]): PolicyDecision {
  return { rule, outcome: 'ask', policy: { ...DEFAULT_RULE, name: rule, freezes } };
}

function day(date: string, bars: Freeze['bars']): Freeze {
  return { since: date, until: date, timeZone: 'UTC', bars };
}

function interval(from: string, until: string) {
  return { fromMs: Date.parse(`${from}Z`), untilMs: Date.parse(`${until}Z`) };
}

const OWN = decision('own', day('2026-03-01', 'all'));
const OTHER = decision('other', day('2026-03-02', 'auto'), day('2026-03-03', 'all'));

test('nothing is approved while a freeze of any of the rules bars it', () => {
  expect(frozenDuring([OWN, OTHER], { expiryMs: 5 * DAY_MS }, NOW_MS).frozen).toEqual([
    interval('2026-03-01T12:00', '2026-03-02T00:00'),
    interval('2026-03-03T00:00', '2026-03-04T00:00'),
  ]);
});

test('freezes after the question has expired bar nothing', () => {
  expect(frozenDuring([OTHER], { expiryMs: DAY_MS }, NOW_MS)).toEqual({});
});
