import type { PathSegment } from './field-path.ts';
import { readSegment } from './field-path.ts';
import type { JsonValue } from './json.ts';
import { isJsonObject } from './json.ts';
import type { TextTest } from './text-pattern.ts';
import { compileTextPattern } from './text-pattern.ts';

/** One step of a pattern over field paths. */
type Step =
  | { readonly kind: 'field'; readonly test: TextTest; readonly isExact: boolean }
  /** An item that has these keys with such values; without any, every item. */
  | {
      readonly kind: 'item';
      readonly keys: readonly (readonly [key: string, test: TextTest])[];
      readonly isExact: boolean;
    }
  | { readonly kind: 'any-depth' };

/** The places that a rule speaks of: a field path with wildcards, together with all that lies below it. */
export type PathPattern = { readonly text: string; readonly steps: readonly Step[] };

const MAX_PATTERN_LENGTH = 1024;
const ANYTHING: TextTest = () => true;

/**
 * Reads a pattern: a field path in which `*` is any field, `**` any number of steps, `[*]` any item of a list, `[name=~^istio-]` the
 * items whose key fits a text pattern, `[~^field\.cattle\.io/]` the fields whose name does. Throws a SyntaxError naming the place.
 */
export function parsePathPattern(text: string): PathPattern {
  if (text === '') throw new SyntaxError('a path must not be empty');
  if (text.length > MAX_PATTERN_LENGTH) {
    throw new SyntaxError(`the path is longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  const steps: Step[] = [];
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('[*]', at)) {
      steps.push({ kind: 'item', keys: [], isExact: false });
      at += 3;
    } else if (text.startsWith('[~', at)) {
      const end = text.indexOf(']', at);
      if (end < 0) throw new SyntaxError(`field path "${text}" has no ] after character ${at + 1}`);
      const test = compileTextPattern(text.slice(at + 2, end));
      steps.push({ kind: 'field', test, isExact: false });
      at = end + 1;
    } else {
      const { segment, end } = readSegment(text, at);
      steps.push(stepOf(segment, text[at] === '['));
      at = end;
    }
  }
  return { text, steps };
}

function stepOf(segment: PathSegment, isQuoted: boolean): Step {
  if (segment.kind === 'field') {
    const { name } = segment;
    if (!isQuoted && name === '**') return { kind: 'any-depth' };
    if (!isQuoted && name === '*') return { kind: 'field', test: ANYTHING, isExact: false };
    return { kind: 'field', test: equals(name), isExact: true };
  }
  const keys = segment.keys.map(([key, value]) => {
    const test = value.startsWith('~') ? compileTextPattern(value.slice(1)) : equals(value);
    return [key, test] as const;
  });
  return { kind: 'item', keys, isExact: segment.keys.every(([, value]) => !value.startsWith('~')) };
}

function equals(wanted: string): TextTest {
  return (text) => text === wanted;
}

/** True where the pattern holds `**`: it says little about where it reaches. */
export function isFarReaching({ steps }: PathPattern): boolean {
  return steps.some((step) => step.kind === 'any-depth');
}

/** How exactly a pattern says what it means: more named steps, fewer wildcards. Orders rules that meet at one place. */
export function exactness({ steps }: PathPattern): number {
  let score = 0;
  for (const step of steps) score += step.kind === 'any-depth' ? -4 : step.isExact ? 2 : 1;
  return score;
}

/** Where in the patterns a path has arrived: each state is a pattern and how many of its steps are done. */
type States = readonly { readonly steps: readonly Step[]; readonly done: number }[];

/**
 * Whether the patterns together hold all of a difference: its path or a place above it, or, where something was added or removed
 * as a whole, everything in it. `value` is what was added or removed; undefined for a changed field.
 */
export function covers(
  patterns: readonly PathPattern[],
  path: readonly PathSegment[],
  value: JsonValue | undefined,
): boolean {
  let states: States = withSkips(patterns.map(({ steps }) => ({ steps, done: 0 })));
  for (const segment of path) {
    if (isDone(states)) return true;
    states = advance(states, (step) => fits(step, segment));
    if (states.length === 0) return false;
  }
  return isDone(states) || coversValue(states, value);
}

function coversValue(states: States, value: JsonValue | undefined): boolean {
  if (isDone(states)) return true;
  if (states.length === 0 || value === undefined) return false;
  if (Array.isArray(value)) {
    const items: readonly JsonValue[] = value;
    return (
      items.length > 0 &&
      items.every((item) =>
        coversValue(
          advance(states, (step) => fitsItem(step, item)),
          item,
        ),
      )
    );
  }
  if (!isJsonObject(value)) return false;
  const fields = Object.entries(value);
  return (
    fields.length > 0 &&
    fields.every(([name, child]) =>
      coversValue(
        advance(states, (step) => step.kind === 'field' && step.test(name)),
        child,
      ),
    )
  );
}

function isDone(states: States): boolean {
  return states.some(({ steps, done }) => done === steps.length);
}

function advance(states: States, goesOn: (step: Step) => boolean): States {
  const next: { steps: readonly Step[]; done: number }[] = [];
  for (const { steps, done } of states) {
    const step = steps[done];
    if (step === undefined) continue;
    if (step.kind === 'any-depth') next.push({ steps, done });
    else if (goesOn(step)) next.push({ steps, done: done + 1 });
  }
  return withSkips(next);
}

/** `**` may stand for nothing: each state in front of one is also behind it. No state is there twice, so that few remain. */
function withSkips(states: States): States {
  const all: { steps: readonly Step[]; done: number }[] = [];
  for (const { steps, done } of states) {
    for (let at = done; ; at++) {
      if (!all.some((one) => one.steps === steps && one.done === at)) all.push({ steps, done: at });
      if (steps[at]?.kind !== 'any-depth') break;
    }
  }
  return all;
}

function fits(step: Step, segment: PathSegment): boolean {
  if (segment.kind === 'field') return step.kind === 'field' && step.test(segment.name);
  if (step.kind !== 'item') return false;
  return step.keys.every(([key, test]) =>
    segment.keys.some(([name, value]) => name === key && test(value)),
  );
}

function fitsItem(step: Step, item: JsonValue): boolean {
  if (step.kind !== 'item') return false;
  return step.keys.every(([key, test]) => {
    const value = isJsonObject(item) ? item[key] : undefined;
    return value !== undefined && typeof value !== 'object' && test(String(value));
  });
}
