import type { FieldChange } from '../field-change.ts';
import { severityRank, worstSeverity } from '../field-change.ts';
import { isJsonObject } from '../json.ts';
import type { KubeObject } from '../resource-ref.ts';
import { findForeignAdditions, findOwnLeftovers, findPendingRemovals } from './additions.ts';
import { directionOf } from './classify.ts';
import type { Run } from './compare-run.ts';
import type { ChangeDirection, CompareContext, Comparison } from './comparison.ts';
import type { CompiledDesired, PlanNode } from './compile.ts';
import { itemKey, itemPlace } from './compile.ts';
import { matches, sameScalar, sameSet } from './equal.ts';
import { learnListKind } from './list-keys.ts';
import { isHistoryKey, isMetadataMap } from './noise.ts';
import { entriesOf } from './owners.ts';
import { findUntrackedAdditions } from './untracked.ts';
import { excuseHistory, judge, missingObject } from './verdict.ts';

export type { CompareContext, Comparison, EquivalenceQuestion } from './comparison.ts';

const NO_PLACES: Run['places'] = new Map();
const NOTHING: Comparison = Object.freeze({
  changes: Object.freeze([]),
  directions: Object.freeze([]),
  direction: 'unknown',
  severity: 'info',
  serverRewritten: 0,
  expected: 0,
});
/** Keyed lists longer than this get an index when live has another order. */
const SEARCH_LIMIT = 16;

/**
 * Compares one live object with its compiled desired state. Pure and local: cost grows with the size of desired and of the
 * foreign entries in managedFields. `live` undefined means that the object does not exist. `direction` is `unknown` when
 * there are no changes.
 */
export function compare(
  desired: CompiledDesired,
  live: KubeObject | undefined,
  context: CompareContext,
): Comparison {
  if (live === undefined) return missingObject(desired, context);
  const run: Run = {
    desired,
    live,
    context,
    entries: entriesOf(live),
    places: NO_PLACES,
    changes: [],
    directions: [],
    reported: undefined,
    excused: undefined,
    serverRewritten: 0,
    expected: 0,
  };
  walkObject(run, desired.root, live);
  if (run.entries.length > 0) findForeignAdditions(run);
  else findUntrackedAdditions(run);
  if (context.base === undefined) findOwnLeftovers(run);
  else if (context.base !== desired) findPendingRemovals(run, context.base);
  else if (context.lastApplyTime !== undefined) findOwnLeftovers(run);
  const { changes, directions, serverRewritten, expected, excused } = run;
  if (changes.length === 0 && serverRewritten === 0 && expected === 0 && !excused) return NOTHING;
  return {
    ...summarised(changes, directions),
    serverRewritten,
    expected,
    ...(excused && { excused }),
  };
}

/** Changes with where they point, worst first, and what they come to together. */
export function summarised(
  changes: readonly FieldChange[],
  directions: readonly ChangeDirection[],
): Pick<Comparison, 'changes' | 'directions' | 'direction' | 'severity'> {
  const order = changes.map((change, at) => ({ change, direction: directions[at] ?? 'unknown' }));
  order.sort((a, b) => severityRank(b.change.severity) - severityRank(a.change.severity));
  return {
    changes: order.map((one) => one.change),
    directions: order.map((one) => one.direction),
    direction: directionOf(directions),
    severity: worstSeverity(changes.map((change) => change.severity)),
  };
}

function walk(run: Run, node: PlanNode, live: unknown): void {
  const { value } = node;
  if (live === value) return;
  if (typeof value !== 'object') {
    if (!sameScalar(node, live)) differ(run, node, live);
    return;
  }
  if (value === null) {
    walkNull(run, node, live);
    return;
  }
  if (live === undefined || live === null) {
    if (!node.isZero) differ(run, node, undefined);
    return;
  }
  switch (node.shape.kind) {
    case 'struct':
    case 'map':
      walkObject(run, node, live);
      return;
    case 'keyed-list':
      walkKeyedList(run, node, live, node.names, node.shape.keys);
      return;
    case 'set':
      if (!Array.isArray(live) || !sameSet(node, live)) differ(run, node, live);
      return;
    case 'any':
      if (!Array.isArray(value)) {
        walkObject(run, node, live);
        return;
      }
      walkUnknownList(run, node, live);
      return;
    default:
      if (!matches(node, live)) differ(run, node, live);
  }
}

/** A declared null says nothing, except in maps of texts, where the server stores it as the empty text. */
function walkNull(run: Run, node: PlanNode, live: unknown): void {
  const isMapEntry = node.parent?.shape.kind === 'map';
  if (isMapEntry && live !== undefined && live !== null && live !== '') differ(run, node, live);
}

function walkObject(run: Run, node: PlanNode, live: unknown): void {
  if (!isJsonObject(live)) {
    differ(run, node, live);
    return;
  }
  const { names, children } = node;
  for (let at = 0; at < children.length; at++) {
    const child = children[at];
    const name = names[at];
    if (child === undefined || name === undefined) continue;
    const held = live[name];
    if (held !== child.value) walk(run, child, held);
  }
}

function walkKeyedList(
  run: Run,
  node: PlanNode,
  live: unknown,
  names: readonly string[],
  keys: readonly string[],
): void {
  if (!Array.isArray(live)) {
    differ(run, node, live);
    return;
  }
  let index: Map<string, unknown> | undefined;
  const { children } = node;
  for (let at = 0; at < children.length; at++) {
    const child = children[at];
    const name = names[at];
    if (child === undefined || name === undefined) continue;
    let item: unknown = live[at];
    if (itemKey(item, keys) !== name) {
      if (live.length > SEARCH_LIMIT) {
        index ??= new Map(live.map((one) => [itemKey(one, keys) ?? '', one]));
        item = index.get(name);
      } else item = live.find((one) => itemKey(one, keys) === name);
    }
    walk(run, child, item);
  }
}

/** A list of a custom resource: keyed, set or atomic is learned from how managedFields own it. */
function walkUnknownList(run: Run, node: PlanNode, live: unknown): void {
  if (!Array.isArray(live)) {
    differ(run, node, live);
    return;
  }
  const learned = learnListKind(run, node, live);
  if (learned === 'set') {
    if (!sameSet(node, live)) differ(run, node, live);
    return;
  }
  if (learned === 'atomic') {
    if (!matches(node, live)) differ(run, node, live);
    return;
  }
  const names: string[] = [];
  if (run.places === NO_PLACES) run.places = new Map();
  for (const child of node.children) {
    const place = itemPlace(child.value, learned);
    if (place) run.places.set(child, place);
    names.push(itemKey(child.value, learned) ?? '');
  }
  walkKeyedList(run, node, live, names, learned);
}

function differ(run: Run, node: PlanNode, live: unknown): void {
  const isHistory =
    (node.parent && isMetadataMap(node.parent) && isHistoryKey(node.name)) ||
    (isMetadataMap(node) && live === undefined && node.names.every(isHistoryKey));
  if (isHistory) excuseHistory(run, node, live);
  else judge(run, node, live);
}
