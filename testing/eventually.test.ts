import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';

test('returns the first value that is there', async () => {
  let looks = 0;
  const look = () => {
    looks += 1;
    if (looks === 1) throw new Error('too early');
    return looks < 3 ? undefined : 'there';
  };
  expect(await eventually(look, { what: 'the value' })).toBe('there');
});

test('says at the deadline what was awaited and what was seen', async () => {
  await expect(eventually(() => false, { timeoutMs: 60, what: 'the end' })).rejects.toThrow(
    'the end: not within 60 ms; last seen: false',
  );
});
