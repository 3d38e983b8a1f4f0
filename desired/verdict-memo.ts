import { createHash } from 'node:crypto';
import type { EquivalenceQuestion } from '../drift/compare/comparison.ts';
import { canonicalJson } from '../lib/digest.ts';

/** Pairs of values that the API server takes for the same at a place; each costs some 150 bytes. */
const MAX_PAIRS = 10_000;

/** What this process has learnt of how a cluster rewrites values: admission, canonical forms. Holds hashes, no values. */
export type VerdictMemo = {
  has(pair: EquivalenceQuestion): boolean;
  remember(pair: EquivalenceQuestion): void;
};

/** One for each cluster, because each has its own admission. What was used last is kept longest. */
export function createVerdictMemo({ maxPairs = MAX_PAIRS } = {}): VerdictMemo {
  const known = new Set<string>();
  const use = (key: string): void => {
    // Deleted first, so that the set stays in the order of use.
    known.delete(key);
    known.add(key);
    for (const oldest of known) {
      if (known.size <= maxPairs) break;
      known.delete(oldest);
    }
  };
  return {
    has(pair) {
      if (known.size === 0) return false;
      const key = keyOf(pair);
      if (!known.has(key)) return false;
      use(key);
      return true;
    },
    remember: (pair) => use(keyOf(pair)),
  };
}

function keyOf(pair: EquivalenceQuestion): string {
  const { apiVersion, kind, schemaPath, desired, live, object } = pair;
  const values = [desired ?? null, live ?? null];
  const text = canonicalJson([apiVersion, kind, schemaPath, ...values, object ?? null]);
  return createHash('sha256').update(text).digest('base64');
}
