import type { JsonObject, JsonValue } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { type KubeObject, splitApiVersion } from '../resource-ref.ts';
import type { Shape, Struct } from './schema.ts';
import { ANY, OBJECT_META } from './schema.ts';

/** Schemas nest as deep as the objects that they describe; what lies deeper is compared without a schema. */
const MAX_DEPTH = 40;
/** The largest known schemas have some ten thousand fields; what comes after so many is compared without a schema. */
const MAX_FIELDS = 50_000;
/** How controller-gen writes resource.Quantity: any int-or-string with a pattern that knows the suffix `Ki`. */
const QUANTITY_PATTERN = /KMGTPE|Ki/;

const INT_OR_STRING: Shape = { kind: 'int-or-string', keepsZero: true, keys: [] };
const QUANTITY: Shape = { kind: 'quantity', keepsZero: true, keys: [] };

/** Fields may be read as long as there are some left. */
type Budget = { fields: number };

/** A custom kind, with the schema of each version that has one. */
export type CustomKind = {
  readonly group: string;
  readonly kind: string;
  /** As `compileDesired` takes them. */
  readonly schemas: ReadonlyMap<string, Struct>;
};

/**
 * What a CustomResourceDefinition defines; undefined for any other object. Reads list and map types and their keys,
 * int-or-string, quantities and defaults; what it does not understand is compared without a schema. Source: structural schemas
 * of apiextensions.k8s.io/v1.
 */
export function readCrd(object: KubeObject): CustomKind | undefined {
  if (object.kind !== 'CustomResourceDefinition') return undefined;
  const { group, names, versions } = objectOf(object['spec']);
  const kind = objectOf(names)['kind'];
  if (typeof group !== 'string' || typeof kind !== 'string') return undefined;
  const schemas = new Map<string, Struct>();
  for (const one of Array.isArray(versions) ? (versions as readonly unknown[]) : []) {
    const { name, schema } = objectOf(one);
    const root = readShape(objectOf(schema)['openAPIV3Schema'], 0, { fields: MAX_FIELDS }).struct;
    if (typeof name !== 'string' || root === undefined) continue;
    schemas.set(name, { ...root, fields: new Map(root.fields).set('metadata', OBJECT_META) });
  }
  return { group, kind, schemas };
}

/** The schemas of all CustomResourceDefinitions among some objects; of two for one kind the later counts. */
export function schemasAmong(
  objects: readonly KubeObject[],
): (object: Pick<KubeObject, 'apiVersion' | 'kind'>) => Struct | undefined {
  const kinds = new Map<string, CustomKind>();
  for (const object of objects) {
    const defined = readCrd(object);
    if (defined) kinds.set(`${defined.group}/${defined.kind}`, defined);
  }
  return ({ apiVersion, kind }) => {
    const { group, version } = splitApiVersion(apiVersion);
    return kinds.get(`${group}/${kind}`)?.schemas.get(version);
  };
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function readShape(schema: JsonValue | undefined, depth: number, budget: Budget): Shape {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return ANY;
  if (schema['x-kubernetes-int-or-string'] === true) {
    const pattern = schema['pattern'];
    return typeof pattern === 'string' && QUANTITY_PATTERN.test(pattern) ? QUANTITY : INT_OR_STRING;
  }
  if (schema['type'] === 'array') return readList(schema, depth, budget);
  if (schema['type'] === 'object') return readObject(schema, depth, budget);
  return ANY;
}

function readList(schema: JsonObject, depth: number, budget: Budget): Shape {
  const item = readShape(schema['items'], depth + 1, budget);
  const type = schema['x-kubernetes-list-type'];
  const keys = type === 'map' ? readTexts(schema['x-kubernetes-list-map-keys']) : [];
  if (keys.length > 0) return { kind: 'keyed-list', keepsZero: true, keys, item };
  return { kind: type === 'set' ? 'set' : 'atomic-list', keepsZero: true, keys: [], item };
}

function readObject(schema: JsonObject, depth: number, budget: Budget): Shape {
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
  const { properties, additionalProperties } = schema;
  if (isJsonObject(properties)) {
    const struct = readStruct(properties, depth, budget);
    return { kind: isAtomic ? 'atomic-struct' : 'struct', keepsZero: true, keys: [], struct };
  }
  if (additionalProperties === undefined || additionalProperties === false) {
    return isAtomic ? { kind: 'atomic-map', keepsZero: true, keys: [], item: ANY } : ANY;
  }
  const item = readShape(additionalProperties, depth + 1, budget);
  return { kind: isAtomic ? 'atomic-map' : 'map', keepsZero: true, keys: [], item };
}

function readStruct(properties: JsonObject, depth: number, budget: Budget): Struct {
  const fields = new Map<string, Shape>();
  const defaults = new Map<string, JsonValue>();
  for (const [name, schema] of Object.entries(properties)) {
    if (budget.fields-- <= 0) break;
    const shape = readShape(schema, depth + 1, budget);
    // Most fields are plain and are not kept: they have the shape of unknown ones.
    if (shape !== ANY) fields.set(name, shape);
    const filledIn = isJsonObject(schema) ? schema['default'] : undefined;
    if (filledIn !== undefined) defaults.set(name, completed(filledIn, shape));
  }
  return { name: 'custom', fields, others: ANY, defaults };
}

/** A default is itself filled in by the defaults inside it. */
function completed(value: JsonValue, shape: Shape): JsonValue {
  if (Array.isArray(value)) {
    const items: readonly JsonValue[] = value;
    return items.map((item) => completed(item, shape.item ?? ANY));
  }
  if (!isJsonObject(value)) return value;
  const inner = shape.struct?.fields;
  const given = Object.entries(value).map(
    ([name, held]) => [name, completed(held, inner?.get(name) ?? shape.item ?? ANY)] as const,
  );
  return Object.fromEntries([...(shape.struct?.defaults ?? []), ...given]);
}

function readTexts(value: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(value)) return [];
  const items: readonly JsonValue[] = value;
  return items.filter((one) => typeof one === 'string');
}
