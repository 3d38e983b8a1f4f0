import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ApiDeps } from '../types.ts';

/** The configured ignore rules with what they decided so far: a rule without hits hides nothing any more. */
export function ignoreRulesRoute({ store, ignoreRules = [] }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/api/v1/ignore-rules',
    summary: 'Configured ignore rules, and what they decided last',
    access: 'viewer',
    query: schemas.noQuery,
    answer: schemas.ignoreRules,
    failure: 'Failed to retrieve ignore rules',
    async handle() {
      const counts = new Map((await store.ruleHits.list()).map((one) => [one.rule, one]));
      const rules = ignoreRules.map(({ id, effect, reason, expires = null }) => {
        const count = counts.get(id);
        return {
          id,
          effect,
          reason,
          expires,
          hits: count?.hits ?? 0,
          last_hit: count?.lastHit ?? null,
          last_environment: count?.environment ?? null,
          last_resource: count?.resource ?? null,
          last_path: count?.path ?? null,
        };
      });
      return { body: { ignore_rules: rules, count: rules.length } };
    },
  });
}
