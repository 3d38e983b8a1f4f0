import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { FieldChange } from '../drift/field-change.ts';
import { type PathSegment, parseFieldPath } from '../drift/field-path.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';

const MAX_YAML_ALIASES = 100;

/**
 * The manifests with the live side of `changes` written into the one object that they are about. Everything else stays as it
 * was, comments and order included. CONFLICT where the text no longer declares the object, or a field cannot be placed.
 */
export function editManifests(
  text: string,
  object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>,
  changes: readonly FieldChange[],
): string {
  const documents = parseAllDocuments(text, { keepSourceTokens: true });
  if (!Array.isArray(documents)) throw notDeclared(object);
  const document = documents.find((one) => declares(one, object));
  if (!document) throw notDeclared(object);
  for (const change of changes) setField(document, change);
  const options = { lineWidth: 0, indentSeq: indentsLists(text) };
  return documents.map((one) => one.toString(options)).join('');
}

function declares(
  document: Document.Parsed,
  object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>,
): boolean {
  return (
    document.get('apiVersion') === object.apiVersion &&
    document.get('kind') === object.kind &&
    document.getIn(['metadata', 'name']) === object.metadata.name
  );
}

/** The library writes lists one way for a whole document; it is told which way this text has. */
function indentsLists(text: string): boolean {
  return !/^( *)[^\s#-][^\n]*:[ \t]*\n\1- /m.test(text);
}

function setField(document: Document.Parsed, change: FieldChange): void {
  const segments = parseFieldPath(change.path);
  const last = segments.at(-1);
  if (!last) throw new AppError('CONFLICT', 'a missing object cannot be written into its unit');
  let parent: unknown = document.contents;
  for (const segment of segments.slice(0, -1))
    parent = childOf(document, parent, segment, change.path);
  if (last.kind === 'item') {
    setItem(document, parent, last, change);
    return;
  }
  if (!isMap(parent)) throw notPlaced(change.path);
  if (change.live === undefined) parent.delete(last.name);
  else setScalarOrNode(document, parent, last.name, change.live);
}

/** Keeps the scalar's own node where there is one: its comment and quoting belong to it. */
function setScalarOrNode(
  document: Document.Parsed,
  map: YAMLMap,
  key: string,
  value: unknown,
): void {
  const present = map.get(key, true);
  const isPlain = value === null || typeof value !== 'object';
  if (isScalar(present) && isPlain && typeof present.value === typeof value) present.value = value;
  else map.set(key, document.createNode(value, { maxAliasCount: MAX_YAML_ALIASES } as object));
}

function setItem(
  document: Document.Parsed,
  list: unknown,
  segment: Extract<PathSegment, { kind: 'item' }>,
  change: FieldChange,
): void {
  if (!isSeq(list)) throw notPlaced(change.path);
  const index = indexOf(list, segment);
  if (change.live === undefined) {
    if (index >= 0) list.delete(index);
  } else if (index >= 0) list.set(index, document.createNode(change.live));
  else list.add(document.createNode(change.live));
}

/** The node below; a map or list on the way that the manifest leaves out is made. */
function childOf(
  document: Document.Parsed,
  parent: unknown,
  segment: PathSegment,
  path: string,
): unknown {
  if (segment.kind === 'field') {
    if (!isMap(parent)) throw notPlaced(path);
    const child: unknown = parent.get(segment.name, true);
    if (child !== undefined && !(isScalar(child) && child.value === null)) return child;
    const made = document.createNode({});
    parent.set(segment.name, made);
    return made;
  }
  if (!isSeq(parent)) throw notPlaced(path);
  const index = indexOf(parent, segment);
  if (index < 0) throw notPlaced(path);
  return parent.get(index, true);
}

function indexOf(list: YAMLSeq, segment: Extract<PathSegment, { kind: 'item' }>): number {
  return list.items.findIndex(
    (item) =>
      isMap(item) &&
      segment.keys.every(([key, value]) => {
        const present: unknown = item.get(key);
        // The API server's own default: a port without protocol is a TCP port.
        if (present === undefined) return key === 'protocol' && value === 'TCP';
        return String(present) === value;
      }),
  );
}

function notDeclared(object: Pick<KubeObject, 'kind' | 'metadata'>): AppError {
  return new AppError(
    'CONFLICT',
    `the unit does not declare ${object.kind}/${object.metadata.name} any more`,
  );
}

function notPlaced(path: string): AppError {
  return new AppError('CONFLICT', `the unit's manifest has no place for ${path}`);
}
