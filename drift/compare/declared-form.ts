import type { PathSegment } from '../field-path.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { KubeObject } from '../resource-ref.ts';
import { ANY, fieldShape, type Shape, structOfKind } from './schema.ts';
import { isDefaulted } from './schema-defaults.ts';

/**
 * A live value as a person would declare it: without the fields that the API server filled in, except where `declared` (what
 * the manifest says at the same place) has them. Values of custom resources stay whole: their defaults are not known here.
 */
export function declaredForm(
  object: Pick<KubeObject, 'apiVersion' | 'kind'>,
  segments: readonly PathSegment[],
  value: JsonValue,
  declared: JsonValue | undefined,
): JsonValue {
  const struct = structOfKind(object.apiVersion, object.kind);
  if (!struct) return value;
  let shape: Shape = { kind: 'struct', keepsZero: true, keys: [], struct };
  for (const segment of segments) {
    shape =
      segment.kind === 'field' && shape.struct
        ? fieldShape(shape.struct, segment.name)
        : (shape.item ?? ANY);
  }
  return strip(value, shape, declared, { kind: object.kind });
}

function strip(
  value: JsonValue,
  shape: Shape,
  declared: JsonValue | undefined,
  root: JsonObject,
): JsonValue {
  if (Array.isArray(value)) {
    const items: readonly JsonValue[] = value;
    const before: readonly (JsonValue | undefined)[] = Array.isArray(declared) ? declared : [];
    return items.map((item, at) => strip(item, shape.item ?? ANY, before[at], root));
  }
  if (!isJsonObject(value) || !shape.struct) return value;
  const kept: Record<string, JsonValue> = {};
  for (const [name, held] of Object.entries(value)) {
    const before = isJsonObject(declared) ? declared[name] : undefined;
    const below = fieldShape(shape.struct, name);
    const isFilledIn = before === undefined && isDefaulted(name, below, shape, held, value, root);
    // Which kind of volume it is must stay in sight, though `emptyDir` is what an empty one becomes.
    if (isFilledIn && shape.struct.name !== 'core.v1.Volume') continue;
    kept[name] = strip(held, below, before, root);
  }
  return kept;
}
