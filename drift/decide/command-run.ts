import { gravestFirst, type Plan } from './plan.ts';
import type { PolicyOutcome } from './policy-rule.ts';

/** What people start by a command and do not wait for: it runs in a workflow of its own. */
export type CommandKind = 'rollback' | 'correction' | 'promotion';

/** `waiting`: for people's decision; `refused`: they decided against it, or nobody did. */
export type CommandStatus = 'running' | 'waiting' | 'completed' | 'refused' | 'failed';

/** What became of one unit. */
export type UnitResult = {
  readonly environment: string;
  /** `space/slug`. */
  readonly unit: string;
  /** `asked`: a question about it is open; `unchanged`: there was nothing to do. */
  readonly result: 'fixed' | 'promoted' | 'restored' | 'asked' | 'refused' | 'failed' | 'unchanged';
  /** A sentence for people. */
  readonly reason: string;
  readonly questionId?: string;
};

export type CommandRun = {
  readonly runId: string;
  readonly kind: CommandKind;
  readonly workflowId: string;
  /** What it is about, as it was named: a change set, a filter, `dev to staging`. */
  readonly subject: string;
  readonly requestedBy: string;
  readonly status: CommandStatus;
  readonly message: string;
  /** `space/slug` of the ConfigHub ChangeSet around its writes. */
  readonly changeSet?: string;
  readonly startedAt: string;
  readonly endedAt?: string;
};

/** Between which environments, or from which space. */
export type PromotionScope = { readonly from: string; readonly to: string; readonly unit?: string };

/** Which drifted units a bulk correction is about. */
export type CorrectionScope = {
  /** Slug, or `space/slug`, of a ConfigHub Filter over units. */
  readonly filter: string;
  /** Slug of the units' space; `*` = all. */
  readonly space: string;
  readonly environment?: string;
};

/** `dev to staging: backend-api`; without the unit where all are meant. */
export function describePromotion({ from, to, unit }: PromotionScope): string {
  return `${from} to ${to}${unit === undefined ? '' : `: ${unit}`}`;
}

/** `bulk in all spaces of dev`. */
export function describeCorrection({ filter, space, environment }: CorrectionScope): string {
  const where = space === '*' ? 'in all spaces' : `in space ${space}`;
  return `${filter} ${where}${environment === undefined ? '' : ` of ${environment}`}`;
}

/** What a command would do about one unit, or one drifted resource of it. */
export type PlannedUnit = {
  readonly environment: string;
  /** `space/slug`. */
  readonly unit: string;
  /** `Kind/namespace/name`, where the plan is one resource's. */
  readonly resource?: string;
  /** What the environment's policy says; `none` = there is nothing to do. */
  readonly outcome: PolicyOutcome | 'none';
  /** Why it is so, where that is not the rule alone. */
  readonly because?: string;
  readonly rule?: string;
  readonly plan?: Plan;
};

/** Beyond this a plan names the first fields and says how many more there are. */
const MAX_SHOWN_REACH = 10;

/** The plan as a list of many plans shows it: every step, and as much of its reach as people read there. */
export function shortened(plan: Plan): Plan {
  const { reach } = plan;
  if (reach.length <= MAX_SHOWN_REACH) return plan;
  const left = reach.length - MAX_SHOWN_REACH;
  const rest = { environment: '', resource: `… and ${left} more fields`, path: '' };
  return { ...plan, reach: [...gravestFirst(reach).slice(0, MAX_SHOWN_REACH), rest] };
}

/** How often each result occurred. */
export type Tally = Readonly<Partial<Record<UnitResult['result'], number>>>;

export function addToTally(tally: Tally, results: readonly Pick<UnitResult, 'result'>[]): Tally {
  const sum: Partial<Record<UnitResult['result'], number>> = { ...tally };
  for (const { result } of results) sum[result] = (sum[result] ?? 0) + 1;
  return sum;
}

/** `4 fixed, 2 asked, 1 failed`; what did not occur is left out. */
export function describeTally(tally: Tally): string {
  const entries = Object.entries(tally);
  if (entries.length === 0) return 'there was nothing to do';
  return entries.map(([result, count]) => `${count} ${result}`).join(', ');
}
