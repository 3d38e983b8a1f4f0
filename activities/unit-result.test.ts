import { expect, test } from 'vitest';
import type { CorrectReport } from '../workflows/messages.ts';
import { unitResultOf } from './unit-result.ts';

const report = (kind: CorrectReport['kind'], message: string = kind): CorrectReport => {
  return { kind, message };
};

test.each([
  ['a fix counts for those that share its plan', ['fixed', 'shared', 'gone'], 'fixed'],
  ['what failed is told first', ['fixed', 'asked', 'failed'], 'failed'],
  ['a question is told before a refusal', ['refused', 'asked'], 'asked'],
  ['a refusal is told before a fix', ['fixed', 'refused'], 'refused'],
  ['what is gone needed nothing', ['gone', 'gone'], 'unchanged'],
  ['a run that keeps handing over has failed', ['again'], 'failed'],
  ['no drift is no work', [], 'unchanged'],
] as const)('%s', (_what, kinds, result) => {
  expect(unitResultOf(kinds.map((kind) => report(kind))).result).toBe(result);
});

test('the reasons of the result are told, each once, with the question', () => {
  const asked = { ...report('asked', 'Rule prod asks.'), questionId: 'd1-1' };
  expect(unitResultOf([report('fixed', 'Fixed.'), asked, { ...asked }])).toEqual({
    result: 'asked',
    reason: 'Rule prod asks.',
    questionId: 'd1-1',
  });
});
