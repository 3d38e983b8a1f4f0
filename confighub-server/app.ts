import { randomUUID } from 'node:crypto';
import express, { type Express, type Request, type Response } from 'express';
import type { Log } from '../lib/log.ts';
import type { Database } from './database.ts';
import type { Dialect } from './dialect.ts';
import { HubError } from './hub-error.ts';
import type { Identities, User } from './identity.ts';
import { problemOf } from './problem.ts';
import type { Answer, HubRequest, Route } from './request.ts';
import { routesOf } from './routes.ts';
import type { Runner } from './runner.ts';
import { workerLogin } from './worker-login.ts';

export type AppDeps = {
  readonly dialect: Dialect;
  readonly database: Database;
  readonly identities: Identities;
  readonly runner: Runner;
  readonly log: Log;
};

// A unit holds at most 4 MiB, a third more in base64.
const MAX_BODY = '6mb';

/** What `--dialect release` says it is: the newest server whose API is known. */
const RELEASE_VERSION = 'v0.4.21';

/** `Version` is absent in generation A: that is how clients tell it from the later ones. */
const INFO: Readonly<Record<Dialect, object>> = {
  bridge: {
    Build: 'realign',
    BuiltAt: '',
    ClientID: '',
    AuthServer: '',
    RedirectURI: '',
    Revision: '',
    WorkerPort: '',
  },
  release: {
    Version: RELEASE_VERSION,
    Build: 'realign',
    BuiltAt: '',
    ClientID: '',
    AuthIssuer: '',
    DeviceAuthURL: '',
    DeviceTokenURL: '',
    TokenExchangeEndpoint: '',
    TokenExchangeAudience: '',
    OCIHost: '',
    OCIPort: '',
    UIURL: '',
    WorkerPort: '',
  },
};

/** The HTTP face: `/api` and, for the seeds' CUB_API_URL, `/api/v1`. */
export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use((request, response, next) => {
    response.setHeader(
      'X-Request-Id',
      request.header('x-request-id')?.slice(0, 64) || randomUUID(),
    );
    if (deps.dialect === 'release') response.setHeader('ConfigHub-Version', RELEASE_VERSION);
    next();
  });
  // A unit's document comes as it is; other bodies are JSON, `null` included, whatever the sender calls them.
  app.use(express.raw({ limit: MAX_BODY, type: 'application/octet-stream' }));
  app.use(express.json({ strict: false, limit: MAX_BODY, type: () => true }));
  const api = express.Router();
  api.get('/info', (_request, response) => {
    response.json(INFO[deps.dialect]);
  });
  for (const route of routesOf(deps.dialect)) {
    api[route.method](route.path, (request, response) => handle(deps, route, request, response));
  }
  app.post('/auth/worker', (request, response) => {
    response.json(workerLogin(deps.identities, request.body));
  });
  app.use('/api/v1', api);
  app.use('/api', api);
  app.use((request, _response) => {
    authenticated(deps, request);
    throw new HubError(404, `no such operation: ${request.method} ${request.path}`);
  });
  app.use(errorHandler(deps.log));
  return app;
}

async function handle(
  deps: AppDeps,
  route: Route,
  request: Request,
  response: Response,
): Promise<void> {
  const user = authenticated(deps, request);
  if (user.role === 'viewer' && route.method !== 'get') {
    throw new HubError(403, `${user.username} may only read`);
  }
  let committed: (() => void)[] = [];
  const inTransaction = route.method === 'get' ? deps.database.snapshot : deps.database.transaction;
  const answer = await inTransaction(async (sql) => {
    committed = [];
    const hubRequest: HubRequest = {
      sql,
      dialect: deps.dialect,
      user,
      users: deps.identities.users,
      params: textsOf(request.params),
      query: textsOf(request.query),
      body: request.body,
      headers: textsOf(request.headers),
      userAgent: request.header('user-agent')?.slice(0, 256) ?? '',
      afterCommit: (work) => committed.push(work),
      run: deps.runner.start,
    };
    return route.handle(hubRequest);
  });
  for (const work of committed) work();
  send(response, answer);
}

function send(response: Response, answer: Answer): void {
  response.set(answer.headers ?? {});
  switch (answer.kind) {
    case 'bytes':
      response.status(200).type('application/octet-stream').send(answer.bytes);
      return;
    case 'unchanged':
      response.status(304).end();
      return;
    case 'text':
      response.status(200).type('application/json').send(answer.json);
      return;
    case 'json':
      response.status(answer.status).json(answer.body);
  }
}

function authenticated(deps: AppDeps, request: Request): User {
  const user = deps.identities.authenticate(request.header('authorization'));
  if (user === undefined) throw new HubError(401, 'the request carries no valid token');
  return user;
}

// A repeated parameter counts once, with its last value.
function textsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const last: unknown = Array.isArray(value) ? value.at(-1) : value;
      return typeof last === 'string' ? [[key, last]] : [];
    }),
  );
}

function errorHandler(log: Log) {
  // Express tells error handlers by their four parameters.
  return (error: unknown, request: Request, response: Response, _next: unknown): void => {
    const { status, message, unexpected } = problemOf(error);
    const requestId = response.getHeader('X-Request-Id');
    if (unexpected) log.error({ requestId, path: request.path, error: stackOf(error) }, message);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const code = statusFor(request, status);
    response.status(code).json({ Code: String(code), Message: message });
  };
}

// The official CLI of August 2025 understands 409 on PUT only, 422 on bulk applies and on functions only.
function statusFor(request: Request, status: number): number {
  if (!request.header('user-agent')?.startsWith('cub')) return status;
  if (status === 409) return request.method === 'PUT' ? 409 : 400;
  if (status === 422) return /\/(?:unit\/apply|function\/invoke)$/.test(request.path) ? 422 : 400;
  return [400, 401, 403, 404, 500].includes(status) ? status : 400;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
