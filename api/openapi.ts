import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../drift/json.ts';
import { problemSchema } from './problem.ts';
import { defineRoute, type Route } from './route.ts';

/** The OpenAPI 3.1 document of the routes, itself a route. It is made once, from the schemas that parse the requests. */
export function openApiRoute(routes: readonly Route[]): Route {
  const document = describeRoutes(routes);
  return defineRoute({
    method: 'get',
    path: '/api/v1/openapi.json',
    summary: 'This document',
    access: 'viewer',
    failure: 'Failed to describe the api',
    async handle() {
      return { body: document };
    },
  });
}

/** https://spec.openapis.org/oas/v3.1.1.html */
function describeRoutes(routes: readonly Route[]): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: describeRoute(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Realign',
      version: 'v1',
      description: 'Drift of Kubernetes resources: look at it, decide about it.',
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      responses: {
        Problem: {
          description: 'What went wrong (RFC 9457), and what to do about it',
          content: {
            'application/problem+json': { schema: toJsonSchema(problemSchema, 'output') },
          },
        },
      },
    },
  };
}

function describeRoute(route: Route): JsonObject {
  return {
    summary: route.summary,
    operationId: operationIdOf(route),
    ...(route.access === 'public' && { security: [] }),
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.body && {
      requestBody: {
        content: { 'application/json': { schema: toJsonSchema(route.body, 'input') } },
      },
    }),
    responses: {
      200: {
        description: 'OK',
        content: route.answer
          ? { 'application/json': { schema: toJsonSchema(route.answer, 'output') } }
          : { 'text/plain': { schema: { type: 'string' } } },
      },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function operationIdOf({ method, path }: Route): string {
  const words = path
    .replace('/api/v1', 'v1')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  return [method, ...words.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('');
}

function pathParameters(route: Route): readonly JsonObject[] {
  return [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
}

function queryParameters(route: Route): readonly JsonObject[] {
  const properties = route.query ? toJsonSchema(route.query, 'input')['properties'] : undefined;
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  // zod's type allows functions and symbols where JSON has none.
  return JSON.parse(JSON.stringify(rest)) as JsonObject;
}
