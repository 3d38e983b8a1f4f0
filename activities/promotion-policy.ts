import type { Unit } from '../clients/confighub/index.ts';
import { decide, isUnasked } from '../drift/decide/policy.ts';
import { promotionFacts } from '../lib/promotion-facts.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import type { FilterMembership } from './filter-membership.ts';
import { frozenDuring } from './judge.ts';

/** A promotion, and taking one back, is judged by the receiving environment's policy, as a desired change that is not applied yet. */
export async function promotionPolicy(
  deps: ActivityDeps,
  membership: FilterMembership,
  environment: string,
  unit: Unit,
) {
  const { config, source } = environmentOf(deps, environment);
  const setLabels = await source.setLabelsOf?.(unit);
  const filters = await membership.filtersOf(unit);
  const about = { unit, filters, ...(setLabels && { setLabels }), atMs: Date.now() };
  const facts = promotionFacts(deps.config, config, about);
  const decision = decide(deps.config.policies, facts, deps.config.autoFix);
  // A dry run carries nothing out by itself; whoever starts a promotion wants it done, and is asked.
  const outcome: 'auto' | 'ask' = isUnasked(decision) ? 'auto' : 'ask';
  return {
    rule: decision.policy,
    outcome,
    ...frozenDuring([decision], decision.policy, facts.atMs),
  };
}
