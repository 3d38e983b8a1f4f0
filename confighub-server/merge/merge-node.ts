import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject, type JsonValue } from '../../drift/json.ts';
import { type ListKey, listKeyOf } from './list-keys.ts';

/** A step into a document: a map key, or the index of a list item in our version. */
export type Step = string | number;

/** What has to be done to our version, in terms of its own places. Indices are those before any edit of the same list. */
export type Edit =
  | { readonly kind: 'set'; readonly path: readonly Step[]; readonly value: JsonValue }
  | { readonly kind: 'delete'; readonly path: readonly Step[] }
  /** Adds to a list after its item `after` (-1: first), or at its end. */
  | {
      readonly kind: 'insert';
      readonly path: readonly Step[];
      readonly after: number;
      readonly value: JsonValue;
    }
  /** Puts the items of a list (old indices) into this order. */
  | { readonly kind: 'order'; readonly path: readonly Step[]; readonly order: readonly number[] };

/** A change of the upstream that was dropped because ours changed the same place. */
export type MergeConflict = {
  readonly resource: string;
  readonly path: string;
  readonly reason: string;
};

type Versions = { readonly base: JsonValue; readonly theirs: JsonValue; readonly ours: JsonValue };

type Merge = {
  readonly edits: Edit[];
  readonly conflict: (path: readonly Step[], reason: string) => void;
  /** Where both sides changed a place, whether theirs replaces ours; never when absent. */
  readonly takesTheirs?: ((path: readonly Step[]) => boolean) | undefined;
};

/**
 * Three-way merge of one document: takes what theirs changed since base, place by place, unless ours changed that place
 * too. Maps go key by key, lists item by item where their items have names, everything else is one value.
 */
export function mergeNode(versions: Versions, path: readonly Step[], merge: Merge): void {
  const { base, theirs, ours } = versions;
  if (isDeepStrictEqual(base, theirs) || isDeepStrictEqual(ours, theirs)) return;
  if (isJsonObject(base) && isJsonObject(theirs) && isJsonObject(ours)) {
    mergeMaps(base, theirs, ours, path, merge);
    return;
  }
  if (Array.isArray(base) && Array.isArray(theirs) && Array.isArray(ours)) {
    const key = listKeyOf([base, theirs, ours]);
    if (key !== undefined) {
      mergeLists(objects(base), objects(theirs), objects(ours), key, path, merge);
      return;
    }
  }
  if (isDeepStrictEqual(ours, base)) merge.edits.push({ kind: 'set', path, value: theirs });
  else collide(merge, path, 'changed on both sides', { kind: 'set', path, value: theirs });
}

function collide(merge: Merge, path: readonly Step[], reason: string, edit: Edit): void {
  if (merge.takesTheirs?.(path)) merge.edits.push(edit);
  else merge.conflict(path, reason);
}

function mergeMaps(
  base: JsonObject,
  theirs: JsonObject,
  ours: JsonObject,
  path: readonly Step[],
  merge: Merge,
): void {
  for (const key of new Set([...Object.keys(base), ...Object.keys(theirs)])) {
    const here = [...path, key];
    const was = own(base, key);
    const their = own(theirs, key);
    const our = own(ours, key);
    if (was !== undefined && their !== undefined) {
      if (our !== undefined) mergeNode({ base: was, theirs: their, ours: our }, here, merge);
      else if (!isDeepStrictEqual(was, their)) {
        const edit: Edit = { kind: 'set', path: here, value: their };
        collide(merge, here, 'removed here, changed upstream', edit);
      }
    } else if (their !== undefined) {
      if (our === undefined) merge.edits.push({ kind: 'set', path: here, value: their });
      else mergeAdded(their, our, here, merge);
    } else if (was !== undefined && our !== undefined) {
      if (isDeepStrictEqual(was, our)) merge.edits.push({ kind: 'delete', path: here });
      else {
        collide(merge, here, 'changed here, removed upstream', { kind: 'delete', path: here });
      }
    }
  }
}

// Both sides added the same place: what they agree on and what does not overlap is kept of both.
function mergeAdded(theirs: JsonValue, ours: JsonValue, path: readonly Step[], merge: Merge): void {
  if (isJsonObject(theirs) && isJsonObject(ours)) {
    mergeNode({ base: {}, theirs, ours }, path, merge);
  } else if (Array.isArray(theirs) && Array.isArray(ours) && listKeyOf([theirs, ours])) {
    mergeNode({ base: [], theirs, ours }, path, merge);
  } else if (!isDeepStrictEqual(theirs, ours)) {
    collide(merge, path, 'added on both sides', { kind: 'set', path, value: theirs });
  }
}

function mergeLists(
  base: readonly JsonObject[],
  theirs: readonly JsonObject[],
  ours: readonly JsonObject[],
  key: ListKey,
  path: readonly Step[],
  merge: Merge,
): void {
  const baseByKey = new Map(base.map((item) => [key(item), item]));
  const theirsByKey = new Map(theirs.map((item) => [key(item), item]));
  const ourIndex = new Map(ours.map((item, index) => [key(item), index]));
  const stays = new Set(ours.keys());
  for (const [name, was] of baseByKey) {
    const index = ourIndex.get(name);
    const our = index === undefined ? undefined : ours[index];
    const their = theirsByKey.get(name);
    if (index === undefined || our === undefined) {
      if (their !== undefined && !isDeepStrictEqual(was, their)) {
        merge.conflict([...path, name], 'removed here, changed upstream');
      }
    } else if (their !== undefined) {
      mergeNode({ base: was, theirs: their, ours: our }, [...path, index], merge);
    } else if (isDeepStrictEqual(was, our)) {
      merge.edits.push({ kind: 'delete', path: [...path, index] });
      stays.delete(index);
    } else {
      merge.conflict([...path, index], 'changed here, removed upstream');
    }
  }
  insertAdded(theirs, key, { baseByKey, ours, ourIndex, stays }, path, merge);
  const untouchedOrder = isDeepStrictEqual(base.map(key), ours.map(key));
  if (untouchedOrder) takeOrder(theirs, key, { ourIndex, stays }, path, merge);
}

function insertAdded(
  theirs: readonly JsonObject[],
  key: ListKey,
  side: {
    readonly baseByKey: ReadonlyMap<string, JsonObject>;
    readonly ours: readonly JsonObject[];
    readonly ourIndex: ReadonlyMap<string, number>;
    readonly stays: ReadonlySet<number>;
  },
  path: readonly Step[],
  merge: Merge,
): void {
  // -1 puts an item first; an item upstream put behind others goes behind the last of them that ours still has.
  let after = -1;
  for (const their of theirs) {
    const name = key(their);
    const index = side.ourIndex.get(name);
    if (index !== undefined && side.stays.has(index)) after = index;
    if (side.baseByKey.has(name)) continue;
    const our = index === undefined ? undefined : side.ours[index];
    if (index === undefined || our === undefined) {
      merge.edits.push({ kind: 'insert', path, after, value: their });
    } else {
      mergeAdded(their, our, [...path, index], merge);
    }
  }
}

// The order of init containers and of variables matters; ours never chose one, so theirs holds.
function takeOrder(
  theirs: readonly JsonObject[],
  key: ListKey,
  side: { readonly ourIndex: ReadonlyMap<string, number>; readonly stays: ReadonlySet<number> },
  path: readonly Step[],
  merge: Merge,
): void {
  const wanted = theirs.flatMap((item) => side.ourIndex.get(key(item)) ?? []);
  const rest = [...side.stays].filter((index) => !wanted.includes(index));
  const order = [...wanted, ...rest];
  const ascending = order.every((index, place) => place === 0 || index > (order[place - 1] ?? -1));
  if (!ascending) merge.edits.push({ kind: 'order', path, order });
}

function objects(list: readonly JsonValue[]): readonly JsonObject[] {
  return list.filter(isJsonObject);
}

function own(map: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
