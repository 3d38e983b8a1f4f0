import { randomUUID } from 'node:crypto';
import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import { json } from 'express';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { type Authenticate, checkRole, checkSameOrigin } from './auth.ts';
import { asAppError, parseInput, refuseNul, type Titles, toProblem } from './problem.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Person } from './types.ts';

const BODY_LIMIT_BYTES = 64 * 1024;
const UNMATCHED = 'unmatched';

export type MountDeps = {
  readonly authenticate: Authenticate;
  readonly limitPerson: (person: string) => void;
  readonly limitAddress: (address: string) => void;
  readonly metrics: Metrics;
  readonly log: Log;
  /** What every other path is refused with: NOT_FOUND, unless the app is only there until another one takes over. */
  readonly otherwise?: 'NOT_FOUND' | 'STARTING';
};

/** Adds routes in the order given, then what answers everything else. */
export function mountRoutes(app: Express, routes: readonly Route[], deps: MountDeps): void {
  const readJson = json({ limit: BODY_LIMIT_BYTES, type: 'application/json' });
  for (const route of routes) {
    const handlers: RequestHandler[] = [
      measured(deps.metrics, route.path),
      (request, response, next) => {
        setTitles(response, route);
        if (route.method === 'post') checkSameOrigin(request.headers);
        if (route.access !== 'public') checkRole(identify(request, response, deps), route.access);
        next();
      },
      // Only who may call gets a body read.
      ...(route.method === 'post' ? [readJson] : []),
      (request, response) => answer(route, request, response),
    ];
    app[route.method](route.path, ...handlers);
  }
  app.use(measured(deps.metrics, UNMATCHED), (request, response) => {
    if (deps.otherwise === 'STARTING') {
      throw new AppError('STARTING', 'Realign is starting and cannot answer this yet');
    }
    if (request.path.startsWith('/api/')) identify(request, response, deps);
    throw new AppError('NOT_FOUND', `there is no ${request.method} ${request.path}`);
  });
  app.use(reportError(deps.log));
}

/** Gives each request an id, taken from the caller's if it has a sane one. */
export function identifyRequest(request: Request, response: Response, next: NextFunction): void {
  const given = request.get('x-request-id');
  const id = given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  response.locals['requestId'] = id;
  response.set({
    'x-request-id': id,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  next();
}

async function answer(route: Route, request: Request, response: Response): Promise<void> {
  const params = stringParams(request);
  refuseNul(params, 'path');
  const {
    status = 200,
    body,
    contentType,
  } = await route.handle({
    params,
    query: route.query && parseInput(route.query, request.query, 'query'),
    // Nothing sent means nothing asked for.
    body: route.body && parseInput(route.body, request.body ?? {}, 'body'),
    person: personOf(response),
    door: doorOf(request),
    requestId: requestIdOf(response),
  });
  response.status(status);
  if (typeof body === 'string') response.type(contentType ?? 'text/plain').send(body);
  else response.json(body);
}

function identify(request: Request, response: Response, deps: MountDeps): Person {
  try {
    const person = deps.authenticate(request.headers);
    deps.limitPerson(person.name);
    response.locals['person'] = person;
    return person;
  } catch (error) {
    if (asAppError(error).code === 'UNAUTHORIZED') {
      // Guessing is slowed down by address; people with a token behind the same address are not.
      deps.limitAddress(request.socket.remoteAddress ?? '');
      response.set('www-authenticate', 'Bearer realm="realign"');
    }
    throw error;
  }
}

/** Counts and times the requests of one route. */
export function measured(metrics: Metrics, endpoint: string): RequestHandler {
  return (request, response, next) => {
    const done = metrics.httpRequest(request.method, endpoint);
    response.once('close', () => done(response.writableFinished ? response.statusCode : 499));
    next();
  };
}

function reportError(log: Log) {
  return (error: unknown, request: Request, response: Response, next: NextFunction) => {
    const problem = toProblem(asAppError(error), requestIdOf(response), titlesOf(response));
    logFailure(log, asAppError(error), request, response);
    if (problem.code === 'TOO_MANY_REQUESTS') response.set('retry-after', '10');
    if (response.headersSent) return next(error);
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

function logFailure(log: Log, error: AppError, request: Request, response: Response): void {
  const fields = {
    requestId: requestIdOf(response),
    method: request.method,
    path: request.path,
    code: error.code,
    error: error.message,
  };
  // While a process starts, every probe and poll gets one of these; what is waited for is logged by itself.
  if (error.status < 500 || error.code === 'STARTING') {
    log.debug(fields, 'refused a request');
    return;
  }
  const cause = error.cause instanceof Error ? error.cause.stack : undefined;
  log.error({ ...fields, stack: cause ?? error.stack }, 'could not answer a request');
}

function setTitles(response: Response, { failure, notFound }: Titles): void {
  response.locals['titles'] = { failure, notFound };
}

function titlesOf(response: Response): Titles {
  return (response.locals['titles'] as Titles | undefined) ?? {};
}

function requestIdOf(response: Response): string {
  return String(response.locals['requestId']);
}

const NOBODY: Person = { name: 'nobody', roles: [], tokenSha256: '' };

function personOf(response: Response): Person {
  return (response.locals['person'] as Person | undefined) ?? NOBODY;
}

/** By which of the doors for tokens somebody comes; what a client says of itself. Slack's cannot be said. */
function doorOf(request: Request): RouteRequest<unknown, unknown>['door'] {
  const named = request.get('x-realign-door');
  if (named === 'dashboard' || named === 'cli') return named;
  return request.get('user-agent') === 'realign-cli' ? 'cli' : 'rest';
}

function stringParams(request: Request): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(request.params).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}
