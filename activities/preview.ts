import type { PolicyDecision } from '../drift/decide/policy.ts';
import { AppError } from '../lib/errors.ts';
import type { ActivityDeps } from './deps.ts';
import { lookAt } from './detect.ts';
import type { FilterMembership } from './filter-membership.ts';
import { judge } from './judge.ts';
import { rulesFor } from './remember-finding.ts';
import type { Activities, Preview } from './types.ts';

/** Counts matter to automatic fixes that are about to happen. */
const NOT_COUNTED = { of: async () => 0 };

/** What would be done about a resource now. Reads only: no episode, no question. */
export function createPreviewActivities(
  deps: ActivityDeps,
  membership: FilterMembership,
  plan: Activities['plan'],
): Pick<Activities, 'preview'> {
  return {
    async preview({ ref, episodeId, key }): Promise<Preview> {
      const look = await lookAt(deps, membership, ref);
      if (!look) throw new AppError('NOT_FOUND', 'nothing declares this resource');
      if (!look.finding) return { plans: [] };
      const { finding, facts } = look;
      const rules = rulesFor(deps, ref.environment);
      const surroundings = { detectedMs: Date.now() };
      const { decision } = await judge(deps, NOT_COUNTED, rules, { finding, facts }, surroundings);
      const step = { episodeId, key, ref, looksOnly: true } as const;
      const planned = await plan({ ...step, finding, decision });
      return { plans: planned.plans, decision: short(planned.decision) };
    },
  };
}

function short({ rule, outcome, because }: PolicyDecision): NonNullable<Preview['decision']> {
  return { rule, outcome, ...(because !== undefined && { because }) };
}
