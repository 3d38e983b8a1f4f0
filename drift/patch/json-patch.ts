import type { FieldChange } from '../field-change.ts';
import { parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import { type PatchOperation, putField } from './put-field.ts';

export type { PatchOperation } from './put-field.ts';

/**
 * The JSON Patch that turns the live side of `changes` into the desired side, guarded so that it applies only to the version
 * of the object that was compared. Undefined where a path has no place in `live` (it changed meanwhile, or the object itself
 * is missing). Throws a TypeError for redacted changes: a description must never be written in place of a value.
 */
export function revertPatch(
  live: JsonValue,
  resourceVersion: string,
  changes: readonly FieldChange[],
): readonly PatchOperation[] | undefined {
  const operations: PatchOperation[] = [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
  ];
  // Each operation is placed in the object as the ones before leave it: removing an item moves those behind it.
  let state: JsonValue = live;
  for (const change of changes) {
    if (change.redacted) throw new TypeError(`${change.path} is redacted: it cannot be written`);
    const segments = parseFieldPath(change.path);
    const put = segments.length > 0 ? putField(state, segments, change.desired) : undefined;
    if (put?.value === undefined) return undefined;
    state = put.value;
    if (put.operation) operations.push(put.operation);
  }
  return operations;
}
