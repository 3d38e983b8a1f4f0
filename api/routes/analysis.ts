import { AppError } from '../../lib/errors.ts';
import { analysisWorkflowId } from '../../lib/workflow-id.ts';
import { analyzeBody } from '../analysis-scope.ts';
import { presentRun, presentWorkflow } from '../present.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ApiDeps } from '../types.ts';

/** Each reads every object that it covers, from ConfigHub and from the cluster. */
const MAX_RUNNING = 5;

/** Analysis on demand. */
export function analysisRoutes({ store, links, analyses }: ApiDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/api/v1/analyze',
      summary: 'Compare now; a call while the same scope is being compared answers with that run',
      access: 'approver',
      query: schemas.noQuery,
      body: analyzeBody,
      answer: schemas.analysisStarted,
      failure: 'Failed to trigger drift analysis',
      async handle({ body, person }) {
        const scope = Object.fromEntries(
          Object.entries(body).filter(([, value]) => value !== undefined),
        );
        const others = await store.analysisRuns.countRunning(analysisWorkflowId(scope));
        if (others >= MAX_RUNNING) {
          const message = `${others} analyses of other scopes are running; wait until one has ended`;
          throw new AppError('TOO_MANY_REQUESTS', message);
        }
        const { runId, workflowId, alreadyRunning } = await analyses.start(scope, person.name);
        return {
          body: {
            message: alreadyRunning
              ? 'Drift analysis is already running'
              : 'Drift analysis triggered successfully',
            status: alreadyRunning ? 'running' : 'started',
            run_id: runId,
            ...presentWorkflow(links, workflowId),
          },
        };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/analysis-runs/:id',
      summary: 'How far an analysis is and what it found',
      access: 'viewer',
      query: schemas.noQuery,
      answer: schemas.analysisRun,
      failure: 'Failed to retrieve analysis run',
      notFound: 'Analysis run not found',
      async handle({ params }) {
        const run = await store.analysisRuns.find(params['id'] ?? '');
        if (!run) throw new AppError('NOT_FOUND', `there is no analysis run ${params['id']}`);
        return { body: presentRun(links, run) };
      },
    }),
  ];
}
