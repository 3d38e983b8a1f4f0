import { isPerson } from './author.ts';
import { summarise } from './describe.ts';
import { overwrittenKept, type Plan } from './plan.ts';
import type { PolicyDecision } from './policy.ts';
import type { Finding, Question } from './record.ts';
import { formatResource } from './resource-ref.ts';

/** The question about one drift, as every door shows it. `nowMs` is when it is asked, in milliseconds since the epoch. */
export function makeQuestion(about: {
  readonly episodeId: string;
  readonly workflowId: string;
  readonly number: number;
  readonly finding: Finding;
  readonly decision: PolicyDecision;
  readonly planned: { readonly plans: readonly Plan[]; readonly digest: string };
  readonly nowMs: number;
}): Question {
  const { finding, decision, planned, nowMs } = about;
  const { policy } = decision;
  // managedFields name tools, never people: only an audit log names authors.
  const isKnown = finding.author !== undefined && isPerson(finding.author);
  const extra = policy.unknownAuthor === 'extra-approver' && !isKnown ? 1 : 0;
  return {
    id: `${about.episodeId}-${about.number}`,
    kind: 'drift',
    workflowId: about.workflowId,
    episodeId: about.episodeId,
    number: about.number,
    environment: finding.ref.environment,
    ref: finding.ref,
    severity: finding.severity,
    summary: `${formatResource(finding.ref)}: ${summarise(finding)}${isKnown ? `, by ${finding.author}` : ''}${overwriting(planned.plans)}`,
    finding,
    plans: planned.plans,
    offered: 'revert',
    digest: planned.digest,
    rule: decision.rule,
    quorum: policy.quorum + extra,
    approvers: policy.approvers,
    approvals: [],
    ...(!policy.selfApproval && finding.authors && { barred: finding.authors }),
    status: 'open',
    askedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + policy.expiryMs).toISOString(),
  };
}

const MAX_NAMED = 3;

/** What reverting would write over although a rule keeps it: why people are asked even where a rule says `auto`. */
function overwriting(plans: readonly Plan[]): string {
  const revert = plans.find((plan) => plan.fix === 'revert');
  const kept = revert ? overwrittenKept(revert) : [];
  if (kept.length === 0) return '';
  const more = kept.length > MAX_NAMED ? ` and ${kept.length - MAX_NAMED} more` : '';
  return `; reverting also overwrites ${kept.slice(0, MAX_NAMED).join(', ')}${more}`;
}
