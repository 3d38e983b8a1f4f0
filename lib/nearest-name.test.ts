import { expect, it } from 'vitest';
import { didYouMean, nearestName } from './nearest-name.ts';

const KEYS = ['environments', 'policies', 'people', 'api', 'autoFix'];

it.each([
  ['polices', 'policies'],
  ['enviroments', 'environments'],
  ['autofix', 'autoFix'],
  ['pepole', 'people'],
  ['apis', 'api'],
])('%s means %s', (wrong, meant) => {
  expect(nearestName(wrong, KEYS)).toBe(meant);
});

it('does not guess when nothing is near', () => {
  expect(nearestName('kubernetes', KEYS)).toBeUndefined();
  expect(didYouMean('kubernetes', KEYS)).toBe('');
  expect(nearestName('x', [])).toBeUndefined();
});
