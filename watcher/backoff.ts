export type Backoff = { readonly firstMs: number; readonly maxMs: number };

/**
 * Delay before the attempt after `failures` failures in a row: doubling, capped, and spread over its upper half so that many
 * who lost the same server do not come back in step.
 */
export function backoffMs(backoff: Backoff, failures: number, random: () => number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(ceiling * (0.5 + random() / 2));
}
