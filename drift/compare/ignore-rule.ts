import type { ChangeOp, ChangeType, FieldChange, Severity } from '../field-change.ts';
import { parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import type { LabelTest } from '../label-selector.ts';
import { parseLabelSelector } from '../label-selector.ts';
import type { PathPattern } from '../path-pattern.ts';
import { covers, exactness, isFarReaching, parsePathPattern } from '../path-pattern.ts';
import { parseQuantity } from '../quantity.ts';
import type { TextTest } from '../text-pattern.ts';
import { compileGlob } from '../text-pattern.ts';

/**
 * What becomes of a difference that a rule fits: `expected` is no drift and is kept through every fix, `observe` is noted and
 * nothing else, `report` is drift whatever a wider rule or a default says, `approve-always` is drift that people decide on,
 * `severity:low` is drift of that severity.
 */
export type RuleEffect =
  | 'expected'
  | 'observe'
  | 'report'
  | 'approve-always'
  | `severity:${Severity}`;

/** Which objects a rule speaks of. Absent = any; lists are alternatives; all present conditions must hold. */
export type RuleMatch = {
  readonly environments?: readonly string[];
  /** `Deployment` of any group, or `apps/Deployment` (`core/ConfigMap`); `*` and `?` stand for characters. */
  readonly kinds?: readonly string[];
  /** Globs, as are names and units. */
  readonly namespaces?: readonly string[];
  readonly names?: readonly string[];
  readonly units?: readonly string[];
  /** A label selector over the declared labels: whoever edits live labels must not choose the rules. */
  readonly labels?: string;
  /** The same over the declared annotations. */
  readonly annotations?: string;
};

/** Values that a rule expects; outside of them a difference is drift, whatever default would hide it. */
export type RuleBounds = {
  /** Numbers or quantities. */
  readonly min?: number | string;
  readonly max?: number | string;
  readonly oneOf?: readonly (string | number | boolean)[];
  /** Between the limits of the HorizontalPodAutoscaler that desired declares for the object. */
  readonly hpa?: boolean;
};

/** One rule about differences, as configured. It never touches an object. */
export type IgnoreRule = {
  readonly id: string;
  readonly match: RuleMatch;
  /** Field path patterns (`parsePathPattern`); each holds for all that lies below it. */
  readonly paths: readonly string[];
  /** Globs over the last field manager; the subresource through which it wrote. */
  readonly by?: { readonly managers?: readonly string[]; readonly subresource?: string };
  readonly bounds?: RuleBounds;
  /** Default: every op but `object-missing`. */
  readonly ops?: readonly ChangeOp[];
  readonly types?: readonly ChangeType[];
  readonly effect: RuleEffect;
  readonly reason: string;
  /** A date or RFC 3339 time from which the rule holds no more. */
  readonly expires?: string;
};

/** What rules ask about the object of a comparison; all of it from desired, but for the optional live annotations. */
export type RuleSubject = {
  readonly environment: string;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Slug of the declaring unit; '' outside ConfigHub. */
  readonly unit: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly autoscaler?: { readonly min: number; readonly max: number };
};

/** A rule ready to be asked. */
export type CompiledRule = {
  readonly rule: IgnoreRule;
  /** Milliseconds since the epoch; Infinity where it never expires. */
  readonly expiresMs: number;
  /** Rules about one unit come before rules about an environment, these before all others; then the more exact. */
  readonly rank: number;
  isAbout(subject: RuleSubject): boolean;
  /** Whether a difference is at the rule's place and by its writers; its value is not asked about. */
  fits(change: FieldChange): boolean;
  isWithin(change: FieldChange, subject: RuleSubject): boolean;
};

/** Prepares a rule. Throws a SyntaxError that says what cannot be read. */
export function compileIgnoreRule(rule: IgnoreRule): CompiledRule {
  const paths = rule.paths.map(parsePathPattern);
  const matchesSubject = subjectTest(rule.match);
  const managers = rule.by?.managers && anyGlob(rule.by.managers);
  const subresource = rule.by?.subresource;
  const isInBounds = boundsTest(rule.bounds);
  return {
    rule,
    expiresMs: rule.expires === undefined ? Number.POSITIVE_INFINITY : expiryOf(rule.expires),
    rank: rankOf(rule, paths),
    isAbout: matchesSubject,
    fits(change) {
      if (rule.ops ? !rule.ops.includes(change.op) : change.op === 'object-missing') return false;
      if (rule.types && !rule.types.includes(change.type)) return false;
      if (managers && !managers(change.who)) return false;
      if (subresource !== undefined && change.subresource !== subresource) return false;
      return coversChange(paths, change);
    },
    isWithin: (change, subject) => isInBounds(change.live, subject),
  };
}

/** Whether the patterns hold all of a change. */
export function coversChange(paths: readonly PathPattern[], change: FieldChange): boolean {
  return covers(paths, parseFieldPath(change.path), wholeValue(change));
}

/** What came or went as one; a changed field has no value of which a part could be meant. */
function wholeValue({ op, desired, live }: FieldChange): JsonValue | undefined {
  if (op === 'added') return live;
  return op === 'removed' ? desired : undefined;
}

/** Whether a rule reaches so far that it must end some day: no kind is named, or a path holds `**`. */
export function needsExpiry(rule: Pick<IgnoreRule, 'match' | 'paths'>): boolean {
  const { kinds } = rule.match;
  if (!kinds || kinds.some((kind) => kind === '*' || kind === '*/*')) return true;
  return rule.paths.some((path) => isFarReaching(parsePathPattern(path)));
}

/** Whether a rule meets every condition of the match, as a test over subjects. */
function subjectTest(match: RuleMatch): (subject: RuleSubject) => boolean {
  const tests: ((subject: RuleSubject) => boolean)[] = [];
  const { environments, kinds, namespaces, names, units, labels, annotations } = match;
  if (environments) tests.push((subject) => environments.includes(subject.environment));
  if (kinds) {
    const isKind = kinds.map(kindTest);
    tests.push((subject) => isKind.some((test) => test(subject)));
  }
  const globs = [
    [namespaces, 'namespace'],
    [names, 'name'],
    [units, 'unit'],
  ] as const;
  for (const [patterns, field] of globs) {
    const test: TextTest | undefined = patterns && anyGlob(patterns);
    if (test) tests.push((subject) => test(subject[field]));
  }
  const selectors: (readonly [string | undefined, 'labels' | 'annotations'])[] = [
    [labels, 'labels'],
    [annotations, 'annotations'],
  ];
  for (const [selector, field] of selectors) {
    if (selector === undefined) continue;
    const test: LabelTest = parseLabelSelector(selector);
    tests.push((subject) => test(subject[field]));
  }
  return (subject) => tests.every((test) => test(subject));
}

function kindTest(pattern: string): (subject: RuleSubject) => boolean {
  const slash = pattern.lastIndexOf('/');
  const kind = compileGlob(pattern.slice(slash + 1));
  if (slash < 0) return (subject) => kind(subject.kind);
  const group = compileGlob(pattern.slice(0, slash));
  return (subject) => kind(subject.kind) && group(subject.group === '' ? 'core' : subject.group);
}

function anyGlob(globs: readonly string[]): TextTest {
  const tests = globs.map(compileGlob);
  return (text) => tests.some((test) => test(text));
}

function boundsTest(
  bounds: RuleBounds = {},
): (live: JsonValue | undefined, subject: RuleSubject) => boolean {
  const min = boundOf(bounds.min);
  const max = boundOf(bounds.max);
  const { oneOf, hpa } = bounds;
  return (live, { autoscaler }) => {
    if (oneOf && !oneOf.some((one) => one === live)) return false;
    if (min === undefined && max === undefined && hpa !== true) return true;
    const amount = parseQuantity(live);
    if (amount === undefined) return false;
    if ((min !== undefined && amount < min) || (max !== undefined && amount > max)) return false;
    if (hpa !== true) return true;
    if (!autoscaler || typeof live !== 'number') return false;
    return autoscaler.min <= live && live <= autoscaler.max;
  };
}

function boundOf(value: number | string | undefined): bigint | undefined {
  if (value === undefined) return undefined;
  const amount = parseQuantity(value);
  if (amount === undefined) throw new SyntaxError(`"${value}" is neither number nor quantity`);
  return amount;
}

function expiryOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new SyntaxError(`"${text}" is no date such as 2027-01-31`);
  return ms;
}

function rankOf({ match, by, bounds }: IgnoreRule, paths: readonly PathPattern[]): number {
  const level = match.units ? 2 : match.environments ? 1 : 0;
  const { names, namespaces, kinds, labels, annotations } = match;
  const conditions = [names, namespaces, kinds, labels, annotations, by, bounds];
  const given = conditions.filter((one) => one !== undefined).length;
  const exact = Math.min(...paths.map(exactness));
  return level * 1_000_000 + given * 1_000 + exact;
}
