import { groupDrifts } from '../../drift/advice/group-drifts.ts';
import type { Summarized } from '../../drift/advice/summary.ts';
import { MAX_SUMMARIZED } from '../../drift/advice/summary-prompt.ts';
import { presentGroup, presentSummary } from '../present-advice.ts';
import { asAppError } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { noQuery } from '../schemas.ts';
import * as schemas from '../schemas-advice.ts';
import type { ApiDeps } from '../types.ts';

/** All open drifts together: groups by rule, and what Claude makes of them where it is there. */
export function summaryRoute({ store, summaries, log }: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/api/v1/summaries',
    summary: 'What open drifts have in common, by rule and, where configured, by Claude',
    access: 'viewer',
    query: noQuery,
    body: schemas.summaryBody,
    answer: schemas.summary,
    failure: 'Failed to summarize',
    async handle({ body: { environment } }) {
      const { items } = await store.records.list({
        status: 'active',
        limit: MAX_SUMMARIZED,
        ...(environment !== undefined && { environment }),
      });
      const drifts = items.flatMap(({ finding, firstDetected }) =>
        finding && firstDetected !== undefined ? [{ finding, firstDetected }] : [],
      );
      const { summary, missing } = await adviceOn(drifts.length, summaries, environment);
      if (missing !== undefined) log.debug({ environment, missing }, 'summarized without Claude');
      return {
        body: {
          environment: environment ?? null,
          drifts: drifts.length,
          groups: groupDrifts(drifts).map(presentGroup),
          advice: presentSummary(summary),
          advice_missing: missing ?? null,
        },
      };
    },
  });
}

/** Whatever keeps Claude from answering, the groups are worth having. */
async function adviceOn(
  count: number,
  summaries: ApiDeps['summaries'],
  environment: string | undefined,
): Promise<Partial<Summarized>> {
  if (count === 0) return {};
  if (!summaries) return { missing: 'Claude is not configured' };
  try {
    return await summaries.summarize(environment);
  } catch (error) {
    return { missing: asAppError(error).message };
  }
}
