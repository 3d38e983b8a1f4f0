import { type Document, isMap } from 'yaml';
import { declaredForm } from '../drift/compare/declared-form.ts';
import { sameJson } from '../drift/compare/equal.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { parseFieldPath } from '../drift/field-path.ts';
import { isJsonObject, type JsonValue } from '../drift/json.ts';
import { putField } from '../drift/patch/put-field.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { yamlProblem } from '../lib/yaml-problem.ts';
import { rewriteYaml } from './rewrite-yaml.ts';
import { MAX_ALIASES, readDocuments } from './yaml-source.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * The manifests with the live side of `changes` written into the one object that they are about: what live lacks is removed,
 * what it has beyond the manifest is added without the API server's defaults. Everything else stays byte for byte. `object`
 * is the declared one, in the namespace that it has once applied.
 *
 * CONFLICT where the text does not declare the object (any more, or twice) or a field cannot be placed, MANIFEST_INVALID for
 * YAML that cannot be read and for objects inside a `List`, INVALID_INPUT for Secrets and redacted changes: secret values
 * are never written into a unit.
 */
export function editManifests(
  text: string,
  object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>,
  changes: readonly FieldChange[],
): string {
  if (object.kind === 'Secret' || changes.some((change) => change.redacted)) {
    throw new AppError(
      'INVALID_INPUT',
      `values of ${nameOf(object)} are secret: write them by hand`,
    );
  }
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  const source = text.slice(mark.length);
  const before = readPlain(source);
  const index = findObject(
    before.map(({ plain }) => plain),
    object,
  );
  const target = before[index];
  if (!target) throw notDeclared(object);
  const wanted = withLive(target.plain, object, changes);
  // From the end of the document before: comments and `---` above an object belong to its document.
  const start = before[index - 1]?.end ?? 0;
  const edited = rewriteYaml(source.slice(start, target.end), wanted);
  if (edited === undefined) throw notWritable(object);
  const result = source.slice(0, start) + edited + source.slice(target.end);
  const after = readPlain(result);
  const isExact =
    after.length === before.length &&
    after.every(({ plain }, at) => sameJson(plain, at === index ? wanted : before[at]?.plain));
  if (!isExact) throw notWritable(object);
  return mark + result;
}

type PlainDocument = { readonly plain: JsonValue; readonly end: number };

function readPlain(text: string): readonly PlainDocument[] {
  return readDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw unreadable(error);
    return { plain: plainOf(document), end: document.range[2] };
  });
}

function plainOf(document: Document.Parsed): JsonValue {
  if (document.contents !== null && !isMap(document.contents)) return null;
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as JsonValue;
  } catch (error) {
    throw unreadable(error);
  }
}

/** Which document declares the object. One without a namespace stands for any: it is put into its environment's. */
function findObject(
  documents: readonly JsonValue[],
  object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>,
): number {
  const { namespace } = object.metadata;
  const same = [...documents.keys()].filter((at) => isNamed(documents[at], object));
  const inPlace = same.filter((at) => namespaceOf(documents[at]) === namespace);
  const placeless = same.filter((at) => namespaceOf(documents[at]) === undefined);
  const [found, ...others] =
    inPlace.length > 0 ? inPlace : namespace === undefined ? same : placeless;
  if (others.length > 0) {
    throw new AppError('CONFLICT', `the unit declares ${nameOf(object)} more than once`);
  }
  if (found !== undefined) return found;
  if (documents.some((one) => isListWith(one, object))) {
    throw new AppError(
      'MANIFEST_INVALID',
      `${nameOf(object)} is declared inside a List; make it a document of its own to accept live values`,
    );
  }
  throw notDeclared(object);
}

function isNamed(
  value: JsonValue | undefined,
  object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>,
): boolean {
  if (!isJsonObject(value) || !isJsonObject(value['metadata'])) return false;
  return (
    value['apiVersion'] === object.apiVersion &&
    value['kind'] === object.kind &&
    value['metadata']['name'] === object.metadata.name
  );
}

function isListWith(
  value: JsonValue,
  object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>,
): boolean {
  if (!isJsonObject(value) || !String(value['kind']).endsWith('List')) return false;
  const items = value['items'];
  if (!Array.isArray(items)) return false;
  // The items of a typed list (`DeploymentList`) may leave out what they are.
  return items.some(
    (item: JsonValue) =>
      isJsonObject(item) &&
      (isListWith(item, object) ||
        isNamed({ apiVersion: object.apiVersion, kind: object.kind, ...item }, object)),
  );
}

function namespaceOf(value: JsonValue | undefined): JsonValue | undefined {
  const metadata = isJsonObject(value) ? value['metadata'] : undefined;
  return isJsonObject(metadata) ? (metadata['namespace'] ?? undefined) : undefined;
}

function withLive(
  declared: JsonValue,
  object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>,
  changes: readonly FieldChange[],
): JsonValue {
  let wanted = declared;
  for (const { path, op, desired, live } of changes) {
    const segments = parseFieldPath(path);
    if (segments.length === 0 || op === 'object-missing') {
      throw new AppError('CONFLICT', 'a missing object cannot be written into its unit');
    }
    const value = live === undefined ? undefined : declaredForm(object, segments, live, desired);
    const put = putField(wanted, segments, value);
    if (put?.value === undefined) {
      throw new AppError('CONFLICT', `the unit's manifest has no place for ${path}`);
    }
    wanted = put.value;
  }
  return wanted;
}

function nameOf(object: Pick<KubeObject, 'kind' | 'metadata'>): string {
  return `${object.kind}/${object.metadata.name}`;
}

function notDeclared(object: Pick<KubeObject, 'kind' | 'metadata'>): AppError {
  return new AppError('CONFLICT', `the unit does not declare ${nameOf(object)} any more`);
}

function notWritable(object: Pick<KubeObject, 'kind' | 'metadata'>): AppError {
  return new AppError(
    'CONFLICT',
    `the manifest of ${nameOf(object)} cannot take the live values without other changes: edit it by hand`,
  );
}

function unreadable(error: unknown): AppError {
  return new AppError('MANIFEST_INVALID', `the unit's YAML cannot be read: ${yamlProblem(error)}`);
}
