import { encodeBase64, stripWhitespace } from '../base64.ts';
import { renderField, renderItem } from '../field-path.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { parseQuantity } from '../quantity.ts';
import type { KubeObject } from '../resource-ref.ts';
import type { Shape, Struct } from './schema.ts';
import { ANY, defaultKeyValue, fieldShape, structOfKind } from './schema.ts';

/**
 * One declared field, prepared so that comparing allocates nothing: it knows its place (for paths and for
 * owners in `managedFields`) and how the API server treats it. Nodes of one shape keep the walk monomorphic.
 */
export type PlanNode = {
  readonly shape: Shape;
  readonly parent: PlanNode | undefined;
  /** Its field name, or '' for items of lists. */
  readonly name: string;
  /** Where it is an item of a keyed list: how paths and managedFields call it. */
  readonly item: ItemPlace | undefined;
  readonly value: JsonValue;
  /** Absent in live is the same as this value: the server does not store it. */
  readonly isZero: boolean;
  /** A declared null: the owner of desired has no opinion. */
  readonly isNull: boolean;
  /** Field names of an object, or the merge key (as text) of each item of a keyed list; parallel to `children`. */
  readonly names: readonly string[];
  readonly children: readonly PlanNode[];
  /** Children by their fieldsV1 key, only where searching them one by one would be slow. */
  readonly index: ReadonlyMap<string, PlanNode> | undefined;
  /** The amount, where this is (or in a custom resource may be) a quantity. */
  readonly quantity: bigint | undefined;
};

/** The desired state of one object, ready to be compared any number of times. Treat as opaque outside `drift/`. */
export type CompiledDesired = {
  readonly object: KubeObject;
  readonly root: PlanNode;
  readonly apiVersion: string;
  readonly kind: string;
  /** False for custom resources: their server keeps zeros, and without a schema list keys are learned from managedFields. */
  readonly isBuiltIn: boolean;
};

const ROOT_SKIPPED: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'status', 'metadata']);
const NO_NAMES: readonly string[] = [];
const NO_CHILDREN: readonly PlanNode[] = [];
/** Up to this many children are searched one by one; an index for each small object would take most of the memory. */
const INDEXED_CHILDREN = 8;
const QUANTITY_PARENTS = /^(?:resources|requests|limits|hard|.*quota.*)$/i;
const QUANTITY_LEAVES: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'storage',
  'ephemeral-storage',
]);

/** The piece of a field path (`[name=api]`) and the fieldsV1 key (`k:{"name":"api"}`) of an item. */
export type ItemPlace = { readonly piece: string; readonly ownedAs: string };

type Place = Pick<PlanNode, 'parent' | 'name' | 'item'>;

/**
 * Prepares a desired object for `compare`, once per desired revision. The object must not be changed afterwards. `schema` is
 * that of a custom kind (`readCrdSchema`); built-in kinds have theirs.
 */
export function compileDesired(object: KubeObject, schema?: Struct): CompiledDesired {
  const builtIn = structOfKind(object.apiVersion, object.kind);
  const struct = builtIn ?? schema;
  const content = declaredContent(object);
  const shape: Shape = struct
    ? { kind: 'struct', keepsZero: true, keys: [], struct }
    : { kind: 'any', keepsZero: true, keys: [] };
  const place = { parent: undefined, name: '', item: undefined };
  return {
    object,
    root: compileNode(content, shape, place),
    apiVersion: object.apiVersion,
    kind: object.kind,
    isBuiltIn: builtIn !== undefined,
  };
}

/** The piece of a field path and the fieldsV1 key of a keyed list's item; undefined where a key is missing. */
export function itemPlace(
  item: JsonValue | undefined,
  keys: readonly string[],
): ItemPlace | undefined {
  if (!isJsonObject(item)) return undefined;
  const pairs: (readonly [string, JsonValue])[] = [];
  for (const key of keys) {
    const value = item[key] ?? defaultKeyValue(key);
    if (value === undefined) return undefined;
    pairs.push([key, value]);
  }
  const sorted = [...pairs].sort(([left], [right]) => (left < right ? -1 : 1));
  return { piece: renderItem(pairs), ownedAs: `k:${JSON.stringify(Object.fromEntries(sorted))}` };
}

/** What tells items of a keyed list apart, as one text; undefined where the item has no key. */
export function itemKey(item: unknown, keys: readonly string[]): string | undefined {
  if (!isJsonObject(item)) return undefined;
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) {
    const value = item[only] ?? defaultKeyValue(only);
    return value === undefined ? undefined : String(value);
  }
  let text = '';
  for (const key of keys) text += `${String(item[key] ?? defaultKeyValue(key))}\u0000`;
  return text;
}

/** What the object declares: everything but identity, status and the server's metadata; stringData folded into data. */
function declaredContent(object: KubeObject): JsonObject {
  const content: Record<string, JsonValue> = {};
  for (const [field, value] of Object.entries(object)) {
    if (!ROOT_SKIPPED.has(field) && value !== undefined) content[field] = value as JsonValue;
  }
  const { labels, annotations } = object.metadata;
  const metadata: Record<string, JsonValue> = {};
  if (labels !== undefined) metadata['labels'] = labels;
  if (annotations !== undefined) metadata['annotations'] = annotations;
  content['metadata'] = metadata;
  if (object.kind === 'Secret' && object.apiVersion === 'v1') foldStringData(content);
  return content;
}

function foldStringData(content: Record<string, JsonValue>): void {
  const stringData = content['stringData'];
  delete content['stringData'];
  if (!isJsonObject(stringData)) return;
  const data: Record<string, JsonValue> = {};
  if (isJsonObject(content['data'])) Object.assign(data, content['data']);
  for (const [key, value] of Object.entries(stringData)) {
    data[key] = value === null ? null : encodeBase64(String(value));
  }
  content['data'] = data;
}

function compileNode(value: JsonValue, shape: Shape, place: Place): PlanNode {
  const node: Building = {
    shape: agreeing(shape, value),
    parent: place.parent,
    name: place.name,
    item: place.item,
    value: shape.kind === 'bytes' && typeof value === 'string' ? stripWhitespace(value) : value,
    isZero: false,
    isNull: value === null,
    names: NO_NAMES,
    children: NO_CHILDREN,
    index: undefined,
    quantity: undefined,
  };
  if (Array.isArray(value)) compileItems(node, value as readonly JsonValue[]);
  else if (isJsonObject(value)) compileFields(node, value);
  else if (isQuantity(node)) node.quantity = parseQuantity(value);
  node.isZero = isZero(node);
  return node;
}

type Building = {
  -readonly [Field in keyof PlanNode]: PlanNode[Field];
};

function compileFields(node: Building, value: JsonObject): void {
  const struct = node.shape.struct;
  const declared = Object.entries(value).filter(
    ([name, child]) => child !== undefined && !(struct && isServerField(struct, name)),
  );
  // Mapped, not pushed: arrays that grow keep room for more, which adds up over thousands of objects.
  node.names = declared.map(([name]) => name);
  node.children = declared.map(([name, child]) =>
    compileNode(child, childShape(node.shape, name), { parent: node, name, item: undefined }),
  );
  node.index = indexOf(node.children);
}

function compileItems(node: Building, declared: readonly JsonValue[]): void {
  const { keys, kind } = node.shape;
  const isKeyed = kind === 'keyed-list';
  const items = isKeyed ? withKeyDefaults(declared, node.shape) : declared;
  node.children = items.map((item) => {
    const place = { parent: node, name: '', item: isKeyed ? itemPlace(item, keys) : undefined };
    return compileNode(item, node.shape.item ?? ANY, place);
  });
  if (!isKeyed) return;
  node.names = items.map((item) => itemKey(item, keys) ?? '');
  node.index = indexOf(node.children);
}

/** The server fills in merge keys that have a default; only then are the items of both sides the same ones. */
function withKeyDefaults(items: readonly JsonValue[], shape: Shape): readonly JsonValue[] {
  const defaults = shape.item?.struct?.defaults;
  const filled = shape.keys.flatMap((key) => {
    const value = defaults?.get(key);
    return value === undefined ? [] : [[key, value] as const];
  });
  if (filled.length === 0) return items;
  const absent = Object.fromEntries(filled);
  return items.map((item) => (isJsonObject(item) ? { ...absent, ...item } : item));
}

function indexOf(children: readonly PlanNode[]): ReadonlyMap<string, PlanNode> | undefined {
  if (children.length <= INDEXED_CHILDREN) return undefined;
  return new Map(children.map((child) => [ownedKeyOf(child), child]));
}

/** The key of a declared field in fieldsV1: `f:spec`, `k:{"name":"api"}`; '' for items without known keys. */
export function ownedKeyOf(node: PlanNode): string {
  return node.name === '' ? (node.item?.ownedAs ?? '') : `f:${node.name}`;
}

/** The piece of a field path that a declared field adds: `.spec`, `[name=api]`. */
export function pieceOf(node: PlanNode): string {
  if (node.name !== '') return renderField(node.name);
  return node.item?.piece ?? '';
}

/** The declared child with this fieldsV1 key. */
export function childOwnedAs(node: PlanNode, key: string): PlanNode | undefined {
  if (node.index) return node.index.get(key);
  const isField = key.startsWith('f:');
  for (const child of node.children) {
    if (isField) {
      // Compared in place: cutting the prefix off would allocate for each owned field of each comparison.
      const { name } = child;
      if (name.length === key.length - 2 && name !== '' && key.endsWith(name)) return child;
    } else if (child.item?.ownedAs === key) return child;
  }
  return undefined;
}

/** The shape, unless the value has another form than the schema says: then it is compared as plain JSON. */
function agreeing(shape: Shape, value: JsonValue): Shape {
  if (Array.isArray(value)) {
    const isList =
      shape.kind === 'keyed-list' || shape.kind === 'set' || shape.kind === 'atomic-list';
    return isList || shape.kind === 'any' ? shape : ANY;
  }
  if (isJsonObject(value)) {
    const isObject =
      shape.struct !== undefined || shape.kind === 'map' || shape.kind === 'atomic-map';
    return isObject || shape.kind === 'any' || shape.kind === 'json' ? shape : ANY;
  }
  return shape;
}

function childShape(shape: Shape, name: string): Shape {
  if (shape.struct) return fieldShape(shape.struct, name);
  return shape.item ?? ANY;
}

/** Of nested objects (templates, volume claims) their identity, status and most of their metadata are the server's. */
function isServerField({ name: type, fields, others }: Struct, name: string): boolean {
  if (others !== undefined) return false;
  if (type === 'meta.v1.ObjectMeta') return !fields.has(name) && name !== 'name';
  if (!fields.has('metadata')) return false;
  return name === 'apiVersion' || name === 'kind' || name === 'status';
}

function isQuantity(node: Building): boolean {
  const { kind } = node.shape;
  return (
    kind === 'quantity' || ((kind === 'any' || kind === 'int-or-string') && mayBeQuantity(node))
  );
}

function mayBeQuantity(node: Building): boolean {
  if (QUANTITY_LEAVES.has(node.name)) return true;
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (QUANTITY_PARENTS.test(at.name)) return true;
  }
  return false;
}

/** Whether the server stores nothing for this value. Custom resources keep "", 0 and false; maps keep every entry. */
function isZero(node: Building): boolean {
  const { value, shape, parent } = node;
  if (value === null) return true;
  if (shape.kind === 'any' || shape.kind === 'json') return isEmptyTree(node);
  if (isEmptyTree(node) && isOfCustomKind(node)) return true;
  if (Array.isArray(value)) return value.length === 0;
  const isMapEntry = parent?.shape.kind === 'map' || parent?.shape.kind === 'atomic-map';
  if (shape.keepsZero || isMapEntry) return false;
  if (isJsonObject(value)) return node.children.every((child) => child.isZero);
  return value === '' || value === 0 || value === false;
}

function isOfCustomKind(node: PlanNode): boolean {
  let at = node;
  while (at.parent !== undefined) at = at.parent;
  return at.shape.struct?.others !== undefined;
}

function isEmptyTree(node: Building): boolean {
  const isContainer = typeof node.value === 'object';
  return isContainer && node.children.length === 0;
}
