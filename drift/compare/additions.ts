import type { ChangeOp } from '../field-change.ts';
import { renderField, renderItem } from '../field-path.ts';
import type { JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { ManagedFieldsEntry } from '../resource-ref.ts';
import type { Run } from './compare-run.ts';
import type { ChangeDirection } from './comparison.ts';
import type { CompiledDesired, PlanNode } from './compile.ts';
import { childOwnedAs, itemKey, itemPlace, ownedKeyOf } from './compile.ts';
import { matches, sameJson } from './equal.ts';
import { hasUndeclaredContent } from './extras.ts';
import { parseItemKey } from './item-key.ts';
import { isBeyondLastApplied } from './last-applied.ts';
import type { ManagerClass } from './managers.ts';
import { classOfManager } from './managers.ts';
import { foldNestedAdditions } from './nested-additions.ts';
import { expectedBy, isMetadataMap, isSystemKey } from './noise.ts';
import { isLeaf, liveAt, pathOf } from './owners.ts';
import type { Shape } from './schema.ts';
import { ANY, fieldShape } from './schema.ts';
import { isDefaulted, isInheritedLabel } from './schema-defaults.ts';
import { addChange, declaredChild, excuse } from './verdict.ts';

/** One walk over what one writer owns. */
type Search = {
  readonly run: Run;
  readonly entry: ManagedFieldsEntry;
  readonly managerClass: ManagerClass;
  readonly op: ChangeOp;
  readonly direction: ChangeDirection;
  /** The writer created the object, so that in a custom resource its defaults are its own, too. */
  readonly isCreator: boolean;
};

/** A field that desired does not declare, on the way down to what a writer owns in it. */
type Undeclared = {
  readonly path: string;
  readonly name: string;
  readonly shape: Shape;
  readonly parentShape: Shape | undefined;
  readonly live: unknown;
  readonly parentLive: unknown;
  readonly fields: unknown;
  /** `labels` or `annotations` of the object itself. */
  readonly isObjectMetadata: boolean;
};

/** What live has beyond desired and a foreign, unexpected writer owns: people's additions. */
export function findForeignAdditions(run: Run): void {
  for (const entry of run.entries) {
    const manager = entry.manager ?? '';
    if (entry.subresource === 'status' || run.context.appliers.includes(manager)) continue;
    const managerClass = classOfManager(manager);
    if (managerClass === 'control-plane') continue;
    const isCreator = isCreatorEntry(run, entry);
    search({ run, entry, managerClass, op: 'added', direction: 'forward', isCreator });
  }
  foldNestedAdditions(run);
}

/**
 * What our own applier still owns although desired does not declare it any more: removed from desired and not applied yet.
 * Where the base is known and applied, such a field was written by somebody who borrowed our name.
 */
export function findOwnLeftovers(run: Run): void {
  const { base, lastApplyTime, appliers } = run.context;
  for (const entry of run.entries) {
    if (entry.operation !== 'Apply' || !appliers.includes(entry.manager ?? '')) continue;
    const isBorrowed = base !== undefined;
    if (isBorrowed && (entry.time ?? '') <= (lastApplyTime ?? '')) continue;
    search({
      run,
      entry,
      managerClass: 'person',
      op: isBorrowed ? 'added' : 'pending',
      direction: isBorrowed ? 'forward' : 'reverse',
      isCreator: false,
    });
  }
}

/** What the applied base declares, desired does not any more, and live still holds as it was applied. */
export function findPendingRemovals(run: Run, base: CompiledDesired): void {
  removedSince(run, base.root, run.desired.root, run.live);
}

function removedSince(run: Run, before: PlanNode, now: PlanNode, live: unknown): void {
  if (before.value === now.value || sameJson(before.value, now.value)) return;
  for (const child of before.children) {
    const held = liveChild(live, child, before.shape);
    if (held === undefined || child.isZero) continue;
    const counterpart = childOwnedAs(now, ownedKeyOf(child));
    if (counterpart) {
      if (counterpart.children.length > 0 || child.children.length > 0) {
        if (isGranular(child)) removedSince(run, child, counterpart, held);
      }
    } else if (ownedKeyOf(child) !== '' && matches(child, held)) {
      const path = pathOf(child, run.places);
      addChange(run, { path, op: 'pending', desired: undefined, live: held }, undefined, 'reverse');
    }
  }
}

function isGranular(node: PlanNode): boolean {
  return !node.shape.kind.startsWith('atomic') && node.shape.kind !== 'set';
}

function liveChild(live: unknown, child: PlanNode, shape: Shape): unknown {
  if (Array.isArray(live)) {
    const key = itemKey(child.value, shape.keys);
    return live.find((item) => itemKey(item, shape.keys) === key);
  }
  return isJsonObject(live) ? live[child.name] : undefined;
}

function search(find: Search): void {
  descend(find, find.entry.fieldsV1, find.run.desired.root);
}

/**
 * Walks owned fields beside declared ones; what is declared was compared before. Live is not carried along: it is looked
 * up only where an undeclared field was found.
 */
function descend(find: Search, fields: unknown, node: PlanNode): void {
  if (!isJsonObject(fields)) return;
  for (const key in fields) {
    if (key === '.') continue;
    const child = childOf(find.run, node, key);
    if (child === undefined || child.isNull) {
      undeclared(find, key, fields[key], node);
    } else if (typeof child.value === 'object') {
      const below = fields[key];
      if (isLeaf(below)) compareOwnedWhole(find, child);
      else descend(find, below, child);
    }
  }
}

function childOf(run: Run, node: PlanNode, key: string): PlanNode | undefined {
  const known = declaredChild(node, key);
  if (known || node.parent !== undefined || key !== 'f:stringData') return known;
  return run.desired.kind === 'Secret' ? childOwnedAs(node, 'f:data') : undefined;
}

/** A foreign writer owns an atomic field as one: whatever it holds beyond desired, defaults apart, is that writer's. */
function compareOwnedWhole(find: Search, node: PlanNode): void {
  if (find.op !== 'added' || isGranular(node)) return;
  // Webhooks complete custom resources inside such fields, and what they add is then the creator's.
  if (find.isCreator && !find.run.desired.isBuiltIn) return;
  const live = liveAt(find.run.live, node, find.run.places);
  if (live === undefined || live === null) return;
  if (expectedBy(find.entry, find.managerClass, find.run.desired.kind, node.name)) return;
  if (!hasUndeclaredContent(node, live, rootOf(find.run))) return;
  if (find.run.entries.some((entry) => entry !== find.entry && isOurs(find.run, entry, node)))
    return;
  const path = pathOf(node, find.run.places);
  addChange(find.run, { path, op: 'changed', desired: node.value, live }, find.entry, 'forward');
}

function isOurs(run: Run, entry: ManagedFieldsEntry, node: PlanNode): boolean {
  if (!run.context.appliers.includes(entry.manager ?? '')) return false;
  let fields: unknown = entry.fieldsV1;
  const keys: string[] = [];
  for (let at = node; at.parent !== undefined; at = at.parent) keys.unshift(ownedKeyOf(at));
  for (const key of keys) fields = isJsonObject(fields) ? fields[key] : undefined;
  return fields !== undefined;
}

function undeclared(find: Search, key: string, fields: unknown, node: PlanNode): void {
  const { run } = find;
  const live = liveAt(run.live, node, run.places);
  if (live === undefined || live === null) return;
  const isRoot = node.parent === undefined;
  const isMetadata = node.name === 'metadata' && isMetadataOfKind(node);
  const base = pathOf(node, run.places);
  if (key.startsWith('v:')) {
    considerMember(find, key, node, live);
    return;
  }
  const name = key.startsWith('f:') ? key.slice(2) : '';
  if (isRoot && ['apiVersion', 'kind', 'status', 'metadata'].includes(name)) return;
  if (isMetadata && name !== 'labels' && name !== 'annotations') return;
  const held = name === '' ? itemOf(live, key, node.shape) : fieldOf(live, name);
  const isObjectMetadata =
    isRootMetadata(node) || (node.parent !== undefined && isRootMetadata(node.parent));
  const shape = shapeBelow(node.shape, name);
  consider(find, {
    path: join(base, name === '' ? pieceOf(key, held, node.shape) : renderField(name)),
    name,
    shape,
    parentShape: node.shape,
    live: held,
    parentLive: live,
    fields,
    isObjectMetadata: isObjectMetadata && (isMetadata || isMetadataMap(node)),
  });
}

/** A member of a set: an undeclared one changes the set, which is reported as a whole. */
function considerMember(find: Search, key: string, node: PlanNode, live: unknown): void {
  const member = key.slice(2);
  const holds = (list: unknown) =>
    Array.isArray(list) && list.some((one) => JSON.stringify(one) === member);
  if (!holds(live) || holds(node.value)) return;
  const path = pathOf(node, find.run.places);
  const op = find.op === 'added' ? 'changed' : find.op;
  addChange(find.run, { path, op, desired: node.value, live }, find.entry, find.direction);
}

/** Reports an undeclared field at the highest place that its writer owns, unless it is noise or a default. */
function consider(find: Search, at: Undeclared): void {
  if (at.live === undefined || at.live === null || isNoise(find, at)) return;
  const { run, entry } = find;
  const rule = expectedBy(entry, find.managerClass, run.desired.kind, at.name);
  if (rule) {
    run.expected++;
    const found = { path: at.path, op: find.op, desired: undefined, live: at.live };
    excuse(run, found, entry, find.direction, rule);
    return;
  }
  const isMetadataKeys =
    (at.name === 'labels' || at.name === 'annotations') && hasSystemKey(at.live);
  const isOwnedHere = isLeaf(at.fields) || (isJsonObject(at.fields) && '.' in at.fields);
  if (!isOwnedHere || isMetadataKeys) {
    considerBelow(find, at);
    return;
  }
  if (isCreationDefault(find, at)) return;
  const { path, live } = at;
  addChange(run, { path, op: find.op, desired: undefined, live }, entry, find.direction);
}

function considerBelow(find: Search, at: Undeclared): void {
  if (!isJsonObject(at.fields)) return;
  for (const key in at.fields) {
    if (key === '.' || key.startsWith('v:')) continue;
    const name = key.startsWith('f:') ? key.slice(2) : '';
    const live = name === '' ? itemOf(at.live, key, at.shape) : fieldOf(at.live, name);
    consider(find, {
      path: join(at.path, name === '' ? pieceOf(key, live, at.shape) : renderField(name)),
      name,
      shape: shapeBelow(at.shape, name),
      parentShape: at.shape,
      live,
      parentLive: at.live,
      fields: at.fields[key],
      isObjectMetadata: at.isObjectMetadata,
    });
  }
}

function isNoise(find: Search, at: Undeclared): boolean {
  if (at.isObjectMetadata && find.op === 'added' && find.managerClass !== 'person') return true;
  if (at.path.includes('metadata.') && isSystemKey(at.name)) return true;
  if (at.isObjectMetadata && isInheritedLabel(at.name, at.live, rootOf(find.run))) return true;
  return (
    at.name === 'annotations' && isJsonObject(at.live) && Object.keys(at.live).every(isSystemKey)
  );
}

/** Nobody put it there: the server's default, or in a custom resource what its creator's write was completed with. */
function isCreationDefault(find: Search, at: Undeclared): boolean {
  if (at.name === '') return false;
  if (at.shape.kind === 'any' && !at.isObjectMetadata) {
    if (find.isCreator || isBeyondLastApplied(find.run.live, find.entry, at.path)) return true;
  }
  const root = rootOf(find.run);
  return isDefaulted(at.name, at.shape, at.parentShape, at.live, at.parentLive, root);
}

/**
 * Whether a writer created this object rather than edited it: its Update is as old as the object, it owns the declared fields
 * themselves and not only what is in them (times are whole seconds), and no applier has an entry. A create is completed with
 * the defaults of the kind, which for a custom resource are known to its server alone.
 */
function isCreatorEntry(run: Run, entry: ManagedFieldsEntry): boolean {
  const { appliers } = run.context;
  return (
    entry.operation === 'Update' &&
    entry.subresource === undefined &&
    entry.time !== undefined &&
    entry.time === run.live.metadata.creationTimestamp &&
    (run.desired.isBuiltIn || ownsDeclaredFields(run, entry)) &&
    !run.entries.some((one) => one.operation === 'Apply' && appliers.includes(one.manager ?? ''))
  );
}

function ownsDeclaredFields(run: Run, { fieldsV1 }: ManagedFieldsEntry): boolean {
  return run.desired.root.children.every((child) => {
    if (child.name === 'metadata' || !isJsonObject(child.value)) return true;
    const owned = isJsonObject(fieldsV1) ? fieldsV1[ownedKeyOf(child)] : undefined;
    return isJsonObject(owned) && (isLeaf(owned) || '.' in owned);
  });
}

function rootOf(run: Run): JsonObject {
  return run.live as unknown as JsonObject;
}

function isMetadataOfKind(node: PlanNode): boolean {
  return isRootMetadata(node) || node.shape.struct?.name === 'meta.v1.ObjectMeta';
}

function isRootMetadata(node: PlanNode): boolean {
  return node.name === 'metadata' && node.parent !== undefined && node.parent.parent === undefined;
}

function hasSystemKey(live: unknown): boolean {
  return isJsonObject(live) && Object.keys(live).some(isSystemKey);
}

function shapeBelow(shape: Shape, name: string): Shape {
  if (name === '') return shape.item ?? ANY;
  return shape.struct ? fieldShape(shape.struct, name) : (shape.item ?? ANY);
}

function fieldOf(live: unknown, name: string): unknown {
  return isJsonObject(live) ? live[name] : undefined;
}

function itemOf(live: unknown, key: string, shape: Shape): unknown {
  const parsed = parseItemKey(key);
  if (!parsed || !Array.isArray(live)) return undefined;
  const keys = shape.keys.length > 0 ? shape.keys : Object.keys(parsed);
  const wanted = itemKey(parsed, keys);
  return live.find((item) => itemKey(item, keys) === wanted);
}

function pieceOf(key: string, item: unknown, shape: Shape): string {
  if (shape.keys.length > 0 && isJsonObject(item)) {
    const place = itemPlace(item, shape.keys);
    if (place) return place.piece;
  }
  return renderItem(Object.entries(parseItemKey(key) ?? {}));
}

function join(base: string, piece: string): string {
  return base === '' && piece.startsWith('.') ? piece.slice(1) : base + piece;
}
