import type { RequestHandler } from 'express';
import type { Summarized } from '../drift/advice/summary.ts';
import type { IgnoreRule } from '../drift/compare/ignore-rule.ts';
import type { AuditWrite } from '../drift/decide/author.ts';
import type { CorrectionScope, PlannedUnit, PromotionScope } from '../drift/decide/command-run.ts';
import type { Plan } from '../drift/decide/plan.ts';
import type { PolicyDecision } from '../drift/decide/policy.ts';
import type { AnalysisScope, DecisionRow, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Person } from '../lib/config.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { ApproverGroups } from '../slack/approver-groups.ts';
import type { Message } from '../slack/render.ts';
import type { Store } from '../store/types.ts';

export type { Person };

/** What the workflow answered to a decision. Its refusals are values; that Temporal is away is thrown. */
export type DecisionAnswer =
  | { readonly ok: true; readonly status: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** A page of what a command would do; `next` is where the following one begins. */
export type PlannedPage = { readonly units: readonly PlannedUnit[]; readonly next?: string };
export type StartedCommand = { readonly runId: string; readonly workflowId: string };

export type Preview = {
  readonly plans: readonly Plan[];
  /** Absent where there is no drift. */
  readonly decision?: Pick<PolicyDecision, 'rule' | 'outcome' | 'because'>;
};

/** Whether a part that the api needs is there. */
export type Readiness = {
  /** `postgres`, `temporal`, … */
  readonly part: string;
  readonly ok: boolean;
  /** For the log only: it may name hosts. */
  readonly message?: string;
};

/** What the receiver of audit events knows. */
export type AuditDeps = {
  /** 64 hex digits; of the one token that it takes. */
  readonly tokenSha256: string;
  /** What the cluster of an environment, or the only cluster, is called in the store. */
  readonly clusterOf: (environment?: string) => string;
  /** Told of writes once they are stored. */
  readonly heard?: (cluster: string, writes: readonly AuditWrite[]) => Promise<void>;
};

/** A Temporal payload as JSON, its bytes in base64. */
export type WirePayload = {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
};

/** What the codec endpoint knows. Payloads that no key opens are refused with PAYLOAD_UNREADABLE. */
export type CodecDeps = {
  /** Whose pages may call from a browser: scheme, host and port of the Temporal UI. */
  readonly uiOrigin: string;
  /** 64 hex digits; of the token that may decode and do nothing else. */
  readonly tokenSha256?: string;
  encode(payloads: readonly WirePayload[]): Promise<readonly WirePayload[]>;
  decode(payloads: readonly WirePayload[]): Promise<readonly WirePayload[]>;
};

export type ApiDeps = {
  readonly store: Store;
  /** Names of those that are configured; absent = whatever name is asked for is looked up. */
  readonly environmentNames?: readonly string[];
  readonly people: readonly Person[];
  /** `none` makes everybody who reaches the listener an admin; `startApi` allows it on loopback addresses only. */
  readonly auth: 'token' | 'none';
  readonly log: Log;
  readonly metrics: Metrics;
  readonly links: { workflowUrl(workflowId: string, runId?: string): string };
  /** Groups of approvers that are kept elsewhere; absent = there are none. */
  readonly groups?: ApproverGroups;
  readonly decisions: { decide(question: Question, row: DecisionRow): Promise<DecisionAnswer> };
  /** The message about an episode as people get it in Slack; undefined where there is nothing to say. Absent = there are none. */
  readonly messageOf?: (episodeId: string) => Promise<Message | undefined>;
  readonly drifts: {
    /** Has a resource's run ask, whatever was decided before. */
    askAgain(workflowId: string, person: string): Promise<string>;
    /** What would be done about a resource now. */
    preview(ref: ResourceRef): Promise<Preview>;
  };
  /** What people start by a command; the previews change nothing. Absent = nothing can be started. */
  readonly commands?: {
    previewRollback(changeSet: string): Promise<PlannedPage>;
    rollback(changeSet: string, requestedBy: string): Promise<StartedCommand>;
    previewCorrections(scope: CorrectionScope, after?: string): Promise<PlannedPage>;
    correct(scope: CorrectionScope, requestedBy: string): Promise<StartedCommand>;
    previewPromotions(scope: PromotionScope, after?: string): Promise<PlannedPage>;
    promote(scope: PromotionScope, requestedBy: string): Promise<StartedCommand>;
  };
  readonly analyses: {
    start(
      scope: AnalysisScope,
      requestedBy: string,
    ): Promise<{
      readonly runId: string;
      readonly workflowId: string;
      readonly alreadyRunning: boolean;
    }>;
  };
  /** By Claude, where workers ask it. */
  readonly summaries?: { summarize(environment: string | undefined): Promise<Summarized> };
  /** As configured. */
  readonly ignoreRules?: readonly Pick<IgnoreRule, 'id' | 'effect' | 'reason' | 'expires'>[];
  /** Takes what Slack sends over HTTP; absent = nothing does. */
  readonly slack?: RequestHandler;
  /** Absent = audit events are not taken. */
  readonly audit?: AuditDeps;
  /** Absent = payloads are not encrypted, or not to be decrypted here. */
  readonly codec?: CodecDeps;
  readonly readiness: () => Promise<readonly Readiness[]>;
  readonly clock?: () => Date;
  /** Requests of one person (or one address without token) per second, averaged over ten; default 200. */
  readonly requestsPerSecond?: number;
};
