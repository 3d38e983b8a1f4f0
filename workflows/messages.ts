import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { OpenedChangeSet } from '../activities/types.ts';
import type { UnitRef } from '../drift/decide/plan.ts';
import type { PolicyOutcome, PolicyRule } from '../drift/decide/policy.ts';
import type { AnalysisScope, Decision, Outcome, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';

/**
 * The `seq` of what no watcher says: an analysis, or another run. It has no place among the watcher's observations, because
 * clocks of machines differ: by a clock that is ahead it would have later ones dropped, by one that is behind be lost itself.
 */
export const UNORDERED = 0;

/** What the task queue for asking Claude is called, behind the name of the main one. */
export const CLAUDE_QUEUE_SUFFIX = '-claude';

/** The same of the queue for steps that mostly wait for other runs: a slot of the main one would be missing to those. */
export const WAITING_QUEUE_SUFFIX = '-waiting';

/** What the watcher tells the workflow: look at this resource again. It carries no value of any field. */
export type Observation = {
  /** Rises with each observation of one watcher, older ones are dropped; or UNORDERED, which hides none and always counts. */
  readonly seq: number;
  /** Digest of the comparison; '' when desired and live agree. */
  readonly digest: string;
  /** Id for the episode that starts if no run is open. */
  readonly episodeId: string;
};

/** What may make a question another one although the resource differs as before: its unit's other objects, or who changed it. */
export type Surrounding = 'unit' | 'author';

export type RemediateInput = {
  readonly ref: ResourceRef;
  readonly episodeId: string;
  readonly settle: { readonly quietMs: number; readonly maxMs: number };
  /** How long a desired change may stay unapplied before anyone is asked about it. */
  readonly pendingGraceMs: number;
  /** State handed from run to run of one chain. */
  readonly carried?: CarriedState;
};

/** What survives continue-as-new. */
export type CarriedState = {
  readonly observation: Observation;
  readonly questionNumber: number;
  readonly attempt: number;
  readonly looks: number;
  readonly decidedDigests: readonly string[];
  /** Set once the episode is in Postgres. */
  readonly opened: boolean;
  /** Who wants to be asked although this difference was decided about. */
  readonly askedBy?: string;
  /** Episode whose plan this run waits for. */
  readonly sharedWith?: string;
  /** Since when desired is ahead of live, milliseconds since the epoch. */
  readonly pendingSinceMs?: number;
  /** What is counted of the difference that the last look found. */
  readonly counted?: {
    readonly lastDigest?: string;
    readonly explained?: string;
    readonly conflicts: number;
    readonly failures: number;
    readonly isContested?: boolean;
    readonly looksAgain: number;
  };
  /** How differences were settled, the newest ones. */
  readonly settled?: readonly (readonly [digest: string, Settled])[];
  readonly asked?: CarriedQuestion;
  readonly snoozed?: Snoozed;
  readonly pause?: Pause;
};

/** A wait after something failed. */
export type Pause = {
  readonly message: string;
  readonly untilMs: number;
  /** What is heard before counts only then. */
  readonly notBeforeMs: number;
  /** The difference that could not be fixed: to be told of it again is no reason for another try. */
  readonly digest?: string;
};

/** How a difference was settled, and the sentence that says why. */
export type Settled = { readonly phase: Outcome; readonly message: string };

/** Until when nobody wants to hear of a difference. */
export type Snoozed = {
  readonly digest: string;
  readonly untilMs: number;
  readonly person: string;
};

/** A question that is open while histories change: it goes on with its answers, whoever has counted them so far. */
export type OpenQuestion = {
  readonly question: Question;
  readonly approvals: readonly {
    readonly person: string;
    readonly decision: 'approve' | 'accept';
  }[];
  /** Answers behind `votes` are stored, those behind `unread` are still to be looked at. */
  readonly votes: readonly DecideInput[];
  readonly unread: readonly DecideInput[];
  readonly final?: DecideInput;
};

export type CarriedQuestion = OpenQuestion & {
  /** What it was asked under. */
  readonly rule: PolicyRule;
  readonly outcome: PolicyOutcome;
};

export type EpisodeResult = {
  readonly episodeId: string;
  readonly outcome: Outcome;
  readonly message: string;
};

export type DecideInput = {
  readonly decisionId: string;
  readonly question: string;
  readonly digest: string;
  readonly decision: Decision;
  readonly person: string;
  readonly roles: readonly string[];
  /** Milliseconds since the epoch; snooze only. */
  readonly snoozeUntilMs?: number;
};

export type DecideAck = {
  readonly status: string;
  readonly approvals: number;
  readonly needed: number;
};

/** Somebody wants to be asked about a difference that was decided about, or that no rule asks about. */
export type AskAgainInput = { readonly person: string };

/** A bulk correction wants the drift dealt with now, within its own change set. */
export type CorrectDriftInput = {
  readonly changeSet: OpenedChangeSet;
  readonly requestedBy: string;
  /** Id for the episode that starts should this run be ending. */
  readonly episodeId: string;
};

/**
 * What became of it: `shared`, another run plans for the whole unit; `gone`, nothing differs; `again`, the run has handed over to a
 * fresh history, which is to be asked.
 */
export type CorrectReport = {
  readonly kind: 'fixed' | 'asked' | 'refused' | 'failed' | 'shared' | 'gone' | 'again';
  /** A sentence for people. */
  readonly message: string;
  readonly questionId?: string;
};

export type PromoteInput = {
  readonly unit: UnitRef;
  readonly upstream: UnitRef;
  readonly upstreamRevision: number;
  readonly environment: string;
  readonly promotionId: string;
  /** Who started it by a command; absent where a fix did. */
  readonly requestedBy?: string;
  /** The next level is left as it is, unless somebody says `pushOn`. */
  readonly onlyThis?: true;
  /** State handed to a fresh history. */
  readonly carried?: {
    readonly tries: number;
    readonly pushesOn: boolean;
    readonly conflicts?: number;
    readonly asked?: OpenQuestion;
    readonly snoozedUntilMs?: number;
    readonly pause?: Pause;
  };
};

/** The workflow `promote`, as those who start it see it. */
export type Promote = (input: PromoteInput) => Promise<EpisodeResult>;

/** What a model is asked about: one difference of one episode. */
export type ExplainInput = {
  readonly episodeId: string;
  readonly ref: ResourceRef;
  readonly diffDigest: string;
};

/** Absent = every environment. */
export type SummarizeInput = { readonly environment?: string };

export type AnalysisInput = { readonly scope: AnalysisScope };

export type RunStatus = {
  readonly episodeId: string;
  readonly phase: string;
  readonly question?: string;
  readonly approvals: readonly string[];
};

export type KeepDriftUnitInput = { readonly ref: ResourceRef };

export const observed = defineSignal<[Observation]>('observed');
/** Told to a run that is open: something around the difference changed. */
export const stirred = defineSignal<[Surrounding]>('stirred');
/** Told to a promotion by a fix that would have started the same one: the next level is to be handed over. */
export const pushOn = defineSignal('pushOn');
export const decide = defineUpdate<DecideAck, [DecideInput]>('decide');
export const askAgain = defineUpdate<string, [AskAgainInput]>('askAgain');
/** Something about a resource's drift is to be written into its unit. */
export const driftMoved = defineSignal('driftMoved');
export const correctDrift = defineUpdate<CorrectReport, [CorrectDriftInput]>('correctDrift');
export const runStatus = defineQuery<RunStatus>('status');
