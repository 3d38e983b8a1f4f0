import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { UnitRef } from '../drift/plan.ts';
import type { AnalysisScope, Decision, Outcome } from '../drift/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';

/**
 * The `seq` of what no watcher says: an analysis, or another run. It has no place among the watcher's observations, because
 * clocks of machines differ: by a clock that is ahead it would have later ones dropped, by one that is behind be lost itself.
 */
export const UNORDERED = 0;

/** What the watcher tells the workflow: look at this resource again. It carries no value of any field. */
export type Observation = {
  /** Rises with each observation of one watcher, older ones are dropped; or UNORDERED, which hides none and always counts. */
  readonly seq: number;
  /** Digest of the comparison; '' when desired and live agree. */
  readonly digest: string;
  /** Id for the episode that starts if no run is open. */
  readonly episodeId: string;
};

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

export type PromoteInput = {
  readonly unit: UnitRef;
  readonly upstream: UnitRef;
  readonly upstreamRevision: number;
  readonly environment: string;
  readonly promotionId: string;
};

export type AnalysisInput = { readonly scope: AnalysisScope };

export type RunStatus = {
  readonly episodeId: string;
  readonly phase: string;
  readonly question?: string;
  readonly approvals: readonly string[];
};

export const observed = defineSignal<[Observation]>('observed');
export const decide = defineUpdate<DecideAck, [DecideInput]>('decide');
export const askAgain = defineUpdate<string, [AskAgainInput]>('askAgain');
export const runStatus = defineQuery<RunStatus>('status');
