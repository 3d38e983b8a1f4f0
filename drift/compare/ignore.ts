import type { ChangeType, FieldChange, Severity } from '../field-change.ts';
import { SEVERITIES } from '../field-change.ts';
import type { PathPattern } from '../path-pattern.ts';
import { parsePathPattern } from '../path-pattern.ts';
import { summarised } from './compare.ts';
import type { ChangeDirection, Comparison } from './comparison.ts';
import type { DefaultRuleId } from './default-rules.ts';
import { defaultRule } from './default-rules.ts';
import type { CompiledRule, IgnoreRule, RuleMatch, RuleSubject } from './ignore-rule.ts';
import { compileIgnoreRule, coversChange } from './ignore-rule.ts';

/** Says how bad changes are that are drift in any case. */
export type SeverityRule = {
  readonly match: RuleMatch & {
    readonly types?: readonly ChangeType[];
    readonly paths?: readonly string[];
  };
  readonly severity: Severity;
};

/** All rules of a configuration, compiled once. */
export type CompiledRules = {
  /** The one that decides comes first. */
  readonly ignore: readonly CompiledRule[];
  /** In the order of the configuration; the first one that fits decides. */
  readonly severities: readonly { readonly compiled: CompiledRule; readonly severity: Severity }[];
  /** Whether annotations of the desired object count. */
  readonly annotations: boolean;
};

/** A difference that is not drift, and the rule that says so. */
export type IgnoredChange = {
  readonly change: FieldChange;
  /** Id of the rule, of a default one (`default/…`), or `annotation`. */
  readonly rule: string;
  readonly effect: 'expected' | 'observe';
  readonly reason: string;
};

/** A comparison after the rules: `changes` are what counts. */
export type RuledComparison = Comparison & {
  readonly ignored?: readonly IgnoredChange[];
  /** Why a person must decide, by a rule with `approve-always`. */
  readonly approval?: string;
  /** Configured rules that decided something, each once. */
  readonly hits?: readonly { readonly rule: string; readonly path: string }[];
  /** Annotations that cannot be read, as sentences. */
  readonly problems?: readonly string[];
};

/** On the desired object: its fields, separated by commas, that are never drift. */
const IGNORE_FIELDS_ANNOTATION = 'realign.dev/ignore-fields';
/** On the desired object, with the value `true`: nothing about it is drift, not even that it is missing. */
const IGNORE_ANNOTATION = 'realign.dev/ignore';
const ANNOTATION_RULE = 'annotation';
const MAX_ANNOTATED_PATHS = 50;

export const NO_RULES: CompiledRules = { ignore: [], severities: [], annotations: true };

/** Compiles rules and puts them in the order in which they decide. Throws a SyntaxError for what cannot be read. */
export function compileIgnoreRules(
  rules: readonly IgnoreRule[],
  severities: readonly SeverityRule[] = [],
  annotations = true,
): CompiledRules {
  return {
    // Stable: of equally exact rules the earlier one decides.
    ignore: rules.map(compileIgnoreRule).sort((a, b) => b.rank - a.rank),
    severities: severities.map((one, at) => ({
      compiled: compileIgnoreRule(asRule(one, at)),
      severity: one.severity,
    })),
    annotations,
  };
}

function asRule({ match, severity }: SeverityRule, at: number): IgnoreRule {
  const { types, paths = ['**'], ...rest } = match;
  return {
    id: `severities[${at}]`,
    match: rest,
    paths,
    ops: ['changed', 'removed', 'added', 'object-missing'],
    ...(types && { types }),
    effect: `severity:${severity}`,
    reason: '',
  };
}

type Verdict =
  | { readonly kind: 'count'; readonly severity?: Severity; readonly approval?: string }
  | { readonly kind: 'ignore'; readonly ignored: Omit<IgnoredChange, 'change'> };

/**
 * Applies rules to what a comparison found. Each difference is decided by: a rule with `approve-always`; else the object's own
 * annotation; else the most exact rule that fits; else the default rule that had hidden it. A rule whose bounds do not hold
 * still decides: then it is drift. Without any difference this returns the comparison as it is and asks nothing.
 */
export function applyIgnoreRules(
  comparison: Comparison,
  rules: CompiledRules,
  subjectOf: () => RuleSubject,
  nowMs: number,
): RuledComparison {
  const { changes, excused = [] } = comparison;
  if (changes.length === 0 && excused.length === 0) return comparison;
  const subject = subjectOf();
  const about = rules.ignore.filter((one) => nowMs < one.expiresMs && one.isAbout(subject));
  const own = rules.annotations ? readAnnotations(subject) : NO_ANNOTATIONS;
  const outcome = startOutcome();
  const decide = (change: FieldChange, direction: ChangeDirection, hiddenBy?: DefaultRuleId) => {
    const deciding = decidingRule(about, change, subject);
    if (deciding) outcome.hits.push({ rule: deciding.compiled.rule.id, path: change.path });
    const verdict = verdictOn(change, deciding, own, hiddenBy);
    settle(outcome, change, direction, verdict, (one) => severityFor(rules, one, subject));
  };
  for (const [at, change] of changes.entries()) {
    decide(change, comparison.directions[at] ?? 'unknown');
  }
  for (const { change, direction, rule } of excused) decide(change, direction, rule);
  return finished(comparison, outcome, own.problems);
}

type Outcome = {
  readonly changes: FieldChange[];
  readonly directions: ChangeDirection[];
  readonly ignored: IgnoredChange[];
  readonly hits: { rule: string; path: string }[];
  approval: string | undefined;
};

function startOutcome(): Outcome {
  return { changes: [], directions: [], ignored: [], hits: [], approval: undefined };
}

function settle(
  outcome: Outcome,
  change: FieldChange,
  direction: ChangeDirection,
  verdict: Verdict,
  severityFor: (change: FieldChange) => Severity,
): void {
  if (verdict.kind === 'ignore') {
    outcome.ignored.push({ change, ...verdict.ignored });
    return;
  }
  const severity = verdict.severity ?? severityFor(change);
  outcome.changes.push(severity === change.severity ? change : { ...change, severity });
  outcome.directions.push(direction);
  outcome.approval ??= verdict.approval;
}

function finished(
  comparison: Comparison,
  { changes, directions, ignored, hits, approval }: Outcome,
  problems: readonly string[],
): RuledComparison {
  return {
    ...comparison,
    ...summarised(changes, directions),
    ...(ignored.length > 0 && { ignored }),
    ...(hits.length > 0 && { hits }),
    ...(approval !== undefined && { approval }),
    ...(problems.length > 0 && { problems }),
  };
}

type Deciding = { readonly compiled: CompiledRule; readonly isWithin: boolean };

/** The first rule that fits; one that leaves a decision to people beats all, within its bounds. */
function decidingRule(
  about: readonly CompiledRule[],
  change: FieldChange,
  subject: RuleSubject,
): Deciding | undefined {
  let first: Deciding | undefined;
  for (const compiled of about) {
    const isApproval = compiled.rule.effect === 'approve-always';
    if ((first !== undefined && !isApproval) || !compiled.fits(change)) continue;
    const isWithin = compiled.isWithin(change, subject);
    if (isApproval && !isWithin) continue;
    if (isApproval) return { compiled, isWithin };
    first = { compiled, isWithin };
  }
  return first;
}

function verdictOn(
  change: FieldChange,
  deciding: Deciding | undefined,
  own: Annotated,
  hiddenBy: DefaultRuleId | undefined,
): Verdict {
  const rule = deciding?.compiled.rule;
  if (rule?.effect === 'approve-always') {
    return { kind: 'count', approval: `rule ${rule.id} leaves it to people: ${rule.reason}` };
  }
  if (own.holds(change)) return { kind: 'ignore', ignored: BY_ANNOTATION };
  if (rule && deciding) {
    const { id, effect, reason } = rule;
    if (!deciding.isWithin || effect === 'report') return { kind: 'count' };
    if (effect === 'expected' || effect === 'observe') {
      return { kind: 'ignore', ignored: { rule: id, effect, reason } };
    }
    const severity = SEVERITIES.find((one) => effect === `severity:${one}`);
    return { kind: 'count', ...(severity && { severity }) };
  }
  if (hiddenBy === undefined) return { kind: 'count' };
  const { reason = '', isKept = false } = defaultRule(hiddenBy) ?? {};
  const effect = isKept ? 'expected' : 'observe';
  return { kind: 'ignore', ignored: { rule: hiddenBy, effect, reason } };
}

function severityFor(rules: CompiledRules, change: FieldChange, subject: RuleSubject): Severity {
  const found = rules.severities.find(
    ({ compiled }) => compiled.isAbout(subject) && compiled.fits(change),
  );
  return found?.severity ?? change.severity;
}

type Annotated = {
  holds(change: FieldChange): boolean;
  readonly problems: readonly string[];
};

const NO_ANNOTATIONS: Annotated = { holds: () => false, problems: [] };
const BY_ANNOTATION = {
  rule: ANNOTATION_RULE,
  effect: 'expected',
  reason: 'the declared object says so',
} as const;

function readAnnotations({ annotations }: RuleSubject): Annotated {
  if (annotations[IGNORE_ANNOTATION] === 'true') return { holds: () => true, problems: [] };
  const listed = annotations[IGNORE_FIELDS_ANNOTATION];
  if (listed === undefined) return NO_ANNOTATIONS;
  const paths: PathPattern[] = [];
  const problems: string[] = [];
  const texts = splitPaths(listed);
  if (texts.length > MAX_ANNOTATED_PATHS) {
    problems.push(
      `annotation ${IGNORE_FIELDS_ANNOTATION}: only its first ${MAX_ANNOTATED_PATHS} paths count`,
    );
  }
  for (const text of texts.slice(0, MAX_ANNOTATED_PATHS)) {
    try {
      paths.push(parsePathPattern(text));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.push(`annotation ${IGNORE_FIELDS_ANNOTATION}: ${why}`);
    }
  }
  const holds = (change: FieldChange) =>
    change.op !== 'object-missing' && coversChange(paths, change);
  return { holds, problems };
}

/** By commas outside of brackets and quotes: `a.b, ports[port=80,protocol=TCP]`. Nothing is dropped: what is left open is refused. */
function splitPaths(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let isInside = false;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isQuoted && char === '\\') at++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && char === '[') isInside = true;
    else if (!isQuoted && char === ']') isInside = false;
    else if (!isInside && char === ',') {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)].map((part) => part.trim()).filter((part) => part !== '');
}

/** What a fix meets in the cluster: every declared field that is not as desired, and the rule that keeps its live value. */
export function differences(
  ruled: RuledComparison,
): readonly { readonly change: FieldChange; readonly keptBy?: string }[] {
  const counted = ruled.changes.map((change) => ({ change }));
  const kept = (ruled.ignored ?? []).flatMap(({ change, rule, effect }) => {
    // What desired does not declare, no apply touches.
    if (change.op === 'added') return [];
    return [effect === 'expected' ? { change, keptBy: rule } : { change }];
  });
  return [...counted, ...kept];
}
