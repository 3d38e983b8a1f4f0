import express, { type Express } from 'express';
import { createAuthenticate } from './auth.ts';
import { identifyRequest, mountRoutes } from './mount.ts';
import { mountAudit } from './mount-audit.ts';
import { mountCodec } from './mount-codec.ts';
import { createRateLimit } from './rate-limit.ts';
import { healthRoutes } from './routes/health.ts';
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
  const { store, metrics } = deps;
  metrics.readAtScrape({
    openEpisodes: () => store.episodes.countOpen(),
    openQuestions: () => store.questions.countOpen(),
    costs: () => store.costs.totals(),
    activeConnections: () => store.activeConnections(),
  });
  const app = bareApp();
  app.locals['auth'] = deps.auth;
  // Before anything that reads bodies: the signature is of their bytes.
  if (deps.slack) app.use(deps.slack);
  const limitAddress = createRateLimit(WRONG_TOKENS_PER_SECOND, clock);
  if (deps.audit) mountAudit(app, deps.audit, { store, metrics, log: deps.log, limitAddress });
  const authenticate = createAuthenticate(deps.auth, deps.people);
  if (deps.codec) mountCodec(app, deps.codec, { authenticate, limitAddress, metrics });
  mountRoutes(app, allRoutes(deps), {
    authenticate,
    limitPerson: createRateLimit(deps.requestsPerSecond ?? DEFAULT_REQUESTS_PER_SECOND, clock),
    limitAddress,
    metrics,
    log: deps.log,
  });
  return app;
}

/**
 * `/metrics`, `/health` and `/ready`, all without a token: for a port that only Prometheus and the kubelet reach, and for
 * processes without the api.
 */
export function createMetricsApi(
  deps: Pick<ApiDeps, 'metrics' | 'log' | 'readiness' | 'clock'>,
): Express {
  const { metrics, log } = deps;
  const app = bareApp();
  const routes = [...healthRoutes(deps), metricsRoute(metrics, 'public')];
  mountRoutes(app, routes, { ...OPEN_TO_ALL, metrics, log });
  return app;
}

/** For apps whose routes are all public. */
const OPEN_TO_ALL = {
  authenticate: createAuthenticate('token', []),
  limitPerson: () => {},
  limitAddress: () => {},
} as const;

/** The api while its parts are waited for: health and readiness; everything else is refused with STARTING. */
export function createStartingApi(
  deps: Pick<ApiDeps, 'auth' | 'metrics' | 'log' | 'readiness' | 'clock'>,
): Express {
  const { metrics, log } = deps;
  const app = bareApp();
  // What `startApi` refuses for the finished api, it refuses now.
  app.locals['auth'] = deps.auth;
  mountRoutes(app, healthRoutes(deps), { ...OPEN_TO_ALL, metrics, log, otherwise: 'STARTING' });
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
