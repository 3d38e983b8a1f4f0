import type { ChangeType, Direction, Severity } from './field-change.ts';
import { severityRank } from './field-change.ts';

export type PolicyOutcome = 'auto' | 'ask' | 'notify' | 'track';
export type Fix = 'revert' | 'accept';

/** What must hold for a rule to apply. Absent = any; lists are alternatives; all present conditions must hold. */
export type PolicyMatch = {
  readonly environments?: readonly string[];
  /** Slugs of ConfigHub Filters; the unit must be selected by one of them. */
  readonly filters?: readonly string[];
  readonly kinds?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly types?: readonly ChangeType[];
  readonly directions?: readonly Direction[];
  readonly minSeverity?: Severity;
  readonly labels?: Readonly<Record<string, string>>;
};

export type PolicyRule = {
  readonly name: string;
  readonly match: PolicyMatch;
  readonly outcome: PolicyOutcome;
  /** `with-fix`: a unit behind its upstream is upgraded first. */
  readonly upgrade: 'never' | 'with-fix';
  /** Different people needed to approve. */
  readonly quorum: number;
  /** People's names or `role:approver`. Empty = everyone with the role approver. */
  readonly approvers: readonly string[];
  readonly selfApproval: boolean;
  readonly unknownAuthor: 'allow' | 'extra-approver';
  readonly expiryMs: number;
  readonly remindersAt: readonly number[];
};

/** What a rule is matched against; everything here is plain and redacted. */
export type PolicyFacts = {
  readonly environment: string;
  readonly kind: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Slugs of the ConfigHub Filters that select the unit. */
  readonly filters: readonly string[];
  readonly types: readonly ChangeType[];
  readonly severity: Severity;
  readonly direction: Direction;
  /** Why this drift is never fixed without a person, whatever the rule says (`reservedForPeople`). */
  readonly reserved?: string;
};

export type PolicyDecision = {
  readonly rule: string;
  readonly outcome: PolicyOutcome;
  /** Why the outcome differs from the rule's own, e.g. `AUTO_FIX is off`. */
  readonly because?: string;
  readonly policy: PolicyRule;
};

/** Used when no rule matches: it writes nothing by itself, and people can still decide. */
export const DEFAULT_RULE: PolicyRule = {
  name: 'default',
  match: {},
  outcome: 'ask',
  upgrade: 'never',
  quorum: 1,
  approvers: [],
  selfApproval: false,
  unknownAuthor: 'allow',
  expiryMs: 24 * 3_600_000,
  remindersAt: [0.25, 0.5, 0.9],
};

/** The first rule that matches decides; `auto` acts as `ask` with `autoFix` off, and for what is reserved for people. */
export function decide(
  rules: readonly PolicyRule[],
  facts: PolicyFacts,
  autoFix: boolean,
): PolicyDecision {
  const rule = rules.find((one) => mismatch(one.match, facts) === undefined) ?? DEFAULT_RULE;
  const because = autoFix ? facts.reserved : 'AUTO_FIX is off';
  if (rule.outcome === 'auto' && because !== undefined) {
    return { rule: rule.name, outcome: 'ask', because, policy: rule };
  }
  return { rule: rule.name, outcome: rule.outcome, policy: rule };
}

/** Why a rule does not match, as a sentence; undefined when it does. */
export function mismatch(match: PolicyMatch, facts: PolicyFacts): string | undefined {
  if (match.environments && !match.environments.includes(facts.environment)) {
    return `environment ${facts.environment} is none of ${match.environments.join(', ')}`;
  }
  if (match.filters && !match.filters.some((slug) => facts.filters.includes(slug))) {
    return `the unit is selected by none of the filters ${match.filters.join(', ')}`;
  }
  if (match.kinds && !match.kinds.includes(facts.kind)) {
    return `kind ${facts.kind} is none of ${match.kinds.join(', ')}`;
  }
  if (match.namespaces && !match.namespaces.includes(facts.namespace)) {
    return `namespace ${facts.namespace} is none of ${match.namespaces.join(', ')}`;
  }
  if (match.types && !match.types.some((type) => facts.types.includes(type))) {
    return `no change is of type ${match.types.join(', ')}`;
  }
  if (match.directions && !match.directions.includes(facts.direction)) {
    return `direction ${facts.direction} is none of ${match.directions.join(', ')}`;
  }
  if (match.minSeverity && severityRank(facts.severity) < severityRank(match.minSeverity)) {
    return `severity ${facts.severity} is below ${match.minSeverity}`;
  }
  for (const [key, value] of Object.entries(match.labels ?? {})) {
    if (facts.labels[key] !== value) return `label ${key} is not ${value}`;
  }
  return undefined;
}
