import type {
  CommandKind,
  CommandStatus,
  CorrectionScope,
  PromotionScope,
  UnitResult,
} from '../drift/decide/command-run.ts';
import type { PlanStep, UnitRef } from '../drift/decide/plan.ts';
import type { PolicyRule } from '../drift/decide/policy.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Interval } from '../drift/time-window.ts';
import type { OpenedChangeSet, Planned, StepInput, UnitWritten } from './types.ts';

// What the workflows behind `realign rollback`, `realign correct` and `realign promote` have done for them.

export type StartCommandInput = StepInput & {
  readonly kind: CommandKind;
  readonly workflowId: string;
  readonly subject: string;
  readonly requestedBy: string;
  readonly startedAt: string;
};

export type NoteCommandInput = StepInput & {
  readonly at: string;
  readonly status?: CommandStatus;
  readonly message?: string;
  readonly changeSet?: string;
  readonly results?: readonly UnitResult[];
  /** Nothing follows. */
  readonly isEnd?: true;
};

export type ChangeSetRef = {
  readonly changeSetId: string;
  readonly space: string;
  readonly spaceId: string;
  readonly slug: string;
  readonly description: string;
};

/** What rolling a change set back does in one environment, under that environment's policy. */
export type RollbackPart = Planned & {
  readonly environment: string;
  readonly units: readonly UnitRef[];
  readonly rule: PolicyRule;
  readonly outcome: 'auto' | 'ask';
  readonly frozen?: readonly Interval[];
  readonly summary: string;
};

export type RollbackPlan = {
  readonly changeSet: ChangeSetRef;
  /** In the order in which they are carried out: the reverse of the one in which they were changed. */
  readonly parts: readonly RollbackPart[];
  /** Units of the change set with nothing to take back, and why. */
  readonly unchanged: readonly UnitResult[];
};

export type RollBackUnitInput = StepInput & {
  readonly step: Extract<PlanStep, { kind: 'restore' }>;
  readonly description: string;
  readonly changeSet?: OpenedChangeSet;
};

export type VerifiedUnit = {
  /** `Kind/namespace/name path` of what still differs; empty = the unit is live as it is declared. */
  readonly residue: readonly string[];
  readonly rollout: 'finished' | 'unfinished' | 'none';
};

/** One unit that is behind its upstream, and the workflow that brings it forward. */
export type PromotableUnit = {
  readonly unit: UnitRef;
  readonly upstream: UnitRef;
  readonly environment: string;
  readonly upstreamRevision: number;
  readonly workflowId: string;
};

/** A page of units; `next` is where the following one begins. */
export type UnitPage<T> = { readonly units: readonly T[]; readonly next?: string };

/** A unit with drift, and what its drifted objects are. */
export type DriftedUnit = {
  readonly unit: UnitRef;
  readonly environment: string;
  readonly drifts: readonly { readonly ref: ResourceRef; readonly diffDigest: string }[];
  /** Why the unit could not be compared. */
  readonly unreadable?: string;
};

export type CorrectUnitInput = StepInput & {
  readonly unit: DriftedUnit;
  readonly changeSet: OpenedChangeSet;
  readonly requestedBy: string;
};

export type CommandActivities = {
  startCommand(input: StartCommandInput): Promise<void>;
  noteCommand(input: NoteCommandInput): Promise<void>;

  /** CONFLICT where the change set cannot be taken back as a whole: the message names the unit and the reason. */
  planRollback(input: StepInput & { readonly changeSet: string }): Promise<RollbackPlan>;
  /** Gives a unit its older data as a new head. */
  rollBackUnit(input: RollBackUnitInput): Promise<UnitWritten>;
  verifyUnit(
    input: StepInput & { readonly unit: UnitRef; readonly environment: string },
  ): Promise<VerifiedUnit>;

  /** NOT_FOUND where `to` is no environment, or `from` no space. */
  selectPromotions(
    input: StepInput & { readonly scope: PromotionScope; readonly after?: string },
  ): Promise<UnitPage<PromotableUnit>>;
  /** The open question of a promotion that somebody else has started. */
  findPromotion(
    input: StepInput & { readonly workflowId: string },
  ): Promise<{ readonly questionId?: string }>;

  /** Units that the Filter selects and that drift. */
  selectCorrections(
    input: StepInput & { readonly scope: CorrectionScope; readonly after?: string },
  ): Promise<UnitPage<DriftedUnit> & { readonly looked: number }>;
  openCorrection(
    input: StepInput & { readonly scope: CorrectionScope; readonly startedAt: string },
  ): Promise<OpenedChangeSet & { readonly name: string }>;
  /** Has each drift's own run look now, and waits for what becomes of it. */
  correctUnit(input: CorrectUnitInput): Promise<UnitResult>;
};
