type FreshCacheOptions = {
  /** So long an answer is given without asking again. */
  readonly freshMs: number;
  /** So long it is given when asking fails. */
  readonly staleMs: number;
  readonly maxEntries: number;
  readonly now: () => number;
  /** Failures that say for certain that an earlier answer does not hold any more. */
  readonly isFinal: (error: unknown) => boolean;
};

type Entry<T> = { readonly value: T; readonly atMs: number };

/** Remembers what `load` gave for a while, and for longer while it fails. Callers that come at once share one load. */
export function createFreshCache<T>(
  load: (key: string) => Promise<T>,
  { freshMs, staleMs, maxEntries, now, isFinal }: FreshCacheOptions,
): (key: string) => Promise<T> {
  const entries = new Map<string, Entry<T>>();
  const loading = new Map<string, Promise<T>>();

  const store = (key: string, value: T): T => {
    entries.delete(key);
    entries.set(key, { value, atMs: now() });
    const oldest = entries.keys().next();
    if (entries.size > maxEntries && !oldest.done) entries.delete(oldest.value);
    return value;
  };
  const loadOnce = (key: string): Promise<T> => {
    const known = loading.get(key);
    if (known) return known;
    const begun = load(key)
      .then((value) => store(key, value))
      .finally(() => loading.delete(key));
    loading.set(key, begun);
    return begun;
  };

  return async (key) => {
    const known = entries.get(key);
    if (known && now() - known.atMs < freshMs) return known.value;
    try {
      return await loadOnce(key);
    } catch (error) {
      if (known && now() - known.atMs < staleMs && !isFinal(error)) return known.value;
      throw error;
    }
  };
}
