import { isJsonObject } from '../json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../resource-ref.ts';
import type { CompareContext } from './comparison.ts';
import type { ItemPlace, PlanNode } from './compile.ts';
import { itemKey, ownedKeyOf, pieceOf } from './compile.ts';
import { parseItemKey } from './item-key.ts';
import { classOfManager } from './managers.ts';
import { expectedBy } from './noise.ts';

/** Who owns one field of a live object, sorted by what it means for a verdict. */
export type Owners = {
  /** The last foreign writer that nothing explains. */
  readonly foreign: ManagedFieldsEntry | undefined;
  /** A system manager that is expected to own this field. */
  readonly expected: ManagedFieldsEntry | undefined;
  /** Our own applier. */
  readonly ours: ManagedFieldsEntry | undefined;
};

/** Pieces of places that are only known at run time: items of keyed lists in custom resources. */
export type RuntimePlaces = ReadonlyMap<PlanNode, ItemPlace>;

/** The entries of managedFields that can say something about desired fields; status writers cannot. */
export function entriesOf(live: KubeObject): readonly ManagedFieldsEntry[] {
  return live.metadata.managedFields ?? [];
}

/** Looks one declared field up in every entry. Only called where a difference was found. */
export function ownersOf(
  node: PlanNode,
  entries: readonly ManagedFieldsEntry[],
  context: CompareContext,
  kind: string,
  places: RuntimePlaces,
): Owners {
  const keys = ownedKeys(node, places);
  const isCustom = node.shape.kind === 'any';
  let foreign: ManagedFieldsEntry | undefined;
  let expected: ManagedFieldsEntry | undefined;
  let ours: ManagedFieldsEntry | undefined;
  for (const entry of entries) {
    if (entry.subresource === 'status') continue;
    const isOurs = context.appliers.includes(entry.manager ?? '');
    if (!owns(entry, keys, isCustom, isOurs && kind === 'Secret')) continue;
    if (isOurs) ours = later(ours, entry);
    else if (expectedBy(entry, classOfManager(entry.manager ?? ''), kind, node.name)) {
      expected = later(expected, entry);
    } else foreign = later(foreign, entry);
  }
  return { foreign, expected, ours };
}

/** The path of a declared field as text, `spec.template.spec.containers[name=api].image`. */
export function pathOf(node: PlanNode, places: RuntimePlaces): string {
  let path = '';
  for (let at: PlanNode | undefined = node; at !== undefined; at = at.parent) {
    path = (places.get(at)?.piece ?? pieceOf(at)) + path;
  }
  return path.startsWith('.') ? path.slice(1) : path;
}

/** The keys that lead from the root of fieldsV1 to a declared field. */
export function ownedKeys(node: PlanNode, places: RuntimePlaces): readonly string[] {
  const keys: string[] = [];
  for (let at = node; at.parent !== undefined; at = at.parent) {
    keys.push(places.get(at)?.ownedAs ?? ownedKeyOf(at));
  }
  return keys.reverse();
}

/** The live value at the place of a declared field. Looked up from the root: only findings ask. */
export function liveAt(live: KubeObject, node: PlanNode, places: RuntimePlaces): unknown {
  if (node.parent === undefined) return live;
  const above = liveAt(live, node.parent, places);
  if (!Array.isArray(above)) return isJsonObject(above) ? above[node.name] : undefined;
  const learned = places.get(node)?.ownedAs;
  const keys = learned ? Object.keys(parseItemKey(learned) ?? {}) : node.parent.shape.keys;
  const key = itemKey(node.value, keys);
  return above.find((item) => itemKey(item, keys) === key);
}

function owns(
  entry: ManagedFieldsEntry,
  keys: readonly string[],
  isCustom: boolean,
  isOurSecret: boolean,
): boolean {
  if (ownsBelow(entry.fieldsV1, keys, isCustom)) return true;
  // Applied stringData stays owned under that name although it is stored in data.
  if (!isOurSecret || keys[0] !== 'f:data') return false;
  return ownsBelow(entry.fieldsV1, ['f:stringData', ...keys.slice(1)], isCustom);
}

function ownsBelow(fields: unknown, keys: readonly string[], isCustom: boolean): boolean {
  let at = fields;
  for (const key of keys) {
    if (!isJsonObject(at)) return false;
    const below = at[key];
    // In a custom resource an owned leaf above the field is an atomic field that holds it.
    if (below === undefined) return isCustom && at !== fields && isLeaf(at);
    at = below;
  }
  return true;
}

/** True for `{}` in fieldsV1: everything below is owned as one. */
export function isLeaf(fields: unknown): boolean {
  if (!isJsonObject(fields)) return true;
  for (const _key in fields) return false;
  return true;
}

/** The later of two writers; entries of the scale subresource carry no time and count as the later ones. */
function later(
  known: ManagedFieldsEntry | undefined,
  entry: ManagedFieldsEntry,
): ManagedFieldsEntry {
  if (known === undefined) return entry;
  return (entry.time ?? '9999') >= (known.time ?? '9999') ? entry : known;
}
