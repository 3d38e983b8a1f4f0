import type { Direction, FieldChange, Severity } from '../field-change.ts';
import type { ResourceRef } from '../resource-ref.ts';
import type { Interval } from '../time-window.ts';
import type { Fight } from './fight.ts';
import type { Plan } from './plan.ts';
import type { Fix, PolicyOutcome } from './policy.ts';

export type DriftStatus = 'active' | 'resolved' | 'none';
export type Decision = 'approve' | 'reject' | 'accept' | 'snooze';
/** How an episode stands or ended, as the demo's JSON and the record say it. */
export type Outcome =
  | 'detecting'
  | 'waiting'
  | 'fixing'
  | 'fixed'
  | 'partly-fixed'
  | 'accepted'
  | 'rejected'
  | 'snoozed'
  | 'expired'
  | 'tracked'
  | 'resolved'
  | 'transient'
  | 'failed';

/** What a detection found of one resource; redacted, small enough for a workflow history. */
export type Finding = {
  readonly ref: ResourceRef;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly changes: readonly FieldChange[];
  /** Changes beyond the limit that `changes` leaves out. */
  readonly omitted: number;
  readonly severity: Severity;
  readonly direction: Direction;
  /** Last field manager seen on the changed fields, or `unknown`. */
  readonly who: string;
  /** What of desired is not applied yet, where direction is reverse or both: `revision 4 of unit shop-dev/web`. */
  readonly ahead?: string;
  /** Who made the changes, by the audit log; absent = not known of at least one of them. A Kubernetes user name, or a person's. */
  readonly author?: string;
  /** All who may have made one of the changes, newest first; absent = nobody is known. */
  readonly authors?: readonly string[];
  /** Nobody can tell by which name the author would approve; see `Authorship`. */
  readonly isAuthorUnlisted?: true;
  /** Binds a decision to exactly this difference. */
  readonly diffDigest: string;
  readonly costDeltaUsdMonthly?: number;
  /** What it may cost in availability, by rule, a clause each; absent = no rule knows of anything. */
  readonly availabilityRisks?: readonly string[];
  readonly score: number;
};

/** One drift of one resource, from first seen to its end. The id is minted by whoever starts the run. */
export type Episode = {
  readonly episodeId: string;
  readonly ref: ResourceRef;
  readonly workflowId: string;
  readonly runId: string;
  readonly firstDetected: string;
  readonly finding?: Finding;
  readonly rule?: string;
  readonly policyOutcome?: PolicyOutcome;
  readonly outcome: Outcome;
  /** Absent while the episode is open. */
  readonly endedAt?: string;
  readonly message?: string;
  /** Of the object and its unit. */
  readonly labels?: Readonly<Record<string, string>>;
};

/** One attempt of one step of an episode or promotion; append-only. */
export type StepEntry = {
  readonly episodeId: string;
  /** Name of the activity or transition: `detect`, `apply`, `verify`, … */
  readonly step: string;
  /** Makes the entry unique within the episode and step, e.g. the unit or the question. */
  readonly key: string;
  readonly attempt: number;
  readonly status: 'started' | 'done' | 'failed';
  readonly at: string;
  readonly message?: string;
};

export const QUESTION_STATUSES = [
  ...(['open', 'approved', 'rejected', 'accepted', 'snoozed'] as const),
  ...(['expired', 'withdrawn', 'superseded'] as const),
] as const;
export type QuestionStatus = (typeof QUESTION_STATUSES)[number];

/** A plan put to people. */
export type Question = {
  readonly id: string;
  readonly kind: 'drift' | 'promotion' | 'rollback';
  readonly workflowId: string;
  readonly episodeId: string;
  /** How often this workflow has asked, from 1. */
  readonly number: number;
  readonly environment: string;
  /** Absent for promotions and rollbacks. */
  readonly ref?: ResourceRef;
  readonly unit?: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly finding?: Finding;
  /** One plan for each fix that can be chosen, `offered` first: approve reverts, accept keeps what is live. */
  readonly plans: readonly Plan[];
  readonly offered: Fix;
  readonly digest: string;
  readonly rule: string;
  readonly quorum: number;
  readonly approvers: readonly string[];
  readonly approvals: readonly string[];
  /** Who may approve alone in an emergency, named as approvers are; absent = nobody. */
  readonly breakGlass?: readonly string[];
  /** They may have made the change, so they can stop but not approve it; absent = nobody. */
  readonly barred?: readonly string[];
  /** Why people are asked although a rule says `auto`. */
  readonly because?: string;
  /** Somebody sets these fields again each time that they are fixed; approving fixes them for a while in spite of that. */
  readonly fights?: readonly Fight[];
  /** When nothing may be approved or accepted. */
  readonly frozen?: readonly Interval[];
  /** Reminders so far; absent = none. */
  readonly reminded?: number;
  /** Who was called in because nobody had decided. */
  readonly escalatedTo?: readonly string[];
  readonly status: QuestionStatus;
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly closedAt?: string;
};

/** A person's answer as the api stored it, before it was sent to the workflow. */
export type DecisionRow = {
  readonly decisionId: string;
  readonly questionId: string;
  readonly decision: Decision;
  readonly person: string;
  readonly roles: readonly string[];
  readonly door: 'slack' | 'rest' | 'cli' | 'dashboard';
  readonly digest: string;
  readonly reason: string;
  readonly snoozeUntil?: string;
  readonly at: string;
  /** `pending` until the workflow answered. */
  readonly result: 'pending' | 'taken' | 'refused';
  readonly refusal?: string;
} & Evidence;

/** What was known when an answer came, for the audit. Rows of before it was kept have none of it. */
export type Evidence = {
  /** Under which the workflow was told. */
  readonly updateId?: string;
  readonly requestId?: string;
  readonly slackUser?: string;
  readonly slackTeam?: string;
  /** What Slack called the person then. */
  readonly slackName?: string;
  /** How many had to agree. */
  readonly quorum?: number;
  /** Who had agreed before. */
  readonly approvals?: readonly string[];
  /** Slack's ids of the members of the groups that the rule names; null where Slack did not say. */
  readonly groups?: Readonly<Record<string, readonly string[] | null>>;
};

export type AnalysisScope = {
  readonly environment?: string;
  readonly namespace?: string;
  /** `Kind:namespace:name`. */
  readonly resource?: string;
};

export type AnalysisRun = {
  readonly runId: string;
  readonly workflowId: string;
  readonly scope: AnalysisScope;
  readonly status: 'running' | 'completed' | 'failed';
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly total: number;
  readonly checked: number;
  readonly drifted: number;
  readonly errors: readonly string[];
};
