import type { z } from 'zod';
import type { Person } from './types.ts';

/** What a handler gets: everything parsed, and who asks. */
export type RouteRequest<Query, Body> = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly person: Person;
  readonly door: 'rest' | 'cli' | 'dashboard';
  readonly requestId: string;
};

export type RouteAnswer = {
  readonly status?: number;
  /** An object is sent as JSON, a text as `contentType`. */
  readonly body: object | string;
  readonly contentType?: string;
};

/** One route: the server mounts it, and the OpenAPI document describes it, from the same few lines. */
export type Route = {
  readonly method: 'get' | 'post';
  /** With `:resourceId` for parameters, as express writes them. */
  readonly path: string;
  readonly summary: string;
  /** Who may call it: anybody, everybody with a token, or people with the role approver or admin. */
  readonly access: 'public' | 'viewer' | 'approver';
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Schema of the 200 answer; absent for texts. */
  readonly answer?: z.ZodType;
  /** DriftGuard's `error` text for when it cannot be answered (5xx). */
  readonly failure: string;
  /** The same for 404. */
  readonly notFound?: string;
  handle(request: RouteRequest<unknown, unknown>): Promise<RouteAnswer>;
};

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined;

/** Ties the handler's types to the schemas. */
export function defineRoute<
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  route: Omit<Route, 'handle' | 'query' | 'body'> & {
    readonly query?: Query;
    readonly body?: Body;
    handle(request: RouteRequest<Parsed<Query>, Parsed<Body>>): Promise<RouteAnswer>;
  },
): Route {
  // `mount` parses with these very schemas before it calls the handler.
  return route as unknown as Route;
}
