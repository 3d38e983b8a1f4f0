import { expect, test } from 'vitest';
import { addToTally, describeTally, shortened } from './command-run.ts';
import type { Plan, ReachEntry } from './plan.ts';

test('results are counted over pages, and told in a line', () => {
  const first = addToTally({}, [{ result: 'fixed' }, { result: 'asked' }, { result: 'fixed' }]);
  const both = addToTally(first, [{ result: 'failed' }, { result: 'fixed' }]);
  expect(both).toEqual({ fixed: 3, asked: 1, failed: 1 });
  expect(first).toEqual({ fixed: 2, asked: 1 });
  expect(describeTally(both)).toBe('3 fixed, 1 asked, 1 failed');
  expect(describeTally({})).toBe('there was nothing to do');
});

test('a plan among many shows ten fields of its reach, and says how many more there are', () => {
  const entry = (path: string): ReachEntry => ({ environment: 'dev', resource: 'A/b/c', path });
  const plan = (fields: number): Plan => ({
    ...{ fix: 'revert', steps: [], description: '' },
    reach: Array.from({ length: fields }, (_, at) => entry(`data.k${at}`)),
  });
  expect(shortened(plan(10)).reach).toHaveLength(10);
  const { reach } = shortened(plan(13));
  expect(reach).toHaveLength(11);
  expect(reach.at(-1)).toMatchObject({ resource: '… and 3 more fields' });
  const deleted: ReachEntry = { ...entry(''), isDeleted: true };
  const whole = { ...plan(13), reach: [...plan(13).reach, deleted] };
  expect(shortened(whole).reach[0]).toEqual(deleted);
});
