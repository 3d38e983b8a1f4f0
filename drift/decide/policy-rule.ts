import { MANAGER_CLASSES, type ManagerClass } from '../compare/managers.ts';
import type { ChangeType, Direction, Severity } from '../field-change.ts';
import type { TimeWindow } from '../time-window.ts';

export type PolicyOutcome = 'auto' | 'ask' | 'notify' | 'track';
export type Fix = 'revert' | 'accept';

/** What kind of program made a change. A person's tool says nothing of who the person was. */
export type Actor = ManagerClass | 'unknown';
export const ACTORS: readonly Actor[] = [...MANAGER_CLASSES, 'unknown'];

/** What must hold for a rule to apply. Absent = any; lists are alternatives; all present conditions must hold. */
export type PolicyMatch = {
  readonly environments?: readonly string[];
  /** Slugs of ConfigHub Filters; the unit must be selected by one of them. */
  readonly filters?: readonly string[];
  readonly kinds?: readonly string[];
  readonly namespaces?: readonly string[];
  /** Names of objects; `*` and `?` stand for any characters and for one. */
  readonly names?: readonly string[];
  readonly types?: readonly ChangeType[];
  readonly directions?: readonly Direction[];
  readonly minSeverity?: Severity;
  /** Exactly one of these. */
  readonly severities?: readonly Severity[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Labels of the ConfigHub Set that the unit is in. */
  readonly setLabels?: Readonly<Record<string, string>>;
  /** Field managers, with wildcards as in `names`: one of the changes was written by one of them. */
  readonly managers?: readonly string[];
  /** One of the changes was written by a program of one of these kinds; `unknown` = nobody knows by which. */
  readonly actors?: readonly Actor[];
  /** Comes and goes without us, or does not. */
  readonly flapping?: boolean;
  /** One of them is open when the drift is looked at. */
  readonly times?: readonly TimeWindow[];
};

/** A time in which nothing is fixed by itself; with `bars: all` nothing is approved or accepted either. */
export type Freeze = TimeWindow & { readonly bars: 'auto' | 'all' };

/** Whom to call in when nobody has decided after a part of the time until expiry. */
export type Escalation = { readonly at: number; readonly to: readonly string[] };

export type PolicyRule = {
  readonly name: string;
  readonly match: PolicyMatch;
  readonly outcome: PolicyOutcome;
  /** `with-fix`: a unit behind its upstream is upgraded first. */
  readonly upgrade: 'never' | 'with-fix';
  /** The fix that questions show first. */
  readonly offer: Fix;
  /** Different people needed to approve. */
  readonly quorum: number;
  /** People's names or `role:approver`. Empty = everyone with the role approver. */
  readonly approvers: readonly string[];
  readonly selfApproval: boolean;
  /** Named as approvers are: who may approve alone in an emergency, giving a reason. Absent = nobody. */
  readonly breakGlass?: readonly string[];
  /** Absent = `extra-approver` in production, if there are enough people, `allow` elsewhere; a decision always says it. */
  readonly unknownAuthor?: 'allow' | 'extra-approver';
  readonly expiryMs: number;
  /** Parts of the time until expiry. */
  readonly remindersAt: readonly number[];
  readonly escalation?: Escalation;
  /** After a verified fix a resource is left alone for so long before it is fixed without asking again. */
  readonly coolDownMs: number;
  /** Beyond this many automatic fixes by this rule within an hour people are asked. */
  readonly maxFixesPerHour?: number;
  readonly freezes: readonly Freeze[];
  /** Only says what would be done: nothing is fixed, nobody is asked. */
  readonly dryRun: boolean;
  /** Who is told of this rule's drifts, instead of whom the routes name. */
  readonly receivers?: readonly string[];
};

/** What a rule is matched against; everything here is plain and redacted. */
export type PolicyFacts = {
  readonly environment: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the ConfigHub Set that the unit is in; absent = in none. */
  readonly setLabels?: Readonly<Record<string, string>>;
  /** Slugs of the ConfigHub Filters that select the unit. */
  readonly filters: readonly string[];
  readonly types: readonly ChangeType[];
  readonly severity: Severity;
  readonly direction: Direction;
  /** Field managers that wrote the changes. */
  readonly managers: readonly string[];
  readonly flapping: boolean;
  /** The environment is production, in which so many people may approve. */
  readonly production?: { readonly approvers: number };
  /** When the drift is looked at, milliseconds since the epoch. */
  readonly atMs: number;
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
  offer: 'revert',
  quorum: 1,
  approvers: [],
  selfApproval: false,
  expiryMs: 24 * 3_600_000,
  remindersAt: [0.25, 0.5, 0.9],
  coolDownMs: 0,
  freezes: [],
  dryRun: false,
};

/** What a rule carries out without anybody being asked; a dry run carries nothing out. */
export function isUnasked({ outcome, policy }: PolicyDecision): boolean {
  return outcome === 'auto' && !policy.dryRun;
}

/** An `auto` that people shall decide about after all, and why. */
export function askInstead(decision: PolicyDecision, because: string): PolicyDecision {
  return { ...decision, outcome: 'ask', because };
}
