import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../drift/json.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { KUBERNETES_YAML } from '../lib/kubernetes-yaml.ts';
import { yamlProblem } from '../lib/yaml-problem.ts';
import { readYamlValues } from './yaml-values.ts';

/** Larger inputs are refused before they are parsed: etcd itself takes no object over 1.5 MiB. */
const MAX_BYTES = 32 * 2 ** 20;
const MAX_OBJECTS = 10_000;
/** Aliases of one document, so that a few lines of nested anchors cannot grow into gigabytes. */
const MAX_ALIASES = 100;

/** What walks through an object goes down by recursion; no schema of Kubernetes comes near. */
const MAX_DEPTH = 200;
const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels`;

type Place = { readonly lines: LineCounter; readonly file: string };

/**
 * The Kubernetes objects of a manifest: one or many YAML documents or JSON, `List` kinds unpacked, empty documents and nulls
 * skipped. Throws MANIFEST_INVALID with line and column for what cannot be read, for duplicate keys, and for objects without
 * apiVersion, kind or metadata.name. `file` is named in messages.
 */
export function parseManifests(text: string, file = 'manifest'): readonly KubeObject[] {
  if (text.length > MAX_BYTES) {
    throw new AppError('MANIFEST_INVALID', `${file} is larger than ${MAX_BYTES / 2 ** 20} MiB`);
  }
  const plain = readPlainly(text);
  if (plain !== undefined) return plain;
  const lines = new LineCounter();
  const place = { lines, file };
  const objects: KubeObject[] = [];
  for (const document of readDocuments(text, place)) {
    for (const object of objectsOf(document, place)) objects.push(object);
    if (objects.length > MAX_OBJECTS) {
      throw new AppError('MANIFEST_INVALID', `${file} holds more than ${MAX_OBJECTS} objects`);
    }
  }
  return objects;
}

/** Undefined where the full parser is needed: to read the text, to unpack a list, or to say where a mistake is. */
function readPlainly(text: string): readonly KubeObject[] | undefined {
  const documents = readYamlValues(text);
  if (documents === undefined || documents.length > MAX_OBJECTS) return undefined;
  const objects = documents.filter(isJsonObject);
  const isWhole = objects.length === documents.length;
  return isWhole && !objects.some((one) => listItems(one) || problemOf(one))
    ? objects.map(asNamed)
    : undefined;
}

function readDocuments(text: string, place: Place): readonly Document.Parsed[] {
  // A byte order mark may also stand where files were joined.
  const clean = text.replace(/^\uFEFF/, '').replace(/\n\uFEFF/g, '\n');
  const documents = parseAllDocuments(clean, {
    lineCounter: place.lines,
    uniqueKeys: true,
    strict: true,
    prettyErrors: false,
    ...KUBERNETES_YAML,
  });
  if (!Array.isArray(documents)) return [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error?.code === 'RESOURCE_EXHAUSTION') throw invalid(place, error.pos[0], TOO_DEEP);
    if (error) throw invalid(place, error.pos[0], yamlProblem(error));
  }
  return documents;
}

/** Field names are texts, whatever they look like: `on:` must not become `true:`. */
function keepNames(document: Document.Parsed): void {
  visit(document, {
    Pair(_key, pair) {
      const { key } = pair;
      if (isScalar(key) && typeof key.value !== 'string' && typeof key.source === 'string') {
        if (key.source !== '<<') key.value = key.source;
      }
    },
  });
}

function objectsOf(document: Document.Parsed, place: Place): readonly KubeObject[] {
  const start = document.contents?.range?.[0] ?? 0;
  const value = withEnoughStack(place, start, () => {
    keepNames(document);
    return readValue(document, start, place);
  });
  if (isDeeperThan(MAX_DEPTH, value)) throw invalid(place, start, TOO_DEEP);
  return unpack(value, document.contents, start, place);
}

function readValue(document: Document.Parsed, start: number, place: Place): JsonValue {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as JsonValue;
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw invalid(place, start, yamlProblem(error));
  }
}

/** Walks of the parser have no limit of their own: what nests too deeply for the stack ends in a RangeError. */
function withEnoughStack<T>(place: Place, start: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw invalid(place, start, TOO_DEEP);
    throw error;
  }
}

/** Itself goes no deeper than `levels`. */
function isDeeperThan(levels: number, value: JsonValue | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => isDeeperThan(levels - 1, one));
}

function unpack(
  value: JsonValue | undefined,
  node: unknown,
  start: number,
  place: Place,
): readonly KubeObject[] {
  if (value === null || value === undefined) return [];
  if (!isJsonObject(value)) throw invalid(place, start, 'a Kubernetes object must be a mapping');
  const list = listItems(value);
  if (list === undefined) return [checked(value, node, start, place)];
  return list.items.flatMap((item, index) => {
    const at = childOf(node, 'items', index);
    return unpack(withListKind(item, list.kind, value), at, offsetOf(at) ?? start, place);
  });
}

/** What a `List`, or a typed one as `DeploymentList`, holds; undefined for other objects. */
function listItems(
  value: JsonObject,
): { readonly kind: string; readonly items: readonly JsonValue[] } | undefined {
  const { kind, items } = value;
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return undefined;
  return { kind, items };
}

/** The items of a typed list (`DeploymentList`) carry neither kind nor apiVersion when Go wrote them. */
function withListKind(item: JsonValue, listKind: string, list: JsonObject): JsonValue {
  if (!isJsonObject(item) || listKind === 'List' || item['kind'] !== undefined) return item;
  return { apiVersion: list['apiVersion'] ?? null, kind: listKind.slice(0, -4), ...item };
}

function checked(value: JsonObject, node: unknown, start: number, place: Place): KubeObject {
  const problem = problemOf(value);
  if (!problem) return asNamed(value);
  throw invalid(place, offsetOf(childOf(node, problem.field)) ?? start, problem.message);
}

/** A parsed JSON value as a Kubernetes object. Throws MANIFEST_INVALID naming `where` when it is none. */
export function toKubeObject(value: unknown, where: string): KubeObject {
  if (!isJsonObject(value)) {
    throw new AppError('MANIFEST_INVALID', `${where}: a Kubernetes object must be a mapping`);
  }
  const problem = isDeeperThan(MAX_DEPTH, value) ? { message: TOO_DEEP } : problemOf(value);
  if (problem) throw new AppError('MANIFEST_INVALID', `${where}: ${problem.message}`);
  return asNamed(value);
}

function problemOf(value: JsonObject): { field: string; message: string } | undefined {
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== 'string' || apiVersion === '') {
    return { field: 'apiVersion', message: 'apiVersion is missing' };
  }
  if (typeof kind !== 'string' || kind === '') return { field: 'kind', message: 'kind is missing' };
  const name = isJsonObject(metadata) ? metadata['name'] : undefined;
  if (typeof name === 'string' && name !== '') return undefined;
  return { field: 'metadata', message: `metadata.name of this ${kind} is missing or no text` };
}

/** Only for what problemOf found nothing wrong with. */
function asNamed(value: JsonObject): KubeObject {
  return value as unknown as KubeObject;
}

function childOf(node: unknown, field: string, index?: number): unknown {
  if (!isMap(node)) return undefined;
  const value: unknown = node.get(field, true);
  if (index === undefined) return value;
  const items = isJsonObject(value) || typeof value === 'object' ? value : undefined;
  return items && 'items' in items && Array.isArray(items.items) ? items.items[index] : undefined;
}

function offsetOf(node: unknown): number | undefined {
  if (!isMap(node) && !isScalar(node)) return undefined;
  return (node as Node).range?.[0];
}

function invalid(place: Place, offset: number, problem: string): AppError {
  const { line, col } = place.lines.linePos(offset);
  const where = `${place.file}:${line}:${col}`;
  return new AppError('MANIFEST_INVALID', `${where}: ${problem}`, {
    details: { file: place.file, line, column: col },
  });
}
