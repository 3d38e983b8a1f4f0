import { sameJson } from '../compare/equal.ts';
import type { FieldChange } from '../field-change.ts';
import { parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import type { KubeObject } from '../resource-ref.ts';
import { valueAt } from './value-at.ts';

/** A dry run of an apply says something about such a change; what was added beyond desired, or is missing as a whole, never shows. */
export function showsInDryRun({ path, desired }: Pick<FieldChange, 'path' | 'desired'>): boolean {
  return path !== '' && desired !== undefined;
}

/**
 * The changes that are none: applying the desired object would leave `live` as it is there, because the server turns the one
 * value into the other. `predicted` is the answer to a dry run of that apply.
 */
export function leftByApply(
  changes: readonly FieldChange[],
  live: KubeObject,
  predicted: KubeObject,
): readonly FieldChange[] {
  const before = live as unknown as JsonValue;
  const after = predicted as unknown as JsonValue;
  return changes.filter((change) => {
    if (!showsInDryRun(change)) return false;
    const segments = parseFieldPath(change.path);
    const held = valueAt(before, segments);
    const left = valueAt(after, segments);
    return held === undefined || left === undefined ? held === left : sameJson(held, left);
  });
}
