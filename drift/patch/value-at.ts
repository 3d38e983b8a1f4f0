import type { PathSegment } from '../field-path.ts';
import { isJsonObject, type JsonValue } from '../json.ts';
import { hasKeys } from './put-field.ts';

/** What a path names in plain JSON; undefined where nothing is there. */
export function valueAt(
  root: JsonValue | undefined,
  segments: readonly PathSegment[],
): JsonValue | undefined {
  let at = root;
  for (const segment of segments) {
    if (segment.kind === 'item') {
      const items: readonly JsonValue[] = Array.isArray(at) ? at : [];
      at = items.find((item) => hasKeys(item, segment.keys));
    } else {
      at = isJsonObject(at) && Object.hasOwn(at, segment.name) ? at[segment.name] : undefined;
    }
    if (at === undefined) return undefined;
  }
  return at;
}
