import { isJsonObject } from '../drift/json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../drift/resource-ref.ts';

/** What an object became in the store: `same` cannot compare differently than before. */
export type PutResult = 'new' | 'changed' | 'same';

/** The live objects of one informer, without status, as compact as JSON text is: a parsed object takes five times as much. */
export type LiveStore = {
  put(object: KubeObject): PutResult;
  remove(place: Place): boolean;
  has(place: Place): boolean;
  /** Without status. */
  get(place: Place): KubeObject | undefined;
  /** Removes every object that `keep` does not have and names them. */
  removeOthers(keep: ReadonlySet<string>): readonly Place[];
  size(): number;
  places(): readonly Place[];
};

export type Place = { readonly namespace: string; readonly name: string };

type Entry = { readonly resourceVersion: string; readonly gate: string; readonly body: string };

export function createLiveStore(): LiveStore {
  const entries = new Map<string, Entry>();
  return {
    put(object) {
      const key = placeKey(placeOf(object));
      const known = entries.get(key);
      const resourceVersion = object.metadata.resourceVersion ?? '';
      if (known !== undefined && known.resourceVersion === resourceVersion) return 'same';
      const gate = gateOf(object);
      if (known !== undefined && gate !== '' && known.gate === gate) {
        entries.set(key, { ...known, resourceVersion });
        return 'same';
      }
      const body = JSON.stringify(withoutStatus(object));
      entries.set(key, { resourceVersion, gate, body });
      if (known === undefined) return 'new';
      return known.body === body ? 'same' : 'changed';
    },
    remove: (place) => entries.delete(placeKey(place)),
    has: (place) => entries.has(placeKey(place)),
    get(place) {
      const entry = entries.get(placeKey(place));
      // Only `put` writes bodies, from objects.
      return entry === undefined ? undefined : (JSON.parse(entry.body) as KubeObject);
    },
    removeOthers(keep) {
      const gone = [...entries.keys()].filter((key) => !keep.has(key));
      for (const key of gone) entries.delete(key);
      return gone.map(placeOfKey);
    },
    size: () => entries.size,
    places: () => [...entries.keys()].map(placeOfKey),
  };
}

export function placeOf(object: KubeObject): Place {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

/** No name or namespace holds a slash. */
export function placeKey({ namespace, name }: Place): string {
  return `${namespace}/${name}`;
}

function placeOfKey(key: string): Place {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/**
 * Where the server counts generations, equal gates mean that only status or bookkeeping changed. '' where it counts none
 * (ConfigMap, Secret, Service, RBAC, …), and for objects without status, because some of those keep their first generation
 * whatever changes (PriorityClass, as kube-apiserver 1.36 does it): of those the body itself is looked at.
 */
function gateOf({ metadata, status }: KubeObject): string {
  const { generation, uid, labels, annotations } = metadata;
  if (typeof generation !== 'number' || generation === 0 || status === undefined) return '';
  return JSON.stringify([uid, generation, labels ?? {}, annotations ?? {}]);
}

// The version moves with every write and is no difference; what else changed is in the body.
function withoutStatus(object: KubeObject): KubeObject {
  const { status: _status, ...rest } = object;
  const { resourceVersion: _version, managedFields, ...metadata } = object.metadata;
  if (managedFields === undefined) return { ...rest, metadata } as KubeObject;
  return {
    ...rest,
    metadata: { ...metadata, managedFields: managedFields.flatMap(withoutStatusFields) },
  } as KubeObject;
}

/** Controllers own annotations through the status subresource too (`deployment.kubernetes.io/revision`): those stay. */
function withoutStatusFields(entry: ManagedFieldsEntry): readonly ManagedFieldsEntry[] {
  if (entry.subresource !== 'status' || !isJsonObject(entry.fieldsV1)) return [entry];
  const { 'f:status': _status, ...fieldsV1 } = entry.fieldsV1;
  return Object.keys(fieldsV1).length === 0 ? [] : [{ ...entry, fieldsV1 }];
}
