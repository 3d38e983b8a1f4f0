import type { JsonValue } from '../json.ts';
import { KIND_TYPES, TYPE_FIELDS } from './schema-table.ts';

/**
 * How the API server treats a field. `any` is a field without a known schema (custom resources): its lists may turn out to
 * be keyed, set or atomic at run time. Atomic fields are owned, and so reported, as one.
 */
export type ShapeKind =
  | 'scalar'
  | 'quantity'
  | 'int-or-string'
  | 'bytes'
  | 'struct'
  | 'atomic-struct'
  | 'map'
  | 'atomic-map'
  | 'keyed-list'
  | 'set'
  | 'atomic-list'
  | 'json'
  | 'any';

export type Struct = {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Shape>;
  /** The shape of fields that `fields` leaves out, where it is not a plain scalar: present for custom resources only. */
  readonly others?: Shape;
  /** What the server fills in where a field is absent; built-in kinds have theirs in `schema-defaults.ts`. */
  readonly defaults?: ReadonlyMap<string, JsonValue>;
};

export type Shape = {
  readonly kind: ShapeKind;
  /** The zero value is stored, so it is not the same as absent (a pointer in the Go types). */
  readonly keepsZero: boolean;
  /** Merge keys of a keyed list, in schema order. */
  readonly keys: readonly string[];
  /** What a list or map holds. */
  readonly item?: Shape;
  readonly struct?: Struct;
};

const SCALAR: Shape = { kind: 'scalar', keepsZero: false, keys: [] };
/** A field of a custom resource, or one that this Kubernetes version does not know. */
export const ANY: Shape = { kind: 'any', keepsZero: true, keys: [] };

const LETTERS: Readonly<Record<string, ShapeKind>> = {
  s: 'scalar',
  q: 'quantity',
  i: 'int-or-string',
  b: 'bytes',
  j: 'json',
  m: 'map',
  M: 'atomic-map',
  S: 'set',
  A: 'atomic-list',
};

const STRUCTS: ReadonlyMap<string, Struct> = readTable();
const KINDS: ReadonlyMap<string, Struct> = readKinds();

/** The schema of a built-in kind; undefined for custom resources. Another served version of the same kind stands in. */
export function structOfKind(apiVersion: string, kind: string): Struct | undefined {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const key = slash < 0 ? `/${apiVersion}/${kind}` : `${apiVersion}/${kind}`;
  return KINDS.get(key) ?? KINDS.get(`${group}//${kind}`);
}

/** The metadata of any object, as far as it is desired state. */
export const OBJECT_META: Shape = {
  kind: 'struct',
  keepsZero: true,
  keys: [],
  ...optionalStruct('meta.v1.ObjectMeta'),
};

/** The shape of a field; fields that the table of built-in kinds leaves out are plain scalars. */
export function fieldShape(struct: Struct, field: string): Shape {
  return struct.fields.get(field) ?? struct.others ?? SCALAR;
}

/** `TCP` for a port without a protocol: the one merge key that the API server fills in. */
export function defaultKeyValue(key: string): string | undefined {
  return key === 'protocol' ? 'TCP' : undefined;
}

function optionalStruct(name: string): { struct?: Struct } {
  const struct = STRUCTS.get(name);
  return struct ? { struct } : {};
}

function readTable(): ReadonlyMap<string, Struct> {
  const building = new Map<string, { name: string; fields: Map<string, Shape> }>();
  const structOf = (name: string): { name: string; fields: Map<string, Shape> } => {
    const known = building.get(name);
    if (known) return known;
    const made = { name, fields: new Map<string, Shape>() };
    building.set(name, made);
    return made;
  };
  for (const [name, text] of Object.entries(TYPE_FIELDS)) {
    const { fields } = structOf(name);
    for (const entry of text.split(';')) {
      const space = entry.indexOf(' ');
      fields.set(entry.slice(0, space), readShape(entry.slice(space + 1), structOf));
    }
  }
  // Of nested metadata only these are desired state; the rest is the server's bookkeeping.
  const labels: Shape = { kind: 'map', keepsZero: false, keys: [], item: SCALAR };
  structOf('meta.v1.ObjectMeta').fields.set('labels', labels).set('annotations', labels);
  return building;
}

function readShape(code: string, structOf: (name: string) => Struct): Shape {
  const keepsZero = code.startsWith('*');
  const text = keepsZero ? code.slice(1) : code;
  const letter = text.charAt(0);
  const rest = text.slice(1);
  if (letter === '=' || letter === '!') {
    const kind = letter === '=' ? 'struct' : 'atomic-struct';
    return { kind, keepsZero, keys: [], struct: structOf(rest) };
  }
  if (letter === 'L') {
    const colon = rest.indexOf(':');
    const item = readShape(rest.slice(colon + 1), structOf);
    return { kind: 'keyed-list', keepsZero, keys: rest.slice(0, colon).split(','), item };
  }
  const kind = LETTERS[letter] ?? 'json';
  return rest === ''
    ? { kind, keepsZero, keys: [] }
    : { kind, keepsZero, keys: [], item: readShape(rest, structOf) };
}

function readKinds(): ReadonlyMap<string, Struct> {
  const kinds = new Map<string, Struct>();
  for (const [gvk, type] of Object.entries(KIND_TYPES)) {
    const [group = '', , kind = ''] = gvk.split('/');
    const struct = STRUCTS.get(type) ?? { name: type, fields: new Map<string, Shape>() };
    kinds.set(gvk, struct);
    if (!kinds.has(`${group}//${kind}`) || gvk.includes('/v1/'))
      kinds.set(`${group}//${kind}`, struct);
  }
  return kinds;
}
