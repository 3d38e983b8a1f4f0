import type { Verdict } from '../drift/decide/guard.ts';
import type { Notice } from '../drift/decide/notice.ts';
import type { Plan, PlanStep, UnitRef } from '../drift/decide/plan.ts';
import type { PolicyDecision, PolicyRule } from '../drift/decide/policy.ts';
import type {
  AnalysisScope,
  Decision,
  Finding,
  Outcome,
  Question,
  QuestionStatus,
} from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Interval } from '../drift/time-window.ts';
import type { ClaudeNoteActivities } from './claude-types.ts';
import type { CommandActivities } from './command-types.ts';

/** Names the run that a step belongs to, so that attempts are recorded and repeated effects are recognised. */
export type StepInput = {
  readonly episodeId: string;
  /** Tells two executions of one activity in one episode apart, e.g. the unit or how often it was tried. */
  readonly key: string;
};

export type DetectInput = StepInput & {
  readonly ref: ResourceRef;
  /** True when the episode already has its row. */
  readonly opened: boolean;
  /** Desired changes have stayed unapplied beyond their grace: they are as severe now as the change itself. */
  readonly graceOver?: boolean;
  /** Episode whose plan this run has waited for. */
  readonly sharedWith?: string;
};

/** What is to become of a drift, and what holds an automatic fix back. */
export type Judgement = {
  readonly decision: PolicyDecision;
  /** Present where the rule says `auto` and nothing in the drift itself speaks against it. */
  readonly verdict?: Verdict;
  /** When nothing may be approved or accepted by this rule, until the question would expire; a plan says it for its whole unit. */
  readonly frozen?: readonly Interval[];
  /** Milliseconds since the epoch; where the outcome is `notify`. */
  readonly announceAtMs?: number;
};

/** `finding` and `judgement` are absent when desired and live agree, or when nothing declares the resource any more. */
export type Detection = {
  readonly finding?: Finding;
  readonly inScope: boolean;
  /** True where the API server is to confirm the finding before anything follows from it. */
  readonly confirms?: boolean;
  /** True where a model is to explain the finding to people. Nothing waits for it. */
  readonly explain?: boolean;
  readonly judgement?: Judgement;
  readonly unit?: UnitRef;
  /** Where there is no difference any more: the resource whose plan did away with it. */
  readonly fixedWith?: string;
  /** The same while that plan is being carried out: it is not verified yet. */
  readonly fixUnderWay?: string;
};

export type ConfirmDriftInput = StepInput & {
  readonly ref: ResourceRef;
  /** The difference that was detected. */
  readonly diffDigest: string;
};

/**
 * What a dry run of the apply says of a drift: `confirmed`; `equivalent` (the server itself makes what is live of what is
 * desired, there is no drift); `resolved` (nothing differs any more); `moved` (it is another difference by now, or less of one:
 * look again); `unrepairable` (the server would refuse the apply); `invalid-desired` (its schema does not know what is desired);
 * `unconfirmed` (no answer was to be had).
 */
export type Confirmation =
  | { readonly kind: 'confirmed' | 'moved' | 'resolved' }
  | { readonly kind: 'equivalent'; readonly paths: readonly string[] }
  | {
      readonly kind: 'unrepairable' | 'invalid-desired' | 'unconfirmed';
      /** A clause without values. */
      readonly because: string;
    };

export type PlanInput = StepInput & {
  readonly ref: ResourceRef;
  readonly finding: Finding;
  readonly decision: PolicyDecision;
  /** Somebody only wants to see the plan. */
  readonly looksOnly?: true;
};

/** The run that plans for a unit of several objects. */
export type HeldBy = { readonly episodeId: string; readonly resource: string };

/** `digest` covers diff, plans, reach and policy rule: what a decision is bound to. */
export type Planned = {
  readonly plans: readonly Plan[];
  readonly digest: string;
};

/** The plans for a drift, under the strictest rule of all drifted objects of its unit. */
export type DriftPlans = Planned & {
  readonly decision: PolicyDecision;
  /** When nothing may be approved or accepted, by any of their rules; absent = never. */
  readonly frozen?: readonly Interval[];
  /** Another run plans for this unit: this one waits for it. */
  readonly heldBy?: HeldBy;
};

/** What would be done about a resource now; without a decision there is no drift. */
export type Preview = {
  readonly plans: readonly Plan[];
  readonly decision?: Pick<PolicyDecision, 'rule' | 'outcome' | 'because'>;
};

export type PromotionPlan = Planned & {
  readonly needed: boolean;
  readonly rule: PolicyRule;
  readonly outcome: 'auto' | 'ask';
  readonly summary: string;
  /** Other promotions of the unit that ask at the moment; absent = none. */
  readonly others?: readonly {
    readonly workflowId: string;
    readonly questionId: string;
    /** Of an older upstream revision than this one. */
    readonly isOlder: boolean;
  }[];
  /** When nothing may be approved; absent = never. */
  readonly frozen?: readonly Interval[];
};

export type OpenQuestionInput = StepInput & { readonly question: Question };

/** What has become known of an open question's drift; `approvals` without those of people who turn out to have made it. */
export type AmendQuestionInput = StepInput & {
  readonly question: Question;
  readonly approvals: readonly string[];
};

export type CloseQuestionInput = StepInput & {
  readonly questionId: string;
  readonly status: Exclude<QuestionStatus, 'open'>;
  readonly at: string;
};

export type ConfirmInput = StepInput & {
  readonly decisionId: string;
  readonly questionId: string;
  readonly decision: Decision;
  readonly person: string;
  readonly digest: string;
  /** Everyone who has approved so far, this person included where the decision counts. */
  readonly approvals: readonly string[];
  readonly roles: readonly string[];
  readonly snoozeUntilMs?: number;
};

/** `valid` is false when Postgres holds no such decision: whoever sent it did not come through a door. */
export type Confirmed = { readonly valid: boolean; readonly reason: string };

export type NotifyInput = StepInput & {
  readonly notice: Notice;
  /** Nothing is posted where something about the same subject was within this time. */
  readonly quietForMs: number;
  /** Of the question that the notice is about. */
  readonly reminded?: number;
  readonly escalatedTo?: readonly string[];
};

export type RecordInput = StepInput & {
  readonly outcome: Outcome;
  readonly message?: string;
  readonly rule?: string;
  readonly policyOutcome?: 'auto' | 'ask' | 'notify' | 'track';
  /** The run will not fix this difference: whatever else drifts in the unit is for others to plan for. */
  readonly freesUnit?: boolean;
};

export type CloseEpisodeInput = StepInput & {
  readonly outcome: Outcome;
  readonly message: string;
  readonly at: string;
};

export type OpenChangeSetInput = StepInput & {
  readonly unit: UnitRef;
  readonly description: string;
  /** The plan makes revisions: what was before them is to be marked. */
  readonly writes?: boolean;
};
export type OpenedChangeSet = {
  readonly changeSetId: string;
  /** Marks what was applied. */
  readonly tagId: string;
  /** Where the tag is that marks what was before; absent in histories from before there was one. */
  readonly start?: { readonly spaceId: string; readonly slug: string };
};

export type WriteUnitInput = StepInput & {
  readonly step: Extract<PlanStep, { kind: 'write' }>;
  readonly ref: ResourceRef;
  /** The difference that was decided on; another one is refused with CONFLICT. */
  readonly diffDigest: string;
  readonly description: string;
  readonly changeSet?: OpenedChangeSet;
};
export type UpgradeUnitInput = StepInput & {
  readonly step: Extract<PlanStep, { kind: 'upgrade' }>;
  readonly description: string;
  readonly changeSet?: OpenedChangeSet;
};
/** The unit's head after the write. */
export type UnitWritten = { readonly revision: number };

export type ApplyUnitInput = StepInput & {
  readonly unit: UnitRef;
  /** Head that was decided on, or that this plan has made; another one is refused with CONFLICT. */
  readonly revision: number;
  /** The difference that was decided on, while nothing of the plan has changed it; another one is refused with CONFLICT. */
  readonly drift?: { readonly ref: ResourceRef; readonly diffDigest: string };
  readonly description: string;
  readonly changeSet?: OpenedChangeSet;
  /** The plan has written the unit before, so what was before that is marked already. */
  readonly isWritten?: boolean;
};
export type Applied = { readonly revision: number };

export type RestoreUnitInput = StepInput & {
  readonly unit: UnitRef;
  /** Head before the plan touched the unit. */
  readonly revision: number;
  /** What the write was described as; another head was written by somebody else and is left alone. */
  readonly description: string;
};
/** `applied`: the undone revision had reached the cluster, so the restored one must be applied too. */
export type Restored = { readonly applied: boolean; readonly revision: number };

export type VerifyInput = StepInput & {
  readonly ref: ResourceRef;
  /** Answers `progressing` instead of following a rollout. */
  readonly looksOnce?: true;
  /** A look before this one has found no difference. */
  readonly wasClean?: true;
};
export type Verified = {
  /** Field paths that still differ; empty = fixed. */
  readonly residue: readonly string[];
  /** Names what still differs; '' for nothing. */
  readonly diffDigest: string;
  /** Nothing differed after the fix, and then something did: somebody changed it again. */
  readonly recurred: boolean;
  readonly rollout: 'finished' | 'unfinished' | 'none' | 'progressing';
  /** The episode was closed by an earlier look, which stands; what differs now came after it. */
  readonly wasClosed?: true;
  /** Configuration lets Realign remove the residue itself. */
  readonly patchResidue: boolean;
  /** The command that would finish a partial fix by hand. */
  readonly finishCommand?: string;
};

export type RemoveResidueInput = StepInput & {
  readonly ref: ResourceRef;
  /** The difference that is to be undone, and no other: what differs otherwise is refused with CONFLICT. */
  readonly diffDigest: string;
};

export type PlanPromotionInput = StepInput & {
  /** What its upstream was at when it was handed over; absent in histories from before it was told. */
  readonly upstreamRevision?: number;
  readonly unit: UnitRef;
  readonly upstream: UnitRef;
  readonly environment: string;
};

export type AnalyseInput = StepInput & {
  readonly environment: string;
  readonly scope: AnalysisScope;
  /** What the environments before this one added up to, for the run's progress. */
  readonly before: AnalysisCounts;
};
export type AnalysisCounts = {
  readonly total: number;
  readonly checked: number;
  readonly drifted: number;
  readonly errors: readonly string[];
};

/** Looks at a drift and keeps what is known of it. */
type LookActivities = {
  detect(input: DetectInput): Promise<Detection>;
  confirm(input: ConfirmDriftInput): Promise<Confirmation>;
  plan(input: PlanInput): Promise<DriftPlans>;
  preview(input: StepInput & { readonly ref: ResourceRef }): Promise<Preview>;
  record(input: RecordInput): Promise<void>;
  /** Writes the resource's newest drift into the ConfigHub unit that records it. */
  recordDrift(input: StepInput & { readonly ref: ResourceRef }): Promise<void>;
  closeEpisode(input: CloseEpisodeInput): Promise<void>;
};

/** Asks people, and hears them. */
type AskActivities = {
  openQuestion(input: OpenQuestionInput): Promise<void>;
  amendQuestion(input: AmendQuestionInput): Promise<void>;
  confirmDecision(input: ConfirmInput): Promise<Confirmed>;
  notify(input: NotifyInput): Promise<{ readonly posted: boolean }>;
  closeQuestion(input: CloseQuestionInput): Promise<void>;
};

/** Carries a plan out, takes it back, and looks whether it helped. */
type FixActivities = {
  openChangeSet(input: OpenChangeSetInput): Promise<OpenedChangeSet>;
  writeUnit(input: WriteUnitInput): Promise<UnitWritten>;
  upgradeUnit(input: UpgradeUnitInput): Promise<UnitWritten>;
  applyUnit(input: ApplyUnitInput): Promise<Applied>;
  /** Undoes the drift itself where the API server refuses the apply because of it; `patched` is false where it does not. */
  patchRefused(input: RemoveResidueInput): Promise<{ readonly patched: boolean }>;
  removeResidue(input: RemoveResidueInput): Promise<void>;
  verify(input: VerifyInput): Promise<Verified>;
  restoreUnit(input: RestoreUnitInput): Promise<Restored>;
};

/** Brings units forward. */
type PromotionActivities = {
  listDownstream(
    input: StepInput & { unit: UnitRef },
  ): Promise<readonly { unit: UnitRef; environment: string }[]>;
  identifyPromotion(
    input: StepInput & { readonly unit: UnitRef; readonly upstream: UnitRef },
  ): Promise<{ readonly upstreamRevision: number; readonly workflowId: string }>;
  planPromotion(input: PlanPromotionInput): Promise<PromotionPlan>;
};

/** Compares everything. */
type AnalysisActivities = {
  /** Notes the run and answers with the environments in its scope. */
  startAnalysis(
    input: StepInput & {
      readonly runId: string;
      readonly workflowId: string;
      readonly scope: AnalysisScope;
    },
  ): Promise<readonly string[]>;
  analyseEnvironment(input: AnalyseInput): Promise<AnalysisCounts>;
  finishAnalysis(
    input: StepInput & {
      runId: string;
      status: 'completed' | 'failed';
      counts: AnalysisCounts;
      at: string;
    },
  ): Promise<void>;
};

/** Everything that workflows may have done for them. */
export type Activities = LookActivities &
  AskActivities &
  FixActivities &
  PromotionActivities &
  AnalysisActivities &
  CommandActivities &
  ClaudeNoteActivities;
