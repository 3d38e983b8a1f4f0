import { past } from '../../drift/decide/question.ts';
import type { Question } from '../../drift/decide/record.ts';
import { AppError } from '../../lib/errors.ts';
import { type Answer, takeDecision } from '../decide.ts';
import { presentDecision, presentQuestion } from '../present.ts';
import { defineRoute, type Route, type RouteRequest } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ApiDeps } from '../types.ts';
import { findAnalysis, findRecord } from './records.ts';

const NOT_FOUND = 'Question not found';

/** What waits for people, and their answers. */
export function questionRoutes(deps: ApiDeps): readonly Route[] {
  const { store, links } = deps;
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/questions',
      summary: 'What waits for a decision: drifts and promotions, newest first',
      access: 'viewer',
      query: schemas.questionQuery,
      answer: schemas.questionList,
      failure: 'Failed to retrieve questions',
      async handle({ query: { status, environment, limit } }) {
        const found = await store.questions.list({
          limit,
          ...(status !== 'all' && { status }),
          ...(environment !== undefined && { environment }),
        });
        const questions = found.map((question) => presentQuestion(links, question));
        return { body: { questions, count: questions.length } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/questions/:id',
      summary: 'One question with the answers given so far',
      access: 'viewer',
      query: schemas.noQuery,
      answer: schemas.questionDetail,
      failure: 'Failed to retrieve question',
      notFound: NOT_FOUND,
      async handle({ params }) {
        const question = await findQuestion(deps, params['id'] ?? '');
        const rows = await store.decisions.listFor(question.id);
        const decisions = rows.map(presentDecision);
        const analysis = await findAnalysis(store, question);
        return { body: { ...presentQuestion(links, question), decisions, analysis } };
      },
    }),
    ...decisionRoutes(deps),
  ];
}

function decisionRoutes(deps: ApiDeps): readonly Route[] {
  const decision = {
    method: 'post',
    // Members of a group may decide without the role, and who may not decide is kept on record.
    access: 'viewer',
    answer: schemas.decisionTaken,
    failure: 'Failed to take the decision',
  } as const;
  return [
    defineRoute({
      ...decision,
      path: '/api/v1/questions/:id/decisions',
      summary: 'Answer a question',
      query: schemas.noQuery,
      body: schemas.decisionBody,
      notFound: NOT_FOUND,
      async handle(request) {
        return decide(deps, await findQuestion(deps, request.params['id'] ?? ''), request);
      },
    }),
    defineRoute({
      ...decision,
      path: '/api/v1/drift-records/:resourceId/decisions',
      summary: 'Answer the open question about a resource',
      query: schemas.resourceQuery,
      body: schemas.decisionBody,
      notFound: 'Drift record not found',
      async handle(request) {
        const resourceId = request.params['resourceId'] ?? '';
        const { ref } = await findRecord(deps.store, resourceId, request.query.group);
        const question = await deps.store.questions.openFor(ref);
        if (!question) {
          throw new AppError('QUESTION_CLOSED', `nothing waits for a decision about ${resourceId}`);
        }
        return decide(deps, question, request);
      },
    }),
  ];
}

async function decide(
  deps: ApiDeps,
  question: Question,
  { body, person, door, requestId }: RouteRequest<unknown, Answer>,
) {
  const answerer = { person, door, requestId };
  const { decisionId, status } = await takeDecision(deps, question, body, answerer);
  return {
    body: {
      message: `Question ${question.id} ${past(body.decision)} by ${person.name}`,
      status,
      result: 'taken',
      decision_id: decisionId,
      question_id: question.id,
      decision: body.decision,
      person: person.name,
    },
  };
}

async function findQuestion({ store }: ApiDeps, id: string): Promise<Question> {
  const question = await store.questions.find(id);
  if (!question) throw new AppError('NOT_FOUND', `there is no question ${id}`);
  return question;
}
