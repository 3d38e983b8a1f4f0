/** Work that goes on after a request was answered; bounded, and waited for at the end. */
type Workload = {
  /** False when there is too much of it already: then the task is not begun. */
  run(task: () => Promise<void>): boolean;
  /** Resolves when everything that was begun is done, at the latest after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
};

/** `onError` hears of what a task throws. */
export function createWorkload(max: number, onError: (error: unknown) => void): Workload {
  const underWay = new Set<Promise<void>>();
  return {
    run(task) {
      if (underWay.size >= max) return false;
      const begun: Promise<void> = task()
        .catch(onError)
        .finally(() => underWay.delete(begun));
      underWay.add(begun);
      return true;
    },
    async drain(timeoutMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      await Promise.race([Promise.all(underWay), promise]);
      clearTimeout(timer);
    },
  };
}
