import { expect, test } from 'vitest';
import { MAX_ROUNDS, NONE_REFUSED, noteRefused, noteTaken, takeRefused } from './refusals.ts';

const AFTER_MS = 900_000;

test('all that was refused is tried again together, once the first has waited', () => {
  const first = noteRefused(NONE_REFUSED, 'a', 1_000, AFTER_MS);
  const both = noteRefused(noteRefused(first, 'b', 5_000, AFTER_MS), 'a', 6_000, AFTER_MS);
  expect(both).toEqual({ subjects: ['a', 'b'], retryAtMs: 901_000, rounds: 0 });
  expect(takeRefused(both, 900_999)).toEqual({ refusals: both, subjects: [] });
  const { refusals, subjects } = takeRefused(both, 901_000);
  expect(subjects).toEqual(['a', 'b']);
  expect(refusals).toEqual({ ...NONE_REFUSED, rounds: 1 });
});

test('rounds end after a day, and begin anew with what is taken', () => {
  let refusals = NONE_REFUSED;
  let tries = 0;
  for (let nowMs = 0; nowMs < 3 * 86_400_000; nowMs += AFTER_MS) {
    const taken = takeRefused(refusals, nowMs);
    tries += taken.subjects.length;
    refusals = noteRefused(taken.refusals, 'a', nowMs, AFTER_MS);
  }
  expect(tries).toBe(MAX_ROUNDS);
  expect(noteRefused(refusals, 'b', 0, AFTER_MS).subjects).toEqual([]);
  expect(noteRefused(noteTaken(refusals), 'b', 0, AFTER_MS).subjects).toEqual(['b']);
});
