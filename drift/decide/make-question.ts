import { formatResource } from '../resource-ref.ts';
import type { Interval } from '../time-window.ts';
import { isGroup } from './approver-group.ts';
import { isPerson } from './author.ts';
import { summarise } from './describe.ts';
import type { Fight } from './fight.ts';
import { describeDeleted, fewOf, overwrittenKept, type Plan } from './plan.ts';
import type { Fix, PolicyDecision } from './policy.ts';
import type { Finding, Question } from './record.ts';

/** The question about one drift, as every door shows it. `nowMs` is when it is asked, in milliseconds since the epoch. */
export function makeQuestion(about: {
  readonly episodeId: string;
  readonly workflowId: string;
  readonly number: number;
  readonly finding: Finding;
  readonly decision: PolicyDecision;
  readonly planned: { readonly plans: readonly Plan[]; readonly digest: string };
  readonly nowMs: number;
  readonly fights?: readonly Fight[];
  readonly frozen?: readonly Interval[];
  /** What whoever decides must know beside the difference. */
  readonly caution?: string;
}): Question {
  const { finding, decision, planned, nowMs } = about;
  const { policy } = decision;
  // managedFields name tools, never people: only an audit log names authors.
  const isKnown = finding.author !== undefined && isPerson(finding.author);
  // Members of groups need no entry in `people`: one who writes to clusters under another name would not be recognised.
  const mayHide = finding.isAuthorUnlisted === true && policy.approvers.some(isGroup);
  const extra = policy.unknownAuthor === 'extra-approver' && (!isKnown || mayHide) ? 1 : 0;
  return {
    id: `${about.episodeId}-${about.number}`,
    kind: 'drift',
    workflowId: about.workflowId,
    episodeId: about.episodeId,
    number: about.number,
    environment: finding.ref.environment,
    ref: finding.ref,
    severity: finding.severity,
    summary: `${formatResource(finding.ref)}: ${summarise(finding)}${isKnown ? `, by ${finding.author}` : ''}${besides(planned.plans)}${about.caution === undefined ? '' : `; ${about.caution}`}`,
    finding,
    ...offeredFirst(planned.plans, policy.offer),
    digest: planned.digest,
    rule: decision.rule,
    quorum: policy.quorum + extra,
    approvers: policy.approvers,
    approvals: [],
    ...(policy.breakGlass && { breakGlass: policy.breakGlass }),
    ...(decision.because !== undefined && { because: decision.because }),
    ...(about.fights && { fights: about.fights }),
    ...(about.frozen && about.frozen.length > 0 && { frozen: about.frozen }),
    ...(!policy.selfApproval && finding.authors && { barred: finding.authors }),
    status: 'open',
    askedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + policy.expiryMs).toISOString(),
  };
}

/** The plans with the preferred fix in front, where it can be offered at all. */
function offeredFirst(
  plans: readonly Plan[],
  preferred: Fix,
): { readonly plans: readonly Plan[]; readonly offered: Fix } {
  const first = plans.find((one) => one.fix === preferred) ?? plans[0];
  if (!first) return { plans, offered: preferred };
  return { plans: [first, ...plans.filter((one) => one !== first)], offered: first.fix };
}

/** What reverting would write over although a rule keeps it, and delete: why people are asked even where a rule says `auto`. */
function besides(plans: readonly Plan[]): string {
  const revert = plans.find((plan) => plan.fix === 'revert');
  if (!revert) return '';
  const kept = fewOf(overwrittenKept(revert));
  const deleted = describeDeleted(revert);
  return [
    ...(kept ? [`; reverting also overwrites ${kept}`] : []),
    ...(deleted ? [`; reverting also deletes ${deleted}`] : []),
  ].join('');
}
