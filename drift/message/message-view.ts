import type { ReachEntry } from '../decide/plan.ts';
import type { Fix, PolicyOutcome } from '../decide/policy.ts';
import type { DecisionRow, Episode, Outcome, Question } from '../decide/record.ts';
import type { ChangeType, Direction, FieldChange, Severity } from '../field-change.ts';
import type { ResourceRef } from '../resource-ref.ts';
import type { Interval } from '../time-window.ts';

/**
 * Where a message about a drift, or about a promotion, stands. `approved` lasts until the fix begins; `superseded` until the changed
 * difference has been looked at; the rest says itself.
 */
export const MESSAGE_STATES = [
  'analysing',
  'waiting',
  'approved',
  'fixing',
  'fixed',
  'partly-fixed',
  'failed',
  'rejected',
  'accepted-live',
  'snoozed',
  'expired',
  'superseded',
  'resolved',
  'tracked',
  'notified',
] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];

/** How sure it is who made a change. A field manager names a tool, never a person. */
export type ChangedBy =
  | { readonly certainty: 'audit-log'; readonly author: string; readonly manager: string }
  /** Several people may have made it, newest first. */
  | {
      readonly certainty: 'possible';
      readonly authors: readonly string[];
      readonly manager: string;
    }
  | { readonly certainty: 'field-manager'; readonly manager: string }
  | { readonly certainty: 'unknown' };

/** What a fix touches in one environment. */
export type ReachView = {
  readonly environment: string;
  /** `Kind/namespace/name`, each once. */
  readonly resources: readonly string[];
  /** Live fields that change. */
  readonly fields: number;
  /** `space/slug` of the units that are applied or upgraded there, each once. */
  readonly units: readonly string[];
};

/** One way to put a drift right, as people are shown it before they decide. */
export type FixView = {
  readonly fix: Fix;
  /** In the imperative. */
  readonly description: string;
  readonly steps: readonly string[];
  readonly reach: readonly ReachView[];
  /** Every live field that it changes. */
  readonly changes: readonly ReachEntry[];
  /** Fields that the fix overwrites although an ignore rule keeps them. */
  readonly overwrites: readonly string[];
  /** Objects that it deletes, as `Kind/namespace/name`. */
  readonly deletes: readonly string[];
};

/** A question as it is put to people. */
export type QuestionView = {
  readonly id: string;
  readonly number: number;
  readonly workflowId: string;
  readonly digest: string;
  readonly status: Question['status'];
  readonly quorum: number;
  /** Names of people, or `role:approver`; empty = whoever has the role approver. */
  readonly approvers: readonly string[];
  /** People who approved or accepted so far. */
  readonly approvals: readonly string[];
  /** Those who may have made the change: they can stop but not approve it. */
  readonly barred: readonly string[];
  /** Who may approve alone in an emergency; empty = nobody. */
  readonly breakGlass: readonly string[];
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly frozen: readonly Interval[];
  readonly reminded: number;
  readonly escalatedTo: readonly string[];
};

/** A decision that was taken, not one that was refused. */
export type DecisionView = Pick<
  DecisionRow,
  'person' | 'decision' | 'door' | 'at' | 'reason' | 'snoozeUntil'
> & {
  /** In an emergency, without whoever else would have been needed. */
  readonly isAlone?: true;
};

export type ProgressStep = {
  readonly label: string;
  readonly status: 'to-do' | 'running' | 'done' | 'failed';
  readonly at?: string;
  /** Why it failed, or which try this is. */
  readonly detail?: string;
};

/** What Claude makes of a drift. Advice: nothing is decided or written by it. */
export type AnalysisNote = {
  readonly summary: string;
  readonly probableCause: string;
  /** 0 (harmless) to 100. */
  readonly risk: number;
  readonly riskReason: string;
  /** What the change does to what runs. */
  readonly effect: string;
  readonly recommendation: 'revert' | 'accept' | 'look-closer';
  readonly confidence: 'low' | 'medium' | 'high';
  readonly model: string;
};

export type MessageLinks = {
  /** Configured addresses; a link that does not lead below one of them is not shown. */
  readonly bases: readonly string[];
  readonly workflow?: string;
  readonly unit?: string;
  readonly dashboard?: string;
};

/** All that a person is shown about one drift, or one question about a promotion. Plain data, redacted where it was read. */
export type MessageView = {
  readonly about: Question['kind'];
  readonly state: MessageState;
  /** Names the message for as long as it lives. */
  readonly episodeId: string;
  readonly workflowId: string;
  readonly environment: string;
  /** The environment, or one that a fix reaches. */
  readonly isProduction: boolean;
  /** What people call the cluster; absent = nobody said. */
  readonly cluster?: string;
  /** Absent for a promotion. */
  readonly ref?: ResourceRef;
  /** `space/slug`. */
  readonly unit?: string;
  readonly severity: Severity;
  readonly types: readonly ChangeType[];
  readonly direction: Direction;
  readonly summary: string;
  readonly firstSeen: string;
  readonly changedBy: ChangedBy;
  readonly changes: readonly FieldChange[];
  /** Changes beyond those. */
  readonly omitted: number;
  /** What of desired is not applied yet. */
  readonly ahead?: string;
  readonly rule?: string;
  readonly policyOutcome?: PolicyOutcome;
  /** Why people are asked although the rule says `auto`. */
  readonly because?: string;
  /** Who insists on what, a sentence each. */
  readonly fights: readonly string[];
  /** The one that is offered first. */
  readonly fixes: readonly FixView[];
  readonly question?: QuestionView;
  /** Oldest first. */
  readonly decisions: readonly DecisionView[];
  readonly progress: readonly ProgressStep[];
  readonly outcome?: Outcome;
  /** How it ended, or why it stands as it does. */
  readonly message?: string;
  readonly endedAt?: string;
  /** From the decision (or the first sight, where nobody was asked) to the verified fix. */
  readonly fixTookMs?: number;
  readonly snoozedUntil?: string;
  readonly note?: AnalysisNote;
  readonly costLine?: string;
  readonly availabilityLine?: string;
  readonly links: MessageLinks;
  /** Where it may be approved: `web` makes links of the buttons. */
  readonly approvalChannel: 'slack' | 'web';
};

const STATE_OF_OUTCOME: Readonly<Partial<Record<Outcome, MessageState>>> = {
  fixing: 'fixing',
  fixed: 'fixed',
  'partly-fixed': 'partly-fixed',
  accepted: 'accepted-live',
  rejected: 'rejected',
  snoozed: 'snoozed',
  expired: 'expired',
  resolved: 'resolved',
  transient: 'resolved',
  failed: 'failed',
};
const STATE_OF_QUESTION: Readonly<Record<Question['status'], MessageState>> = {
  open: 'waiting',
  approved: 'approved',
  accepted: 'approved',
  rejected: 'rejected',
  snoozed: 'snoozed',
  expired: 'expired',
  withdrawn: 'superseded',
  superseded: 'superseded',
};
const FINAL: ReadonlySet<MessageState> = new Set<MessageState>([
  ...(['fixed', 'partly-fixed', 'failed', 'rejected', 'accepted-live'] as const),
  ...(['snoozed', 'expired', 'resolved'] as const),
]);

/** Nothing is decided or done any more unless the drift changes. */
export function isFinal(state: MessageState): boolean {
  return FINAL.has(state);
}

/**
 * Where a message stands, by what the store holds of it. An open question is what people wait for, whatever the episode said
 * before; a closed one only speaks until the episode says what followed.
 */
export function stateOf(
  episode: Pick<Episode, 'outcome' | 'endedAt' | 'policyOutcome'> | undefined,
  question: Pick<Question, 'status'> | undefined,
): MessageState {
  if (question?.status === 'open' && episode?.endedAt === undefined) return 'waiting';
  const asked = question && STATE_OF_QUESTION[question.status];
  if (!episode) return asked ?? 'analysing';
  if (episode.outcome === 'tracked') {
    return episode.policyOutcome === 'notify' ? 'notified' : 'tracked';
  }
  const told = STATE_OF_OUTCOME[episode.outcome];
  if (told) return told;
  // Waiting without a question: another run plans for the same unit.
  return asked ?? (episode.outcome === 'waiting' ? 'waiting' : 'analysing');
}

/** True for what goes by the names that production has everywhere: `prod`, `prod-eu`, `production`, or a label of that value. */
export function looksLikeProduction(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return [name, ...Object.values(labels)].some((one) => PRODUCTION.test(one));
}

const PRODUCTION = /(?:^|[-_./])prod(?:uction)?(?:$|[-_./\d])/i;
