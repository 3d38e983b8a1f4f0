import { isJsonObject, type JsonValue } from '../drift/json.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { editDocument } from './merge/edit-document.ts';
import { listKeyOf } from './merge/list-keys.ts';
import { type Edit, mergeNode } from './merge/merge-node.ts';
import { joinDocuments, splitDocuments } from './merge/split-documents.ts';

/**
 * The manifest with the cluster's values in the places that it declares; what it does not declare stays out. `live` is in
 * the order of the documents, undefined where the object is gone: its document then stays as it is.
 */
export function overlayLive(data: string, live: readonly (KubeObject | undefined)[]): string {
  let changed = false;
  const texts = splitDocuments(data).map(({ document, text, value }, index) => {
    const object = live[index];
    if (object === undefined) return text;
    const declared = value as JsonValue;
    const seen = project(declared, object as unknown as JsonValue);
    const edits: Edit[] = [];
    mergeNode({ base: declared, theirs: seen, ours: declared }, [], { edits, conflict: () => 0 });
    if (edits.length === 0) return text;
    changed = true;
    return editDocument(document, text, edits);
  });
  return changed ? joinDocuments(texts) : data;
}

function project(declared: JsonValue, live: JsonValue): JsonValue {
  if (isJsonObject(declared) && isJsonObject(live)) {
    return Object.fromEntries(
      Object.entries(declared).flatMap(([key, value]) => {
        const seen = live[key];
        // Empty values are not stored by the API server; that is no difference.
        if (seen === undefined) return isEmpty(value) ? [[key, value]] : [];
        return [[key, project(value, seen)]];
      }),
    );
  }
  if (Array.isArray(declared) && Array.isArray(live)) {
    const nameOf = listKeyOf([declared, live]);
    if (nameOf === undefined) return live;
    const items = new Map(declared.filter(isJsonObject).map((item) => [nameOf(item), item]));
    return live.filter(isJsonObject).map((item) => project(items.get(nameOf(item)) ?? item, item));
  }
  return live;
}

function isEmpty(value: JsonValue): boolean {
  if (value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}
