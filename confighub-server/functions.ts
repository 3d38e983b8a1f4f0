import { isJsonObject, type JsonValue } from '../drift/json.ts';
import { type Found, findPlaces, parseDataPath } from './data-path.ts';
import { badRequest } from './hub-error.ts';
import { editDocument } from './merge/edit-document.ts';
import type { Edit } from './merge/merge-node.ts';
import { joinDocuments, splitDocuments } from './merge/split-documents.ts';

export type Argument = string | number | boolean;

export type Invocation = {
  readonly name: string;
  /** By name where the caller named them, else by position. */
  readonly args: readonly { readonly parameter: string | undefined; readonly value: Argument }[];
};

type Parameter = { readonly name: string; readonly type: 'string' | 'int' | 'bool' };

type Selected = { readonly resourceType: string; readonly path: string };

type FunctionKind = {
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** Places of which resources ('' = any), from the arguments. */
  readonly selects: (args: readonly Argument[]) => readonly Selected[];
  /** Absent = the function only reads. */
  readonly value?: (args: readonly Argument[]) => Argument;
};

const REPLICATED = ['apps/v1/Deployment', 'apps/v1/StatefulSet', 'apps/v1/ReplicaSet'];
const POD_TEMPLATES = [...REPLICATED, 'apps/v1/DaemonSet', 'batch/v1/Job'];

const replicas = () => REPLICATED.map((resourceType) => ({ resourceType, path: 'spec.replicas' }));
const byPath = (args: readonly Argument[]) => [
  { resourceType: String(args[0]), path: String(args[1]) },
];
const pathParameters = (type: Parameter['type']): readonly Parameter[] => [
  { name: 'resource-type', type: 'string' },
  { name: 'path', type: 'string' },
  { name: 'attribute-value', type },
];

/** The functions of this server, a small part of ConfigHub's. */
const FUNCTIONS: Readonly<Record<string, FunctionKind>> = {
  'set-replicas': {
    description: 'Sets spec.replicas of the workloads',
    parameters: [{ name: 'replicas', type: 'int' }],
    selects: replicas,
    value: ([count]) => count ?? 0,
  },
  'get-replicas': { description: 'Reads spec.replicas', parameters: [], selects: replicas },
  'set-image': {
    description: 'Sets the image of one container of the workloads',
    parameters: [
      { name: 'container-name', type: 'string' },
      { name: 'image', type: 'string' },
    ],
    selects: ([container]) =>
      POD_TEMPLATES.map((resourceType) => ({
        resourceType,
        path: `spec.template.spec.containers.?name=${String(container).replaceAll('.', '~1')}.image`,
      })),
    value: ([, image]) => image ?? '',
  },
  'set-int-path': {
    description: 'Sets a number',
    parameters: pathParameters('int'),
    selects: byPath,
    value: ([, , value]) => value ?? 0,
  },
  'set-string-path': {
    description: 'Sets a text',
    parameters: pathParameters('string'),
    selects: byPath,
    value: ([, , value]) => value ?? '',
  },
  'set-bool-path': {
    description: 'Sets true or false',
    parameters: pathParameters('bool'),
    selects: byPath,
    value: ([, , value]) => value ?? false,
  },
  'get-int-path': {
    description: 'Reads a number',
    parameters: pathParameters('int').slice(0, 2),
    selects: byPath,
  },
  'get-string-path': {
    description: 'Reads a text',
    parameters: pathParameters('string').slice(0, 2),
    selects: byPath,
  },
};

/** `{ "<ToolchainType>": { "<name>": signature } }` */
export function functionSignatures(): object {
  const signatures = Object.entries(FUNCTIONS).map(([name, one]) => [
    name,
    {
      FunctionName: name,
      Description: one.description,
      Mutating: one.value !== undefined,
      Parameters: one.parameters.map((parameter) => ({
        ParameterName: parameter.name,
        DataType: parameter.type,
        Required: true,
      })),
    },
  ]);
  return { 'Kubernetes/YAML': Object.fromEntries(signatures) };
}

export type Invoked = { readonly data: string; readonly output: readonly object[] };

/** Runs one function over a unit's data. Comments and untouched documents stay. 400 for unknown names and wrong arguments. */
export function invokeFunction(data: string, invocation: Invocation): Invoked {
  const kind = Object.hasOwn(FUNCTIONS, invocation.name) ? FUNCTIONS[invocation.name] : undefined;
  if (kind === undefined) throw badRequest(`no such function: ${invocation.name}`);
  const args = argumentsOf(kind, invocation);
  const selected = kind.selects(args);
  const output: object[] = [];
  const texts = splitDocuments(data).map(({ key, document, text, value }) => {
    const places = placesOf(selected, key, value as JsonValue);
    if (kind.value === undefined) {
      for (const place of places)
        output.push({ ResourceName: key, Path: place.path.join('.'), Value: place.value });
      return text;
    }
    const wanted = kind.value(args);
    const edits = places
      .filter((place) => place.value !== wanted)
      .map((place): Edit => ({ kind: 'set', path: place.path, value: wanted }));
    return edits.length === 0 ? text : editDocument(document, text, edits);
  });
  return { data: kind.value === undefined ? data : joinDocuments(texts), output };
}

function placesOf(selected: readonly Selected[], key: string, value: JsonValue): readonly Found[] {
  return selected.flatMap(({ resourceType, path }) => {
    const applies =
      resourceType === '' || resourceType === '*' || key.startsWith(`${resourceType}/`);
    return applies && isJsonObject(value) ? findPlaces(value, parseDataPath(path)) : [];
  });
}

function argumentsOf(kind: FunctionKind, invocation: Invocation): readonly Argument[] {
  return kind.parameters.map((parameter, index) => {
    const sent =
      invocation.args.find((one) => one.parameter === parameter.name) ??
      (invocation.args[index]?.parameter ? undefined : invocation.args[index]);
    const value = sent === undefined ? undefined : cast(sent.value, parameter.type);
    if (value === undefined) {
      throw badRequest(`${invocation.name}: ${parameter.name} must be given, as ${parameter.type}`);
    }
    return value;
  });
}

// The official CLI sends every argument as a text and asks for it to be read.
function cast(value: Argument, type: Parameter['type']): Argument | undefined {
  switch (type) {
    case 'string':
      return String(value);
    case 'int':
      return /^-?\d{1,15}$/.test(String(value)) ? Number(value) : undefined;
    case 'bool':
      return String(value) === 'true' ? true : String(value) === 'false' ? false : undefined;
  }
}
