import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { isJsonObject, type JsonValue } from '../drift/json.ts';
import { HubError } from './hub-error.ts';
import type { Step } from './merge/merge-node.ts';
import { type ManifestDocument, splitDocuments } from './merge/split-documents.ts';

/** Which change a value came from. `Predicate` false: an upgrade must leave it alone. */
export type Mutation = {
  readonly MutationType: 'Add' | 'Update' | 'Delete';
  /** Number of the mutation. */
  readonly Index: number;
  readonly Predicate: boolean;
  /** YAML: the new value, or the removed one. */
  readonly Value: string;
};

/** ConfigHub's own JSON for one resource of a unit, stored and sent as it is. */
export type ResourceMutation = {
  readonly Resource: {
    readonly ResourceCategory: 'Resource';
    readonly ResourceType: string;
    readonly ResourceName: string;
    readonly ResourceNameWithoutScope: string;
  };
  readonly ResourceMutationInfo: Mutation;
  /** By path from the resource's root, lists by position: `spec.template.spec.containers.0.image`. */
  readonly PathMutationMap: Readonly<Record<string, Mutation>>;
  readonly Aliases: Readonly<Record<string, object>>;
  readonly AliasesWithoutScopes: Readonly<Record<string, object>>;
};

type Change = {
  readonly before: string;
  readonly after: string;
  readonly index: number;
  readonly predicate: boolean;
};

/** The sources after one more change of the data. Data that is not YAML has none. */
export function recordMutation(
  previous: readonly ResourceMutation[],
  { before, after, index, predicate }: Change,
): readonly ResourceMutation[] {
  const old = documentsOf(before);
  const present = documentsOf(after);
  const known = new Map(previous.map((one) => [keyOf(one), one]));
  const mutation = (type: Mutation['MutationType'], value: string): Mutation => ({
    MutationType: type,
    Index: index,
    Predicate: predicate,
    Value: value,
  });
  const kept = [...present.values()].map((document) => {
    const was = old.get(document.key);
    const source = known.get(document.key);
    if (was === undefined || source === undefined) {
      return resourceMutation(document, mutation('Add', document.text));
    }
    const paths = { ...source.PathMutationMap };
    for (const one of differences(was.value as JsonValue, document.value as JsonValue, [])) {
      const path = mutationPath(one.path);
      // What was below has been replaced with it.
      for (const other of Object.keys(paths)) if (isBelow(other, path)) delete paths[other];
      paths[path] = mutation(one.type, stringify(one.value));
    }
    return { ...source, PathMutationMap: paths };
  });
  const gone = [...old.values()]
    .filter((document) => !present.has(document.key))
    .map((document) => resourceMutation(document, mutation('Delete', document.text)));
  return [...kept, ...gone];
}

/** What a clone starts with: all of it is the upstream's. */
export function inheritedMutations(
  sources: readonly ResourceMutation[],
): readonly ResourceMutation[] {
  const inherited = (one: Mutation): Mutation => ({ ...one, Predicate: true });
  return sources.map((one) => ({
    ...one,
    ResourceMutationInfo: inherited(one.ResourceMutationInfo),
    PathMutationMap: Object.fromEntries(
      Object.entries(one.PathMutationMap).map(([path, mutation]) => [path, inherited(mutation)]),
    ),
  }));
}

/** Whether an upgrade must leave a path of a resource (`apps/v1/Deployment/name`) alone: it, one above or one below is protected. */
export function isProtected(
  sources: readonly ResourceMutation[],
  key: string,
  path: readonly Step[],
): boolean {
  const source = sources.find((one) => keyOf(one) === key);
  if (source === undefined) return false;
  const here = mutationPath(path);
  return Object.entries(source.PathMutationMap).some(
    ([other, { Predicate: takesUpgrades }]) =>
      !takesUpgrades && (other === here || isBelow(other, here) || isBelow(here, other)),
  );
}

type Difference = {
  readonly path: readonly Step[];
  readonly type: Mutation['MutationType'];
  readonly value: JsonValue;
};

// Maps key by key, lists by position: as the library of August 2025 does.
function differences(
  before: JsonValue,
  after: JsonValue,
  path: readonly Step[],
): readonly Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  const sides = [before, after].map(entriesOf);
  const [old, present] = sides;
  if (
    old === undefined ||
    present === undefined ||
    Array.isArray(before) !== Array.isArray(after)
  ) {
    return [{ path, type: 'Update', value: after }];
  }
  const changed = [...present].flatMap(([step, value]) => {
    const was = old.get(step);
    const here = [...path, step];
    if (was !== undefined) return differences(was, value, here);
    return [{ path: here, type: 'Add' as const, value }];
  });
  const gone = [...old].flatMap(([step, value]) =>
    present.has(step) ? [] : [{ path: [...path, step], type: 'Delete' as const, value }],
  );
  return [...changed, ...gone];
}

function entriesOf(value: JsonValue): ReadonlyMap<Step, JsonValue> | undefined {
  if (Array.isArray(value)) return new Map(value.entries());
  return isJsonObject(value) ? new Map(Object.entries(value)) : undefined;
}

function documentsOf(data: string): ReadonlyMap<string, ManifestDocument> {
  try {
    return new Map(splitDocuments(data).map((document) => [document.key, document]));
  } catch (error) {
    if (error instanceof HubError) return new Map();
    throw error;
  }
}

function resourceMutation(document: ManifestDocument, mutation: Mutation): ResourceMutation {
  const value = document.value as { metadata?: { namespace?: unknown } } | null;
  const type = document.key.split('/').slice(0, -1).join('/');
  const name = document.key.slice(type.length + 1);
  const namespace = value?.metadata?.namespace;
  const scoped = typeof namespace === 'string' ? `${namespace}/${name}` : `/${name}`;
  return {
    Resource: {
      ResourceCategory: 'Resource',
      ResourceType: type,
      ResourceName: scoped,
      ResourceNameWithoutScope: name,
    },
    ResourceMutationInfo: mutation,
    PathMutationMap: {},
    Aliases: { [scoped]: {} },
    AliasesWithoutScopes: { [name]: {} },
  };
}

function keyOf({ Resource }: ResourceMutation): string {
  return `${Resource.ResourceType}/${Resource.ResourceNameWithoutScope}`;
}

function mutationPath(path: readonly Step[]): string {
  return path.map((step) => String(step).replaceAll('.', '~1')).join('.');
}

function isBelow(path: string, ancestor: string): boolean {
  return ancestor === '' ? path !== '' : path.startsWith(`${ancestor}.`);
}
