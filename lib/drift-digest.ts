import type { FieldChange } from '../drift/field-change.ts';
import { canonicalJson } from './digest.ts';

/**
 * Names one difference: paths, ops and both sides, whoever made it and whenever. Keyed, because it is taken over the
 * unredacted values, and a plain hash of a weak secret can be guessed. `keyedHash` is an HMAC under the installation's key.
 */
export function diffDigest(
  keyedHash: (text: string) => string,
  changes: readonly FieldChange[],
): string {
  const sides = changes
    .map(({ path, op, desired, live }) => ({ path, op, desired, live }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.op < b.op ? -1 : 1));
  return keyedHash(canonicalJson(sides)).slice(0, 32);
}
