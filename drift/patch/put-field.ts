import { defaultKeyValue } from '../compare/schema.ts';
import type { PathSegment } from '../field-path.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';

/** RFC 6902. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

/** The value afterwards (undefined: nothing is left), and the operation that takes the value before it there. */
export type Put = {
  readonly value: JsonValue | undefined;
  /** Absent where nothing had to change place: removing what is not there. */
  readonly operation?: PatchOperation;
};

/**
 * Sets one field or list item of plain JSON, or removes it (`wanted` undefined), without changing what was given. Objects
 * on the way that are missing are made. Undefined where the path has no place: a scalar in the way, or an item that is not
 * in its list and would have to be made of its keys alone.
 */
export function putField(
  holder: JsonValue | undefined,
  segments: readonly PathSegment[],
  wanted: JsonValue | undefined,
  pointer = '',
): Put | undefined {
  const [segment, ...rest] = segments;
  if (segment === undefined) return putHere(holder, wanted, pointer);
  if (holder === undefined || holder === null) {
    if (wanted === undefined) return { value: holder };
    const made = build(segments, wanted);
    return made === undefined ? undefined : putHere(holder, made, pointer);
  }
  if (segment.kind === 'item') return putItem(holder, segment.keys, rest, wanted, pointer);
  if (!isJsonObject(holder)) return undefined;
  const { name } = segment;
  const held = Object.hasOwn(holder, name) ? holder[name] : undefined;
  const put = putField(held, rest, wanted, `${pointer}/${escapePointer(name)}`);
  return put && { ...put, value: withField(holder, name, put.value) };
}

/** Whether a list item is the one that a path's keys name; a port without protocol is a TCP port. */
export function hasKeys(
  item: JsonValue,
  keys: readonly (readonly [key: string, value: string])[],
): boolean {
  if (!isJsonObject(item)) return false;
  return keys.every(([key, value]) => {
    const held = item[key] ?? defaultKeyValue(key);
    return held !== undefined && String(held) === value;
  });
}

function putHere(
  holder: JsonValue | undefined,
  wanted: JsonValue | undefined,
  path: string,
): Put | undefined {
  if (wanted !== undefined) {
    const op = holder === undefined ? 'add' : 'replace';
    return { value: wanted, operation: { op, path, value: wanted } };
  }
  return holder === undefined
    ? { value: undefined }
    : { value: undefined, operation: { op: 'remove', path } };
}

function putItem(
  holder: JsonValue,
  keys: readonly (readonly [key: string, value: string])[],
  rest: readonly PathSegment[],
  wanted: JsonValue | undefined,
  pointer: string,
): Put | undefined {
  if (!Array.isArray(holder)) return undefined;
  const items: readonly JsonValue[] = holder;
  const isOfDeclared = rest.length > 0 || wanted === undefined;
  const index = indexOfItem(items, keys, isOfDeclared);
  if (index < 0) {
    if (wanted === undefined) return { value: holder };
    if (rest.length > 0) return undefined;
    const operation: PatchOperation = { op: 'add', path: `${pointer}/-`, value: wanted };
    return { value: [...items, wanted], operation };
  }
  const put = putField(items[index], rest, wanted, `${pointer}/${index}`);
  if (!put) return undefined;
  const after = put.value === undefined ? [] : [put.value];
  return { ...put, value: [...items.slice(0, index), ...after, ...items.slice(index + 1)] };
}

/**
 * Where the item is that a path's keys name. A custom kind may fill keys in that the item does not declare: a field of such an
 * item, or the item to remove, is looked for in the only one that differs in nothing else. A new item has no such place.
 */
function indexOfItem(
  items: readonly JsonValue[],
  keys: readonly (readonly [key: string, value: string])[],
  isOfDeclared: boolean,
): number {
  const exact = items.findIndex((item) => hasKeys(item, keys));
  if (exact >= 0 || !isOfDeclared) return exact;
  const [only = -1, ...others] = items.flatMap((item, index) => {
    if (!isJsonObject(item)) return [];
    const declared = keys.filter(([key]) => (item[key] ?? defaultKeyValue(key)) !== undefined);
    return declared.length > 0 && hasKeys(item, declared) ? [index] : [];
  });
  return others.length > 0 ? -1 : only;
}

function build(segments: readonly PathSegment[], wanted: JsonValue): JsonValue | undefined {
  const [segment, ...rest] = segments;
  if (segment === undefined) return wanted;
  if (segment.kind === 'item') return rest.length === 0 ? [wanted] : undefined;
  const below = build(rest, wanted);
  return below === undefined ? undefined : { [segment.name]: below };
}

function withField(object: JsonObject, name: string, value: JsonValue | undefined): JsonObject {
  if (value !== undefined) return { ...object, [name]: value };
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
