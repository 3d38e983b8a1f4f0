/** One step of a field path: a field of an object or map, or an item of a keyed list, named by its merge keys. */
export type PathSegment =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'item'; readonly keys: readonly (readonly [key: string, value: string])[] };

const PLAIN_NAME = /^[A-Za-z0-9_$/-]+$/;
const PLAIN_VALUE = /^[^\],"\\]+$/;
/** Far beyond any real path; a limit so that no outside text can make parsing expensive. */
const MAX_PATH_LENGTH = 4096;

/** How a field name reads inside a path: `.name`, or `["nginx.conf"]` where it holds dots or brackets. */
export function renderField(name: string): string {
  return PLAIN_NAME.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** How a list item reads inside a path: `[name=api]`, `[containerPort=80,protocol=TCP]`, in the order given. */
export function renderItem(keys: readonly (readonly [string, unknown])[]): string {
  const parts = keys.map(([key, value]) => {
    const text = String(value);
    return `${key}=${PLAIN_VALUE.test(text) ? text : JSON.stringify(text)}`;
  });
  return `[${parts.join(',')}]`;
}

/** A path from its segments; the inverse of parseFieldPath. */
export function formatFieldPath(segments: readonly PathSegment[]): string {
  const text = segments
    .map((one) => (one.kind === 'field' ? renderField(one.name) : renderItem(one.keys)))
    .join('');
  return text.startsWith('.') ? text.slice(1) : text;
}

/**
 * The segments of `spec.template.spec.containers[name=api].ports[containerPort=80,protocol=TCP]` or `data["nginx.conf"]`.
 * Throws a SyntaxError naming the character where reading stopped.
 */
export function parseFieldPath(path: string): readonly PathSegment[] {
  if (path.length > MAX_PATH_LENGTH) {
    throw new SyntaxError(`field path is longer than ${MAX_PATH_LENGTH} characters`);
  }
  const segments: PathSegment[] = [];
  let at = 0;
  while (at < path.length) {
    const read = readSegment(path, at);
    segments.push(read.segment);
    at = read.end;
  }
  return segments;
}

/** The segment that begins at a character of a path, and where it ends. Throws a SyntaxError as parseFieldPath does. */
export function readSegment(path: string, at: number): { segment: PathSegment; end: number } {
  return path[at] === '[' ? readBracket(path, at) : readName(path, at, at === 0);
}

/** The same place of any object of the kind: without the keys of list items, `spec.template.spec.containers[].image`. */
export function schemaPathOf(path: string): string {
  return path.replace(/\[(?!")[^\]]*\]/g, '[]');
}

function readName(path: string, start: number, isFirst: boolean) {
  const from = isFirst ? start : start + 1;
  if (!isFirst && path[start] !== '.') throw badPath(path, start);
  let end = from;
  while (end < path.length && path[end] !== '.' && path[end] !== '[') end++;
  if (end === from) throw badPath(path, end);
  return { segment: { kind: 'field', name: path.slice(from, end) } as const, end };
}

function readBracket(path: string, start: number): { segment: PathSegment; end: number } {
  if (path[start + 1] === '"') {
    const quoted = readQuoted(path, start + 1);
    if (path[quoted.end] !== ']') throw badPath(path, quoted.end);
    return { segment: { kind: 'field', name: quoted.text }, end: quoted.end + 1 };
  }
  const keys: [string, string][] = [];
  let at = start + 1;
  for (;;) {
    const equals = path.indexOf('=', at);
    if (equals <= at) throw badPath(path, at);
    const key = path.slice(at, equals);
    const value =
      path[equals + 1] === '"' ? readQuoted(path, equals + 1) : readBare(path, equals + 1);
    keys.push([key, value.text]);
    at = value.end + 1;
    if (path[value.end] === ']') return { segment: { kind: 'item', keys }, end: at };
    if (path[value.end] !== ',') throw badPath(path, value.end);
  }
}

function readBare(path: string, start: number): { text: string; end: number } {
  let end = start;
  while (end < path.length && path[end] !== ',' && path[end] !== ']') end++;
  return { text: path.slice(start, end), end };
}

function readQuoted(path: string, start: number): { text: string; end: number } {
  let end = start + 1;
  while (end < path.length && path[end] !== '"') end += path[end] === '\\' ? 2 : 1;
  try {
    const text: unknown = JSON.parse(path.slice(start, end + 1));
    if (typeof text === 'string') return { text, end: end + 1 };
  } catch {
    // Not a JSON text: reported below with its place.
  }
  throw badPath(path, start);
}

function badPath(path: string, at: number): SyntaxError {
  return new SyntaxError(`field path "${path}" cannot be read at character ${at + 1}`);
}
