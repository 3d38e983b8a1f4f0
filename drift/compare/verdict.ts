import type { ChangeOp, FieldChange } from '../field-change.ts';
import { schemaPathOf } from '../field-path.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { ManagedFieldsEntry } from '../resource-ref.ts';
import { classifyChange } from './classify.ts';
import type { Run } from './compare-run.ts';
import type {
  ChangeDirection,
  CompareContext,
  Comparison,
  EquivalenceQuestion,
} from './comparison.ts';
import type { CompiledDesired, PlanNode } from './compile.ts';
import { childOwnedAs, ownedKeyOf } from './compile.ts';
import type { DefaultRuleId } from './default-rules.ts';
import { matches, sameJson } from './equal.ts';
import { classOfManager, writerOf } from './managers.ts';
import { expectedBy } from './noise.ts';
import { isLeaf, liveAt, ownedKeys, ownersOf, pathOf } from './owners.ts';
import { isDefaulted } from './schema-defaults.ts';

/** Says what a difference at a declared field means: whose it is, whether it counts, and which way it points. */
export function judge(run: Run, found: PlanNode, foundLive: unknown): void {
  const lifted = atomicAncestor(run, found);
  const node = lifted?.node ?? found;
  const live = lifted ? lifted.live : foundLive;
  const base = run.context.base;
  const before = base && nodeIn(base, node, run.places);
  const hasMoved = base !== undefined && !(before && sameJson(before.value, node.value));
  const op: ChangeOp = live === undefined ? 'removed' : 'changed';
  const { foreign, expected, ours } = ownersOf(
    node,
    run.entries,
    run.context,
    run.desired.kind,
    run.places,
  );
  const change = { node, live };
  if (isUnset(run, node, live, foreign)) return;
  if (run.context.isEquivalent?.(questionOf(run, change, foreign, ours))) return;
  if (hasMoved && isStillBefore(before, live)) {
    report(run, change, 'pending', ours ?? foreign, 'reverse');
    return;
  }
  if (foreign) {
    report(run, change, op, foreign, 'forward');
    return;
  }
  if (expected) {
    run.expected++;
    excuseWriter(run, change, op, expected);
    return;
  }
  if (ours && !isStringDataRemoval(run, op)) {
    judgeOurs(run, change, op, ours, hasMoved);
    return;
  }
  if (hasMoved && before === undefined) {
    report(run, change, 'pending', undefined, 'reverse');
    return;
  }
  report(run, change, op, undefined, base ? 'forward' : 'unknown');
}

/** A declared zero of a field that does not keep zeros means "not set": the server filled in or allocated a value. */
function isUnset(
  run: Run,
  node: PlanNode,
  live: unknown,
  foreign: ManagedFieldsEntry | undefined,
): boolean {
  if (!node.isZero || node.parent === undefined || !run.desired.isBuiltIn) return false;
  const parent = liveAt(run.live, node.parent, run.places);
  const root = run.live as unknown as JsonObject;
  if (isDefaulted(node.name, node.shape, node.parent.shape, live, parent, root)) return true;
  return foreign === undefined && ALLOCATED_FIELDS.has(node.name);
}

/** What the API server allocates where a manifest says 0 or "". */
const ALLOCATED_FIELDS: ReadonlySet<string> = new Set([
  'nodePort',
  'clusterIP',
  'healthCheckNodePort',
]);

type Difference = { readonly node: PlanNode; readonly live: unknown };

/** Only our applier owns the field: rewritten on the way in, not applied yet, or written by somebody in our name. */
function judgeOurs(
  run: Run,
  change: Difference,
  op: ChangeOp,
  ours: ManagedFieldsEntry,
  hasMoved: boolean,
): void {
  const { base, lastApplyTime, unexplained } = run.context;
  if (hasMoved) {
    report(run, change, 'pending', ours, 'reverse');
    return;
  }
  const isBorrowed =
    lastApplyTime !== undefined && ours.time !== undefined && ours.time > lastApplyTime;
  if (isBorrowed) {
    report(run, change, op, ours, 'forward', 'low');
    return;
  }
  if (base !== undefined || unexplained === 'rewritten') {
    run.serverRewritten++;
    run.context.onRewritten?.(pairOf(run, change.node, change.live));
    return;
  }
  report(run, change, op, ours, 'unknown', 'low');
}

/** Live holds what was applied before desired moved on. */
function isStillBefore(before: PlanNode | undefined, live: unknown): boolean {
  if (before === undefined) return live === undefined;
  return live === undefined ? before.isZero : matches(before, live);
}

/** Applied stringData stays owned after its key is deleted from data, so it explains no removal. */
function isStringDataRemoval(run: Run, op: ChangeOp): boolean {
  return op === 'removed' && run.desired.kind === 'Secret';
}

/** Adds a change at a declared field, once per path. */
function report(
  run: Run,
  { node, live }: Difference,
  op: ChangeOp,
  writer: ManagedFieldsEntry | undefined,
  direction: ChangeDirection,
  confidence?: FieldChange['confidence'],
): void {
  const path = pathOf(node, run.places);
  addChange(run, { path, op, desired: node.value, live }, writer, direction, confidence);
}

/** A difference with its place and values, not yet classified. */
export type Found = {
  readonly path: string;
  readonly op: ChangeOp;
  readonly desired: JsonValue | undefined;
  readonly live: unknown;
};

/** Adds a change with its type, severity and writer, unless the path already has one. */
export function addChange(
  run: Run,
  found: Found,
  writer: ManagedFieldsEntry | undefined,
  direction: ChangeDirection,
  confidence?: FieldChange['confidence'],
): void {
  run.reported ??= new Set();
  if (run.reported.has(found.path)) return;
  run.reported.add(found.path);
  run.directions.push(direction);
  run.changes.push(changeOf(run, found, writer, confidence));
}

/** Notes a difference that a default rule hides, where the caller wants to know of those: rules may decide otherwise. */
export function excuse(
  run: Run,
  found: Found,
  writer: ManagedFieldsEntry | undefined,
  direction: ChangeDirection,
  rule: DefaultRuleId,
): void {
  if (run.context.collectExcused !== true) return;
  run.excused ??= [];
  if (run.excused.some((one) => one.change.path === found.path)) return;
  run.excused.push({ change: changeOf(run, found, writer), direction, rule });
}

function excuseWriter(
  run: Run,
  { node, live }: Difference,
  op: ChangeOp,
  writer: ManagedFieldsEntry,
): void {
  if (run.context.collectExcused !== true) return;
  const { kind } = run.desired;
  const rule = expectedBy(writer, classOfManager(writer.manager ?? ''), kind, node.name);
  const found = { path: pathOf(node, run.places), op, desired: node.value, live };
  if (rule) excuse(run, found, writer, 'forward', rule);
}

/** Notes an annotation or label that is history, whichever way it differs. */
export function excuseHistory(run: Run, node: PlanNode, live: unknown): void {
  if (run.context.collectExcused !== true) return;
  const op = live === undefined ? 'removed' : 'changed';
  const found = { path: pathOf(node, run.places), op, desired: node.value, live } as const;
  const { foreign, expected, ours } = ownersOf(
    node,
    run.entries,
    run.context,
    run.desired.kind,
    run.places,
  );
  const writer = foreign ?? expected ?? ours;
  excuse(run, found, writer, foreign ? 'forward' : 'unknown', 'default/history-annotations');
}

function changeOf(
  run: Run,
  found: Found,
  writer: ManagedFieldsEntry | undefined,
  confidence?: FieldChange['confidence'],
): FieldChange {
  const who = writer ? writerOf(writer) : 'unknown';
  const live = found.live as JsonValue | undefined;
  const { apiVersion, kind } = run.desired;
  const { type, severity } = classifyChange({ apiVersion, kind, ...found, live });
  const known = who === 'unknown' ? (run.entries.length > 0 ? 'medium' : 'low') : 'high';
  return {
    path: found.path,
    op: found.op,
    ...(found.desired === undefined ? {} : { desired: found.desired }),
    ...(live === undefined ? {} : { live }),
    type,
    severity,
    who,
    ...(writer?.time === undefined ? {} : { when: writer.time }),
    ...(writer?.subresource === undefined ? {} : { subresource: writer.subresource }),
    confidence: confidence ?? known,
  };
}

/** The comparison of a declared object that does not exist. */
export function missingObject(desired: CompiledDesired, context: CompareContext): Comparison {
  const op: ChangeOp = context.neverApplied ? 'pending' : 'object-missing';
  const { type, severity } = classifyChange({
    apiVersion: desired.apiVersion,
    kind: desired.kind,
    path: '',
    op,
    desired: undefined,
    live: undefined,
  });
  const change: FieldChange = {
    path: '',
    op,
    type,
    severity,
    who: 'unknown',
    confidence: context.neverApplied ? 'high' : 'medium',
  };
  const direction = context.neverApplied ? 'reverse' : context.base ? 'forward' : 'unknown';
  const directions = [direction] as const;
  return { changes: [change], directions, direction, severity, serverRewritten: 0, expected: 0 };
}

/** The node at the same place in another compiled object. */
function nodeIn(
  other: CompiledDesired,
  node: PlanNode,
  places: Run['places'],
): PlanNode | undefined {
  let at: PlanNode | undefined = other.root;
  for (const key of ownedKeys(node, places)) at = at && declaredChild(at, key);
  return at;
}

/** The declared child with this fieldsV1 key; items of lists without a schema are found by the keys that it names. */
export function declaredChild(node: PlanNode, key: string): PlanNode | undefined {
  const known = childOwnedAs(node, key);
  if (known || node.shape.kind !== 'any' || !key.startsWith('k:')) return known;
  return node.children.find((child) => {
    const item = child.value;
    if (!isJsonObject(item)) return false;
    const names = Object.keys(JSON.parse(key.slice(2)) as object);
    return (
      key === `k:${JSON.stringify(Object.fromEntries(names.map((name) => [name, item[name]])))}`
    );
  });
}

/** In custom resources an object may be owned as one (`f:config: {}`): then it is reported as one. */
function atomicAncestor(run: Run, node: PlanNode): Difference | undefined {
  if (run.desired.isBuiltIn) return undefined;
  const trail: PlanNode[] = [];
  for (let at: PlanNode = node; at.parent !== undefined; at = at.parent) trail.unshift(at);
  for (const entry of run.entries) {
    let fields: unknown = entry.fieldsV1;
    let live: unknown = run.live;
    for (const step of trail) {
      const key = run.places.get(step)?.ownedAs ?? ownedKeyOf(step);
      fields = isJsonObject(fields) ? fields[key] : undefined;
      live = isJsonObject(live) && step.name !== '' ? live[step.name] : undefined;
      if (fields === undefined || step === node || live === undefined) break;
      if (isLeaf(fields) && isJsonObject(live)) return { node: step, live };
    }
  }
  return undefined;
}

function pairOf(run: Run, node: PlanNode, live: unknown): EquivalenceQuestion {
  const { apiVersion, kind } = run.desired;
  const schemaPath = schemaPathOf(pathOf(node, run.places));
  return { apiVersion, kind, schemaPath, desired: node.value, live };
}

/** What another wrote, or took away, may mean another thing on another object: there only this object's own confirmation counts. */
function questionOf(
  run: Run,
  { node, live }: Difference,
  foreign: ManagedFieldsEntry | undefined,
  ours: ManagedFieldsEntry | undefined,
): EquivalenceQuestion {
  const pair = pairOf(run, node, live);
  if (!foreign && (live !== undefined || ours)) return pair;
  const { namespace = '', name } = run.live.metadata;
  return { ...pair, object: `${namespace}/${name}` };
}
