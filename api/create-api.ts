import express, { type Express } from 'express';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { createAuthenticate } from './auth.ts';
import { identifyRequest, mountRoutes } from './mount.ts';
import { createRateLimit } from './rate-limit.ts';
import { allRoutes } from './routes/index.ts';
import { metricsRoute } from './routes/metrics.ts';
import type { ApiDeps } from './types.ts';

const DEFAULT_REQUESTS_PER_SECOND = 200;
/** Wrong tokens per address and second, averaged over ten. */
const WRONG_TOKENS_PER_SECOND = 5;

/**
 * The REST API over a store and the workflows behind `deps`. DriftGuard's routes keep their names and shapes; errors are
 * RFC 9457 problems. `startApi` makes it listen.
 */
export function createApi(deps: ApiDeps): Express {
  const clock = deps.clock ?? (() => new Date());
  const app = bareApp();
  app.locals['auth'] = deps.auth;
  mountRoutes(app, allRoutes(deps), {
    authenticate: createAuthenticate(deps.auth, deps.people),
    limitPerson: createRateLimit(deps.requestsPerSecond ?? DEFAULT_REQUESTS_PER_SECOND, clock),
    limitAddress: createRateLimit(WRONG_TOKENS_PER_SECOND, clock),
    metrics: deps.metrics,
    log: deps.log,
  });
  return app;
}

/** `/metrics` alone, without a token, for a port that only Prometheus reaches. */
export function createMetricsApi({ metrics, log }: { metrics: Metrics; log: Log }): Express {
  const app = bareApp();
  mountRoutes(app, [metricsRoute(metrics, 'public')], {
    authenticate: createAuthenticate('token', []),
    limitPerson: () => {},
    limitAddress: () => {},
    metrics,
    log,
  });
  return app;
}

function bareApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  // Answers change with every drift; hashing each would cost more than it saves.
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(identifyRequest);
  return app;
}
