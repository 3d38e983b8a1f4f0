import { describeWindow, endOf, isWithin } from '../time-window.ts';
import { mismatch } from './policy-match.ts';
import {
  DEFAULT_RULE,
  type PolicyDecision,
  type PolicyFacts,
  type PolicyRule,
} from './policy-rule.ts';

export type {
  Escalation,
  Fix,
  Freeze,
  PolicyDecision,
  PolicyFacts,
  PolicyMatch,
  PolicyOutcome,
  PolicyRule,
} from './policy-rule.ts';
export { askInstead, DEFAULT_RULE, isUnasked } from './policy-rule.ts';

/**
 * The first rule that matches decides. `auto` acts as `ask` with `autoFix` off, for what is reserved for people, and while
 * one of the rule's freezes lasts.
 */
export function decide(
  rules: readonly PolicyRule[],
  facts: PolicyFacts,
  autoFix: boolean,
): PolicyDecision {
  const found = rules.find((one) => mismatch(one.match, facts) === undefined) ?? DEFAULT_RULE;
  const policy = { ...found, unknownAuthor: found.unknownAuthor ?? usualFor(found, facts) };
  const decision = { rule: policy.name, outcome: policy.outcome, policy };
  if (policy.outcome !== 'auto') return decision;
  const because = autoFix ? (facts.reserved ?? frozenUntil(policy, facts.atMs)) : 'AUTO_FIX is off';
  return because === undefined ? decision : { ...decision, outcome: 'ask', because };
}

/** What each rule says about a drift: `mismatch` is absent for those that match, of which the first decides. */
export function explainRules(
  rules: readonly PolicyRule[],
  facts: PolicyFacts,
): readonly { readonly rule: string; readonly mismatch?: string }[] {
  return [...rules, DEFAULT_RULE].map(({ name, match }) => {
    const why = mismatch(match, facts);
    return why === undefined ? { rule: name } : { rule: name, mismatch: why };
  });
}

/** What nobody can fulfil would leave production without approvals. */
function usualFor(
  { quorum }: PolicyRule,
  { production }: PolicyFacts,
): NonNullable<PolicyRule['unknownAuthor']> {
  return production && production.approvers > quorum ? 'extra-approver' : 'allow';
}

function frozenUntil({ freezes }: PolicyRule, atMs: number): string | undefined {
  const freeze = freezes.find((one) => isWithin(one, atMs));
  if (!freeze) return undefined;
  const end = new Date(endOf(freeze, atMs)).toISOString();
  return `nothing is fixed by itself until ${end} (freeze ${describeWindow(freeze)})`;
}
