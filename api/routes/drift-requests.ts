import { resourceId } from '../../drift/resource-ref.ts';
import { AppError } from '../../lib/errors.ts';
import { presentPlan, presentRecord } from '../present.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ApiDeps } from '../types.ts';
import { findRecord } from './records.ts';

const NOT_FOUND = 'Drift record not found';

/** What people may want of a drift beside deciding: to see its plan, and to be asked about it. */
export function driftRequestRoutes(deps: ApiDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/drift-records/:resourceId/plan',
      summary:
        'What would be done about a drift: the plans of its open question, or worked out now',
      access: 'viewer',
      query: schemas.resourceQuery,
      answer: schemas.driftPlan,
      failure: 'Failed to plan',
      notFound: NOT_FOUND,
      async handle({ params, query }) {
        const { ref } = await findRecord(deps.store, params['resourceId'] ?? '', query.group);
        const about = { resource_id: resourceId(ref), environment: ref.environment };
        const question = await deps.store.questions.openFor(ref);
        if (question) {
          const { id, digest, rule, because, plans } = question;
          const asked = { question_id: id, digest, rule, outcome: 'ask', because: because ?? null };
          return { body: { ...about, ...asked, plans: plans.map(presentPlan) } };
        }
        const { plans, decision } = await deps.drifts.preview(ref);
        const worked = {
          question_id: null,
          digest: null,
          rule: decision?.rule ?? null,
          outcome: decision?.outcome ?? null,
          because: decision?.because ?? null,
        };
        return { body: { ...about, ...worked, plans: plans.map(presentPlan) } };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/drift-records/:resourceId/ask',
      summary: 'Ask about a drift that was decided about, or that no rule asks about',
      access: 'approver',
      query: schemas.resourceQuery,
      answer: schemas.driftAsked,
      failure: 'Failed to ask',
      notFound: NOT_FOUND,
      async handle({ params, query, person }) {
        const id = params['resourceId'] ?? '';
        const record = await findRecord(deps.store, id, query.group);
        if (record.status !== 'active' || record.workflowId === undefined) {
          throw new AppError('CONFLICT', `${id} does not drift`);
        }
        const message = await deps.drifts.askAgain(record.workflowId, person.name);
        const { resource_id, environment } = presentRecord(deps.links, record);
        return { body: { message, resource_id, environment } };
      },
    }),
  ];
}
