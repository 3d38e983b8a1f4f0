import type { IgnoreRule } from '../drift/ignore-rule.ts';
import type { Plan } from '../drift/plan.ts';
import type { PolicyDecision } from '../drift/policy.ts';
import type { AnalysisScope, DecisionRow, Question } from '../drift/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Person } from '../lib/config.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Store } from '../store/types.ts';

export type { Person };

/** What the workflow answered to a decision. Its refusals are values; that Temporal is away is thrown. */
export type DecisionAnswer =
  | { readonly ok: true; readonly status: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

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
};

export type ApiDeps = {
  readonly store: Store;
  readonly people: readonly Person[];
  /** `none` makes everybody who reaches the listener an admin; `startApi` allows it on loopback addresses only. */
  readonly auth: 'token' | 'none';
  readonly log: Log;
  readonly metrics: Metrics;
  readonly links: { workflowUrl(workflowId: string, runId?: string): string };
  readonly decisions: { decide(question: Question, row: DecisionRow): Promise<DecisionAnswer> };
  readonly drifts: {
    /** Has a resource's run ask, whatever was decided before. */
    askAgain(workflowId: string, person: string): Promise<string>;
    /** What would be done about a resource now. */
    preview(ref: ResourceRef): Promise<Preview>;
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
  /** As configured. */
  readonly ignoreRules?: readonly Pick<IgnoreRule, 'id' | 'effect' | 'reason' | 'expires'>[];
  /** Absent = audit events are not taken. */
  readonly audit?: AuditDeps;
  readonly readiness: () => Promise<readonly Readiness[]>;
  readonly clock?: () => Date;
  /** Requests of one person (or one address without token) per second, averaged over ten; default 200. */
  readonly requestsPerSecond?: number;
};
