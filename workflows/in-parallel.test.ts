import { expect, test } from 'vitest';
import { inParallel } from './in-parallel.ts';

test('works on so many at once, answers in order, and stops at a failure', async () => {
  let running = 0;
  let most = 0;
  const work = async (item: number) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
    running -= 1;
    return item * 10;
  };
  expect(await inParallel([3, 1, 2, 5, 4], 2, work)).toEqual([30, 10, 20, 50, 40]);
  expect(most).toBe(2);
  expect(await inParallel([], 2, work)).toEqual([]);
  const failing = inParallel([1, 2], 1, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
});
