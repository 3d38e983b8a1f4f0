/**
 * Writes one by one while it is quiet, and together what comes while a write is under way: so nobody waits longer than for one other
 * write, and a crowd costs few statements. Each caller hears how the write went that its own item was in.
 */
export function inBatches<T, R>(
  /** Answers for each item, in their order. */
  write: (items: readonly T[]) => Promise<readonly R[]>,
  maxItems: number,
): (item: T) => Promise<R | undefined> {
  let waiting: { readonly item: T; readonly done: PromiseWithResolvers<R | undefined> }[] = [];
  let isWriting = false;

  async function writeAll(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      try {
        const answers = await write(batch.map((one) => one.item));
        for (const [index, { done }] of batch.entries()) done.resolve(answers[index]);
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    isWriting = false;
  }

  return (item) => {
    const done = Promise.withResolvers<R | undefined>();
    waiting.push({ item, done });
    if (!isWriting) void writeAll();
    return done.promise;
  };
}
