import { stripWhitespace } from '../base64.ts';
import { isJsonObject } from '../json.ts';
import { parseQuantity } from '../quantity.ts';
import type { PlanNode } from './compile.ts';
import { itemKey } from './compile.ts';

/** True when a scalar of live means what desired says: same JSON, or one of the forms that the API server rewrites. */
export function sameScalar(node: PlanNode, live: unknown): boolean {
  const { value } = node;
  if (live === value) return true;
  if (live === null || live === undefined) return node.isZero;
  switch (node.shape.kind) {
    case 'quantity':
      return node.quantity !== undefined && node.quantity === parseQuantity(live);
    case 'int-or-string':
      return (
        (isPrimitive(live) && String(live) === String(value)) ||
        // Many CustomResourceDefinitions say of a quantity no more than this.
        (node.quantity !== undefined && node.quantity === parseQuantity(live))
      );
    case 'bytes':
      return typeof live === 'string' && stripWhitespace(live) === (value ?? '');
    case 'any':
      if (node.quantity !== undefined && node.quantity === parseQuantity(live)) return true;
      return sameDuration(value, live);
    default:
      // A null in a map of texts is stored as the empty text.
      return value === null && live === '';
  }
}

/**
 * True when live holds what the node declares. Objects may hold more (defaults appear there), lists inside an atomic field
 * are ordered and of the same length, maps that are atomic have exactly the declared keys.
 */
export function matches(node: PlanNode, live: unknown): boolean {
  const { value, shape } = node;
  if (live === value || node.isNull) return true;
  if (live === undefined || live === null) return node.isZero;
  if (Array.isArray(value)) return Array.isArray(live) && matchesList(node, live);
  if (!isJsonObject(value)) return sameScalar(node, live);
  if (!isJsonObject(live)) return false;
  const { names, children } = node;
  for (let at = 0; at < children.length; at++) {
    const child = children[at];
    const name = names[at];
    if (child && name !== undefined && !matches(child, live[name])) return false;
  }
  if (shape.kind === 'atomic-map' || (shape.kind === 'map' && isInsideAtomic(node))) {
    for (const key in live) if (value[key] === undefined) return false;
  }
  return true;
}

function matchesList(node: PlanNode, live: readonly unknown[]): boolean {
  const { children, shape } = node;
  if (shape.kind === 'set') return sameSet(node, live);
  if (live.length !== children.length) return false;
  if (shape.kind !== 'keyed-list') {
    for (let at = 0; at < children.length; at++) {
      const child = children[at];
      if (child && !matches(child, live[at])) return false;
    }
    return true;
  }
  return children.every((child, at) => {
    const key = node.names[at];
    return matches(
      child,
      live.find((item) => itemKey(item, shape.keys) === key),
    );
  });
}

/** True when two lists hold the same members, in any order. */
export function sameSet(node: PlanNode, live: readonly unknown[]): boolean {
  if (live.length !== node.children.length) return false;
  return node.children.every((child) => live.some((member) => matches(child, member)));
}

/** Deep equality of plain JSON: whether desired itself moved between two revisions. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, at) => sameJson(item, right[at]))
    );
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => name in right && sameJson(left[name], right[name]))
  );
}

/** Label selectors and their like: a map somewhere below an atomic field is part of that field's value. */
function isInsideAtomic(node: PlanNode): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (at.shape.kind === 'atomic-struct' || at.shape.kind === 'atomic-list') return true;
  }
  return false;
}

function isPrimitive(value: unknown): value is string | number | boolean {
  return typeof value !== 'object';
}

const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;
const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** `60m` and `1h0m0s`: controllers rewrite Go durations of custom resources in their longest form. */
function sameDuration(left: unknown, right: unknown): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  if (!DURATION.test(left) || !DURATION.test(right)) return false;
  return nanoseconds(left) === nanoseconds(right);
}

function nanoseconds(duration: string): number {
  let total = 0;
  for (const [, amount, unit] of duration.matchAll(DURATION_PART)) {
    total += Number(amount) * (NANOSECONDS[unit ?? ''] ?? 0);
  }
  return total;
}
