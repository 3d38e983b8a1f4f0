import { isJsonObject, type JsonValue } from '../drift/json.ts';
import { badRequest } from './hub-error.ts';
import type { Step } from './merge/merge-node.ts';

type Segment =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'match'; readonly key: string; readonly value: string };

/** A path into configuration data, e.g. `spec.containers.?name=api.image`. */
export type DataPath = {
  readonly segments: readonly Segment[];
  /** After `.|`: the part before must exist, the part from here on need not. */
  readonly split: number;
};

const MAX_SEGMENTS = 64;
const MAX_MATCHES = 1000;

/** ConfigHub's path syntax: keys, indices, `*`, `?key=value`, `.|`; `~1` is a dot in a key, `~2` a slash. */
export function parseDataPath(path: string): DataPath {
  const parts = path.split('.');
  if (path === '' || parts.length > MAX_SEGMENTS) throw badRequest(`not a data path: ${path}`);
  let split = parts.length;
  const segments = parts.map((part, index): Segment => {
    let text = part;
    if (text.startsWith('|')) {
      split = index;
      text = text.slice(1);
    }
    if (text === '') throw badRequest(`not a data path: ${path}`);
    if (text === '*') return { kind: 'all' };
    const match = /^\?([^=]+)=(.*)$/.exec(text);
    if (match?.[1] !== undefined && match[2] !== undefined) {
      return { kind: 'match', key: plain(match[1]), value: plain(match[2]) };
    }
    return { kind: 'key', key: plain(text) };
  });
  return { segments, split };
}

export type Found = { readonly path: readonly Step[]; readonly value: JsonValue | undefined };

/** Every place that the path leads to. A last key that is missing gives a place without value, if its parent is a map. */
export function findPlaces(root: JsonValue, path: DataPath): readonly Found[] {
  let places: readonly Found[] = [{ path: [], value: root }];
  for (const [index, segment] of path.segments.entries()) {
    const mayMiss = index >= path.split || index === path.segments.length - 1;
    places = places.flatMap((place) => follow(place, segment, mayMiss));
    if (places.length > MAX_MATCHES)
      throw badRequest(`the path matches more than ${MAX_MATCHES} places`);
  }
  return places;
}

function follow(place: Found, segment: Segment, mayMiss: boolean): readonly Found[] {
  const { value } = place;
  const at = (step: Step, inner: JsonValue | undefined): Found => ({
    path: [...place.path, step],
    value: inner,
  });
  if (Array.isArray(value)) {
    switch (segment.kind) {
      case 'all':
        return value.map((item, index) => at(index, item));
      case 'match':
        return value.flatMap((item, index) =>
          isJsonObject(item) && String(item[segment.key]) === segment.value
            ? [at(index, item)]
            : [],
        );
      case 'key': {
        const index = /^\d{1,6}$/.test(segment.key) ? Number(segment.key) : -1;
        return index in value ? [at(index, value[index])] : [];
      }
    }
  }
  if (isJsonObject(value)) {
    if (segment.kind === 'all') return Object.entries(value).map(([key, item]) => at(key, item));
    if (segment.kind === 'key') {
      if (Object.hasOwn(value, segment.key)) return [at(segment.key, value[segment.key])];
      return mayMiss ? [at(segment.key, undefined)] : [];
    }
    return [];
  }
  return value === undefined && mayMiss && segment.kind === 'key'
    ? [at(segment.key, undefined)]
    : [];
}

function plain(text: string): string {
  return text.replaceAll('~1', '.').replaceAll('~2', '/');
}
