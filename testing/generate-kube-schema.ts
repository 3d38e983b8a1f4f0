/**
 * Writes drift/compare/schema-table.ts from the API server's own documents, so that merge keys are never copied by hand:
 *   node testing/generate-kube-schema.ts OPENAPI_V2_JSON K8S_IO_API_SOURCE_DIR > drift/compare/schema-table.ts
 * The first is `kubectl get --raw /openapi/v2`, the second the unpacked Go module k8s.io/api of the same version: only the
 * Go types tell which scalars are pointers, that is, for which of them zero is a value and not the same as absent.
 */
import { existsSync, readFileSync } from 'node:fs';

type Property = {
  $ref?: string;
  type?: string;
  format?: string;
  items?: Property;
  additionalProperties?: Property;
  allOf?: readonly Property[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-patch-merge-key'?: string;
};
type Definition = Property & {
  properties?: Record<string, Property>;
  'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
};

const [openapiFile = '', goDir = ''] = process.argv.slice(2);
const document = JSON.parse(readFileSync(openapiFile, 'utf8')) as {
  definitions: Record<string, Definition>;
  info: { version: string };
};
const definitions = document.definitions;
const shortName = (name: string): string => name.split('.').slice(-3).join('.');

/** Field names of one Go struct, embedded ones included, whose type is a pointer, by their JSON names. */
function pointerFields(definition: string): ReadonlySet<string> {
  const match = /^io\.k8s\.api\.(.+)\.([^.]+)\.([^.]+)$/.exec(definition);
  const file = `${goDir}/${match?.[1]}/${match?.[2]}/types.go`;
  if (!match || !existsSync(file)) return new Set();
  return new Set(pointersOf(readFileSync(file, 'utf8'), match[3] ?? ''));
}

function pointersOf(source: string, struct: string): string[] {
  const start = source.indexOf(`\ntype ${struct} struct {`);
  if (start < 0) return [];
  const body = source.slice(start, source.indexOf('\n}\n', start));
  const own = [...body.matchAll(/^\t\w+\s+\*[\w.]+\s+`json:"(\w+)/gm)].map((line) => line[1] ?? '');
  const embedded = [...body.matchAll(/^\t(\w+)\s+`json:",inline"/gm)];
  return [...own, ...embedded.flatMap((line) => pointersOf(source, line[1] ?? ''))];
}

function code(property: Property): string {
  const ref = property.$ref ?? property.allOf?.[0]?.$ref;
  if (ref) return refCode(ref.slice('#/definitions/'.length), property);
  if (property.type === 'array') return listCode(property);
  if (property.additionalProperties) {
    const letter = property['x-kubernetes-map-type'] === 'atomic' ? 'M' : 'm';
    return letter + code(property.additionalProperties);
  }
  if (property.format === 'byte') return 'b';
  if (property.format === 'int-or-string') return 'i';
  return property.type === 'object' || property.type === undefined ? 'j' : 's';
}

function refCode(name: string, property: Property): string {
  const definition = definitions[name];
  if (!definition) return 'j';
  if (name.endsWith('.Quantity')) return 'q';
  if (name.endsWith('.IntOrString')) return 'i';
  if (!definition.properties) return definition.type === 'string' ? 's' : 'j';
  const isAtomic =
    (property['x-kubernetes-map-type'] ?? definition['x-kubernetes-map-type']) === 'atomic';
  queue.push(name);
  return `${isAtomic ? '!' : '='}${shortName(name)}`;
}

function listCode(property: Property): string {
  const item = code(property.items ?? {});
  const keys = property['x-kubernetes-list-map-keys'];
  const kind = property['x-kubernetes-list-type'];
  if (kind === 'map' && keys) return `L${keys.join(',')}:${item}`;
  return (kind === 'set' ? 'S' : 'A') + item;
}

const queue: string[] = [];
const kinds: Record<string, string> = {};
for (const [name, definition] of Object.entries(definitions)) {
  const gvks = definition['x-kubernetes-group-version-kind'] ?? [];
  if (gvks.length !== 1 || !definition.properties?.['metadata']) continue;
  const { group, version, kind } = gvks[0] ?? { group: '', version: '', kind: '' };
  if (kind.endsWith('List') || kind.endsWith('Review') || kind === 'Status') continue;
  kinds[`${group}/${version}/${kind}`] = shortName(name);
  queue.push(name);
}
const types: Record<string, string> = {};
for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
  const short = shortName(name);
  if (types[short] !== undefined || short === 'meta.v1.ObjectMeta') continue;
  const pointers = pointerFields(name);
  types[short] = '';
  const fields: string[] = [];
  const isObject = definitions[name]?.properties?.['metadata'] !== undefined;
  for (const [field, property] of Object.entries(definitions[name]?.properties ?? {})) {
    // An object's own identity and status are never compared; a reference's apiVersion and kind are plain data.
    if (isObject && ['apiVersion', 'kind', 'status'].includes(field)) continue;
    const text = code(property);
    const star = pointers.has(field) ? '*' : '';
    if (text !== 's' || star) fields.push(`${field} ${star}${text}`);
  }
  types[short] = fields.join(';');
}
const sorted = (record: Record<string, string>): string =>
  Object.keys(record)
    .sort()
    .filter((key) => record[key] !== '')
    .map((key) => `  '${key}': '${record[key]}',`)
    .join('\n');
process.stdout.write(`// Generated by testing/generate-kube-schema.ts from Kubernetes ${document.info.version}; do not edit.
// A field is \`name code\`, fields are joined by \`;\`, plain scalars are left out. Codes: * pointer (zero is a value), s scalar,
// q quantity, i int-or-string, b bytes, j any JSON, =T struct, !T atomic struct, m map, M atomic map, Lk1,k2: keyed list, S set,
// A atomic list.
export const KIND_TYPES: Readonly<Record<string, string>> = {
${sorted(kinds)}
};

export const TYPE_FIELDS: Readonly<Record<string, string>> = {
${sorted(types)}
};
`);
