import { createFilterMembership } from '../activities/filter-membership.ts';
import type { ConfigHub, Unit } from '../clients/confighub/index.ts';
import { createUnitSets } from '../desired/unit-sets.ts';
import { decide, isUnasked } from '../drift/decide/policy.ts';
import type { Config } from '../lib/config.ts';
import { promotionFacts } from '../lib/promotion-facts.ts';

export type PolicyConfig = Pick<
  Config,
  'environments' | 'people' | 'slack' | 'policies' | 'autoFix' | 'confighub'
>;

const MAX_AGE_MS = 60_000;

/**
 * The rules that have people asked before one of these units of an environment changes, as they do before a promotion; none where
 * every unit may change by itself. An environment that no rule is about asks.
 */
export async function rulesThatAsk(
  { config, hub }: { readonly config: PolicyConfig; readonly hub: ConfigHub },
  environment: Parameters<typeof promotionFacts>[1],
  units: readonly Unit[],
): Promise<readonly string[]> {
  const { filtersSpace } = config.confighub;
  const membership = createFilterMembership(hub, {
    slugs: new Set(config.policies.flatMap((rule) => rule.match.filters ?? [])),
    maxAgeMs: MAX_AGE_MS,
    now: Date.now,
    ...(filtersSpace !== undefined && { filtersSpace }),
  });
  const sets = createUnitSets(hub, Date.now);
  const rules = new Set<string>();
  for (const unit of units) {
    const setLabels = await sets.labelsOf(unit);
    const filters = await membership.filtersOf(unit);
    const about = { unit, filters, setLabels, atMs: Date.now() };
    const facts = promotionFacts(config, environment, about);
    const decision = decide(config.policies, facts, config.autoFix);
    if (!isUnasked(decision)) rules.add(decision.rule);
  }
  return [...rules];
}
