import { refusingUnknownEnvironments } from '../known-environment.ts';
import { openApiRoute } from '../openapi.ts';
import type { Route } from '../route.ts';
import type { ApiDeps } from '../types.ts';
import { analysisRoutes } from './analysis.ts';
import { commandRoutes } from './commands.ts';
import { driftRequestRoutes } from './drift-requests.ts';
import { healthRoutes } from './health.ts';
import { ignoreRulesRoute } from './ignore-rules.ts';
import { metricsRoute } from './metrics.ts';
import { operationRoutes } from './operations.ts';
import { questionRoutes } from './questions.ts';
import { recordRoutes } from './records.ts';
import { statisticsRoute } from './statistics.ts';
import { summaryRoute } from './summaries.ts';

/** Every route of the api; fixed paths come before those with parameters. */
export function allRoutes(deps: ApiDeps): readonly Route[] {
  const all = [
    ...healthRoutes(deps),
    metricsRoute(deps.metrics, 'viewer'),
    ...recordRoutes(deps),
    ...driftRequestRoutes(deps),
    statisticsRoute(deps),
    summaryRoute(deps),
    ignoreRulesRoute(deps),
    ...analysisRoutes(deps),
    ...questionRoutes(deps),
    ...(deps.commands ? commandRoutes({ ...deps, commands: deps.commands }) : []),
    ...operationRoutes(deps),
  ];
  const routes = refusingUnknownEnvironments(all, deps);
  return [...routes, openApiRoute(routes)];
}
