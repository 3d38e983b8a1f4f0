import type { Interval } from '../time-window.ts';
import type { Plan } from './plan.ts';
import type { PolicyRule } from './policy-rule.ts';
import type { Question } from './record.ts';

/** The question about bringing units forward or back, as every door shows it. `nowMs` is when it is asked. */
export function makeUnitQuestion(about: {
  readonly kind: 'promotion' | 'rollback';
  readonly episodeId: string;
  readonly workflowId: string;
  readonly number: number;
  readonly environment: string;
  /** `space/slug`. */
  readonly unit: string;
  readonly summary: string;
  readonly planned: { readonly plans: readonly Plan[]; readonly digest: string };
  readonly rule: PolicyRule;
  readonly nowMs: number;
  readonly frozen?: readonly Interval[];
  /** Who started it by a command: the change is theirs. */
  readonly requestedBy?: string;
}): Question {
  const { rule, planned, nowMs, frozen, requestedBy } = about;
  return {
    id: `${about.episodeId}-${about.number}`,
    kind: about.kind,
    workflowId: about.workflowId,
    episodeId: about.episodeId,
    number: about.number,
    environment: about.environment,
    unit: about.unit,
    severity: 'info',
    summary: `${about.summary}${requestedBy === undefined ? '' : `, wanted by ${requestedBy}`}`,
    plans: planned.plans,
    offered: 'revert',
    digest: planned.digest,
    rule: rule.name,
    quorum: rule.quorum,
    approvers: rule.approvers,
    approvals: [],
    ...(rule.breakGlass && { breakGlass: rule.breakGlass }),
    ...(frozen && frozen.length > 0 && { frozen }),
    ...(requestedBy !== undefined && !rule.selfApproval && { barred: [requestedBy] }),
    status: 'open',
    askedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + rule.expiryMs).toISOString(),
  };
}
