import { AppError } from '../lib/errors.ts';
import type { Route } from './route.ts';
import type { ApiDeps } from './types.ts';

/**
 * Routes that can be narrowed to an environment refuse one that is neither configured nor on record (NOT_FOUND, naming those that
 * are): what is empty because of a slip of the pen would read as "no drift". One that was taken out of the configuration keeps its past.
 */
export function refusingUnknownEnvironments(
  routes: readonly Route[],
  deps: Pick<ApiDeps, 'environmentNames' | 'store'>,
): readonly Route[] {
  return routes.map((route) => {
    if (!isNarrowed(route.query) && !isNarrowed(route.body)) return route;
    return {
      notFound: 'Environment not found',
      ...route,
      async handle(request) {
        for (const input of [request.query, request.body]) {
          const name = environmentIn(input);
          if (name !== undefined) await requireKnown(deps, name);
        }
        return route.handle(request);
      },
    };
  });
}

async function requireKnown(
  { environmentNames, store }: Pick<ApiDeps, 'environmentNames' | 'store'>,
  name: string,
): Promise<void> {
  if (environmentNames === undefined || environmentNames.includes(name)) return;
  const [records, questions] = await Promise.all([
    store.records.list({ environment: name, limit: 1 }),
    store.questions.list({ environment: name, limit: 1 }),
  ]);
  if (records.items.length > 0 || questions.length > 0) return;
  throw new AppError(
    'NOT_FOUND',
    `there is no environment ${name}; there are ${environmentNames.join(', ')}`,
  );
}

function isNarrowed(schema: Route['query']): boolean {
  return schema !== undefined && 'shape' in schema && hasEnvironment(schema.shape);
}

function environmentIn(input: unknown): string | undefined {
  if (!hasEnvironment(input)) return undefined;
  return typeof input.environment === 'string' ? input.environment : undefined;
}

function hasEnvironment(value: unknown): value is { readonly environment: unknown } {
  return typeof value === 'object' && value !== null && 'environment' in value;
}
