import { expect, test } from 'vitest';
import { inBatches } from './in-batches.ts';

/** A write that ends when the test says so. */
function heldWrites() {
  const begun: { items: readonly number[]; end: PromiseWithResolvers<void> }[] = [];
  const write = async (items: readonly number[]) => {
    const end = Promise.withResolvers<void>();
    begun.push({ items, end });
    await end.promise;
    return items.map((one) => one * 10);
  };
  return { begun, write };
}

test('what comes while a write is under way is written together, in its order', async () => {
  const { begun, write } = heldWrites();
  const append = inBatches(write, 2);
  const all = Promise.all([1, 2, 3, 4].map(append));
  for (const items of [[1], [2, 3], [4]]) {
    await expect.poll(() => begun.at(-1)?.items).toEqual(items);
    begun.at(-1)?.end.resolve();
  }
  expect(await all).toEqual([10, 20, 30, 40]);
  expect(begun).toHaveLength(3);
});

test('a failed write is told to those whose items were in it, and the next goes on', async () => {
  const { begun, write } = heldWrites();
  const append = inBatches(write, 10);
  const first = append(1);
  const second = append(2);
  begun[0]?.end.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await expect.poll(() => begun).toHaveLength(2);
  begun[1]?.end.resolve();
  await second;
});
