import { isJsonObject } from '../json.ts';
import type { Run } from './compare-run.ts';
import type { PlanNode } from './compile.ts';
import { parseItemKey } from './item-key.ts';
import { isLeaf, ownedKeys } from './owners.ts';

export type LearnedList = 'set' | 'atomic' | readonly string[];

const BY_NAME: readonly string[] = ['name'];

/**
 * What kind of list a field of a custom resource is. Its schema is not at hand, but every owner shows it: `k:{"id":"a"}`
 * below the field means a list keyed by `id`, `v:"x"` a set, nothing below it an atomic list. Without any owner, items that
 * all have a different `name` are matched by it; everything else is compared in order.
 */
export function learnListKind(run: Run, node: PlanNode, live: readonly unknown[]): LearnedList {
  const path = ownedKeys(node, run.places);
  for (const entry of run.entries) {
    const fields = descend(entry.fieldsV1, path);
    if (fields === undefined) continue;
    if (isLeaf(fields)) return 'atomic';
    for (const key in fields as object) {
      if (key.startsWith('v:')) return 'set';
      if (key.startsWith('k:')) return keysOf(key);
    }
  }
  if (run.entries.length > 0) return 'atomic';
  return haveDistinctNames(node.value) && haveDistinctNames(live) ? BY_NAME : 'atomic';
}

function keysOf(key: string): LearnedList {
  const parsed = parseItemKey(key);
  return parsed ? Object.keys(parsed) : 'atomic';
}

function descend(fields: unknown, path: readonly string[]): unknown {
  let at = fields;
  for (const key of path) {
    if (!isJsonObject(at)) return undefined;
    at = at[key];
  }
  return at;
}

function haveDistinctNames(list: unknown): boolean {
  if (!Array.isArray(list)) return false;
  const names = list.map((item) => (isJsonObject(item) ? item['name'] : undefined));
  return names.every((name) => typeof name === 'string') && new Set(names).size === names.length;
}
