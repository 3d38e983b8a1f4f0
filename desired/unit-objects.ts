import { type CompiledDesired, compileDesired } from '../drift/compile.ts';
import { type KubeObject, type ResourceRef, refOf, resourceKey } from '../drift/resource-ref.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import { isNamespacedBuiltIn } from './cluster-scoped.ts';
import { parseManifests } from './manifests.ts';

/** One revision of a unit, read and compiled. */
export type UnitObjects =
  | { readonly ok: true; readonly objects: ReadonlyMap<string, DeclaredObject> }
  | { readonly ok: false; readonly message: string };

export type DeclaredObject = {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
  readonly compiled: CompiledDesired;
};

export type ReadingPlace = {
  readonly environment: string;
  /** For objects that name no namespace and need one. */
  readonly defaultNamespace: string;
  /** Whether a kind lives in a namespace, as the API server says; undefined if it does not know. */
  readonly isNamespaced?: (kind: Pick<ResourceRef, 'group' | 'kind'>) => boolean | undefined;
};

/** What a text of manifests declares, by `resourceKey`. A mistake in it is an answer, not a rejection: others go on. */
export function readUnitObjects(text: string, place: ReadingPlace): UnitObjects {
  try {
    const objects = new Map<string, DeclaredObject>();
    for (const parsed of parseManifests(text)) {
      const object = placed(parsed, place);
      const ref = refOf(place.environment, object);
      const key = resourceKey(ref);
      if (objects.has(key)) {
        throw new AppError('MANIFEST_INVALID', `${ref.kind} ${ref.name} is declared twice`);
      }
      objects.set(key, { ref, object, compiled: compileDesired(object) });
    }
    return { ok: true, objects };
  } catch (error) {
    return { ok: false, message: fromUnknown(error).message };
  }
}

/** With the namespace that the object will have once it is applied. */
function placed(object: KubeObject, place: ReadingPlace): KubeObject {
  const ref = refOf(place.environment, object);
  if (place.isNamespaced?.(ref) ?? isNamespacedBuiltIn(ref)) {
    if (ref.namespace !== '') return object;
    return { ...object, metadata: { ...object.metadata, namespace: place.defaultNamespace } };
  }
  if (ref.namespace === '') return object;
  const { namespace: _ignored, ...metadata } = object.metadata;
  return { ...object, metadata };
}
