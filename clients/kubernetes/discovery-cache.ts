import type { Discovery } from './discovery.ts';
import type { KubernetesClient } from './types.ts';

// A kind that is not known may have been installed since; asked again at most this often.
const FRESH_RETRY_MS = 1_000;
/** What is installed later, as a metrics server, is known after this at the latest, if anybody asks. */
const MAX_AGE_MS = 10 * 60_000;
/** Between tries to read anew what is old. */
const RETRY_MS = 30_000;

type Entry = {
  readonly discovery: Promise<Discovery>;
  readonly atMs: number;
};

/** Reads once what the server serves, again where somebody wants it `fresh`, and beside the next use when it has grown old. */
export function createDiscoveryCache(
  read: () => Promise<Discovery>,
  now: () => number,
): KubernetesClient['discover'] {
  let known: Entry | undefined;
  let begun: Entry | undefined;

  // Shared by all who ask meanwhile, so no single caller's signal may end it; the time-out of the request does.
  const begin = (): Promise<Discovery> => {
    const entry: Entry = { discovery: read(), atMs: now() };
    begun = entry;
    entry.discovery.then(
      () => {
        if (begun === entry) known = entry;
      },
      () => {
        // What was known holds while the server does not say better.
        if (begun === entry) begun = known && { ...known, atMs: now() - MAX_AGE_MS + RETRY_MS };
      },
    );
    return entry.discovery;
  };

  return ({ fresh = false, signal } = {}) => {
    signal?.throwIfAborted();
    const last = begun;
    if (last === undefined) return begin();
    const ageMs = now() - last.atMs;
    if (fresh && ageMs > FRESH_RETRY_MS) return begin();
    if (known && ageMs > MAX_AGE_MS) {
      void begin();
      return known.discovery;
    }
    return fresh ? last.discovery : (known ?? last).discovery;
  };
}
