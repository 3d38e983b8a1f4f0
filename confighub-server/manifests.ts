import { stringify } from 'yaml';
import { isJsonObject } from '../drift/json.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { HubError } from './hub-error.ts';
import { splitDocuments } from './merge/split-documents.ts';

/** The Kubernetes objects of a unit's data, `List`s unpacked; 422 naming the document that is none. */
export function objectsOf(data: string): readonly KubeObject[] {
  return splitDocuments(data).flatMap(({ value }, index) => unpack(value, index + 1));
}

function unpack(value: unknown, place: number): readonly KubeObject[] {
  if (!isJsonObject(value)) throw notAnObject(place);
  const { apiVersion, kind, items } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') throw notAnObject(place);
  if (kind === 'List' && Array.isArray(items)) return items.flatMap((item) => unpack(item, place));
  const metadata = value['metadata'];
  if (!isJsonObject(metadata) || typeof metadata['name'] !== 'string') throw notAnObject(place);
  return [
    { ...value, apiVersion, kind, metadata: { ...metadata, name: metadata['name'] } } as KubeObject,
  ];
}

function notAnObject(place: number): HubError {
  return new HubError(422, `document ${place} lacks apiVersion, kind or metadata.name`);
}

/** Live objects as a YAML stream, without the ownership records that only the API server reads. */
export function liveStateOf(objects: readonly KubeObject[]): string {
  return objects
    .map((object) => {
      const { managedFields: _records, ...metadata } = object.metadata;
      return stringify({ ...object, metadata }, { lineWidth: 0 });
    })
    .join('---\n');
}
