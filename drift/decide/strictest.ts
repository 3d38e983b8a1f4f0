import { askInstead, isUnasked, type PolicyDecision } from './policy-rule.ts';

/** A drift of another object of the same unit, and what its own rule says. */
export type Sibling = {
  /** `Kind/namespace/name`. */
  readonly resource: string;
  readonly decision: PolicyDecision;
};

/**
 * What holds for a plan that changes several drifted objects: the strictest of their rules. Where a rule only tells or records, or
 * is a dry run, the plan would change what nobody meant to be changed without asking: then it is asked.
 */
export function strictestOf(own: PolicyDecision, siblings: readonly Sibling[]): PolicyDecision {
  let strictest = own;
  for (const { resource, decision } of siblings) {
    const because = `${resource} drifts in the same unit, and rule ${decision.rule} does not fix it by itself`;
    const judged = isUnasked(decision) ? decision : askInstead(decision, because);
    if (rankOf(judged) > rankOf(strictest)) strictest = judged;
  }
  return strictest;
}

/** Asking before fixing, then more people before fewer, then named ones before everybody, then without a way around them. */
function rankOf({ outcome, policy }: PolicyDecision): number {
  const asks = outcome === 'auto' ? 0 : 1_000;
  const people = policy.quorum + (policy.unknownAuthor === 'extra-approver' ? 1 : 0);
  const named = policy.approvers.length > 0 ? 2 : 0;
  return asks + people * 10 + named + (policy.breakGlass ? 0 : 1);
}
