import { presentStatistics } from '../present.ts';
import { presentCosts } from '../present-advice.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ApiDeps } from '../types.ts';

/** Counts over all records, or those of one environment. */
export function statisticsRoute({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/api/v1/statistics',
    summary: 'Counts over all records',
    access: 'viewer',
    query: schemas.statisticsQuery,
    answer: schemas.statistics,
    failure: 'Failed to retrieve statistics',
    async handle({ query: { environment } }) {
      const within = <T extends { readonly environment: string }>(counts: readonly T[]) =>
        counts.filter((one) => environment === undefined || one.environment === environment);
      const [counts, episodes, questions, costs] = await Promise.all([
        store.records.statistics(environment),
        store.episodes.countOpen(),
        store.questions.countOpen(),
        store.costs.totals(),
      ]);
      const bySeverity = { info: 0, low: 0, medium: 0, high: 0, critical: 0 };
      for (const { severity, count } of within(episodes)) bySeverity[severity] += count;
      const open = within(questions).reduce((sum, one) => sum + one.count, 0);
      return {
        body: {
          statistics: {
            ...presentStatistics(counts),
            open_questions: open,
            active_by_severity: bySeverity,
            ...presentCosts(costs, environment),
          },
        },
      };
    },
  });
}
