import type { FieldChange } from './field-change.ts';
import { type PathSegment, parseFieldPath } from './field-path.ts';
import { isJsonObject, type JsonValue } from './json.ts';

/** RFC 6902. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

/**
 * The JSON Patch that turns the live side of `changes` into the desired side, guarded so that it applies only to the version
 * of the object that was compared. Undefined where a path cannot be found in `live` (it changed meanwhile).
 */
export function revertPatch(
  live: JsonValue,
  resourceVersion: string,
  changes: readonly FieldChange[],
): readonly PatchOperation[] | undefined {
  const guard: PatchOperation = {
    op: 'test',
    path: '/metadata/resourceVersion',
    value: resourceVersion,
  };
  const writes: PatchOperation[] = [];
  const removals: { readonly path: string; readonly index: number }[] = [];
  for (const change of changes) {
    const place = locate(live, parseFieldPath(change.path));
    if (!place) return undefined;
    if (change.desired === undefined) {
      if (place.exists) removals.push({ path: place.pointer, index: place.index });
    } else {
      writes.push({
        op: place.exists ? 'replace' : 'add',
        path: place.pointer,
        value: change.desired,
      });
    }
  }
  // From the back: removing an item moves the ones behind it.
  removals.sort((a, b) => b.index - a.index);
  return [
    guard,
    ...writes,
    ...removals.map(({ path }): PatchOperation => ({ op: 'remove', path })),
  ];
}

type Place = { readonly pointer: string; readonly exists: boolean; readonly index: number };

function locate(live: JsonValue, segments: readonly PathSegment[]): Place | undefined {
  let value: JsonValue | undefined = live;
  let pointer = '';
  let index = -1;
  for (const segment of segments) {
    if (segment.kind === 'field') {
      if (!isJsonObject(value)) return undefined;
      pointer += `/${segment.name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      value = value[segment.name];
      index = -1;
      continue;
    }
    if (!Array.isArray(value)) return undefined;
    const items: readonly JsonValue[] = value;
    index = items.findIndex((item) => matches(item, segment.keys));
    pointer += index < 0 ? '/-' : `/${index}`;
    value = index < 0 ? undefined : items[index];
  }
  return { pointer, exists: value !== undefined, index };
}

function matches(item: JsonValue, keys: readonly (readonly [string, string])[]): boolean {
  if (!isJsonObject(item)) return false;
  return keys.every(
    ([key, value]) => String(item[key] ?? (key === 'protocol' ? 'TCP' : '')) === value,
  );
}
