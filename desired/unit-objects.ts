import { type CompiledDesired, compileDesired } from '../drift/compare/compile.ts';
import type { Struct } from '../drift/compare/schema.ts';
import { isDriftRecord } from '../drift/decide/drift-unit.ts';
import { type KubeObject, type ResourceRef, refOf, resourceKey } from '../drift/resource-ref.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import { isNamespacedBuiltIn } from './cluster-scoped.ts';
import { parseManifests } from './manifests.ts';

/** One revision of a unit, read and compiled. */
export type UnitObjects =
  | { readonly ok: true; readonly objects: ReadonlyMap<string, DeclaredObject> }
  | { readonly ok: false; readonly message: string };

/** `object` and `compiled` are made when they are read and kept while they are used: do not copy them along. */
export type DeclaredObject = {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
  readonly compiled: CompiledDesired;
};

/**
 * Compiled state takes thirty times the room of its JSON text and is made in a twentieth of a millisecond, so only what was
 * used last is kept.
 */
export type CompiledCache = {
  get(key: object, make: () => CompiledDesired): CompiledDesired;
};

export function createCompiledCache(maxObjects: number): CompiledCache {
  const recent = new Map<object, CompiledDesired>();
  return {
    get(key, make) {
      const compiled = recent.get(key) ?? make();
      // Deleted first, so that the map stays in the order of use.
      recent.delete(key);
      recent.set(key, compiled);
      for (const [oldest] of recent) {
        if (recent.size <= maxObjects) break;
        recent.delete(oldest);
      }
      return compiled;
    },
  };
}

export type ReadingPlace = {
  readonly environment: string;
  readonly cache: CompiledCache;
  /** For objects that name no namespace and need one. */
  readonly defaultNamespace: string;
  /** Whether a kind lives in a namespace, as the API server says; undefined if it does not know. */
  readonly isNamespaced?: (kind: Pick<ResourceRef, 'group' | 'kind'>) => boolean | undefined;
  /** The schema of a custom kind, as far as it is known when an object is compiled. */
  readonly schemaOf?: (kind: Pick<ResourceRef, 'group' | 'version' | 'kind'>) => Struct | undefined;
};

/** What a text of manifests declares, by `resourceKey`. A mistake in it is an answer, not a rejection: others go on. */
export function readUnitObjects(text: string, place: ReadingPlace): UnitObjects {
  try {
    const objects = new Map<string, DeclaredObject>();
    for (const parsed of parseManifests(text)) {
      if (isDriftRecord(parsed)) continue;
      const object = placed(parsed, place);
      const ref = refOf(place.environment, object);
      const key = resourceKey(ref);
      if (objects.has(key)) {
        throw new AppError('MANIFEST_INVALID', `${ref.kind} ${ref.name} is declared twice`);
      }
      objects.set(key, declaredObject(ref, JSON.stringify(object), place));
    }
    return { ok: true, objects };
  } catch (error) {
    return { ok: false, message: fromUnknown(error).message };
  }
}

function declaredObject(ref: ResourceRef, json: string, place: ReadingPlace): DeclaredObject {
  const { cache, schemaOf } = place;
  const declared: DeclaredObject = {
    ref,
    get object() {
      return declared.compiled.object;
    },
    get compiled() {
      // Written above, from an object.
      return cache.get(declared, () =>
        compileDesired(JSON.parse(json) as KubeObject, schemaOf?.(ref)),
      );
    },
  };
  return declared;
}

/** With the namespace that the object will have once it is applied. */
export function placed(object: KubeObject, place: ReadingPlace): KubeObject {
  const ref = refOf(place.environment, object);
  if (place.isNamespaced?.(ref) ?? isNamespacedBuiltIn(ref)) {
    if (ref.namespace !== '') return object;
    return { ...object, metadata: { ...object.metadata, namespace: place.defaultNamespace } };
  }
  if (ref.namespace === '') return object;
  const { namespace: _ignored, ...metadata } = object.metadata;
  return { ...object, metadata };
}
