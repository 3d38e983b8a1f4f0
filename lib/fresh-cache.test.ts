import { beforeEach, expect, test } from 'vitest';
import { createFreshCache } from './fresh-cache.ts';

let nowMs: number;
let loads: string[];
let failure: Error | undefined;

beforeEach(() => {
  nowMs = 0;
  loads = [];
  failure = undefined;
});

function createCache(maxEntries = 10) {
  return createFreshCache(
    async (key) => {
      loads.push(key);
      if (failure) throw failure;
      return `${key}${loads.length}`;
    },
    {
      freshMs: 60,
      staleMs: 900,
      maxEntries,
      now: () => nowMs,
      isFinal: (error) => error instanceof Error && error.message === 'gone',
    },
  );
}

test('asks once while an answer is fresh, and once for all who ask at a time', async () => {
  const read = createCache();
  expect(await Promise.all([read('a'), read('a')])).toEqual(['a1', 'a1']);
  nowMs = 59;
  expect(await read('a')).toBe('a1');
  nowMs = 60;
  expect(await read('a')).toBe('a2');
});

test('gives an old answer while asking fails, but not for ever', async () => {
  const read = createCache();
  await read('a');
  failure = new Error('away');
  nowMs = 899;
  expect(await read('a')).toBe('a1');
  nowMs = 900;
  await expect(read('a')).rejects.toThrow('away');
  failure = undefined;
  expect(await read('a')).toBe('a4');
});

test('gives no old answer once it is known not to hold', async () => {
  const read = createCache();
  await read('a');
  failure = new Error('gone');
  nowMs = 60;
  await expect(read('a')).rejects.toThrow('gone');
});

test('keeps so many and no more', async () => {
  const read = createCache(2);
  for (const key of ['a', 'b', 'c']) await read(key);
  await read('b');
  await read('a');
  expect(loads).toEqual(['a', 'b', 'c', 'a']);
});
