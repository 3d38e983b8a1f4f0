import { ACTION_ROUTES } from './action-routes.ts';
import type { Dialect } from './dialect.ts';
import { FUNCTION_ROUTES } from './function-routes.ts';
import { HISTORY_ROUTES } from './history-routes.ts';
import { IDENTITY_ROUTES } from './identity-routes.ts';
import { itemRoutes } from './item-routes.ts';
import { MUTATION_ROUTES } from './mutation-routes.ts';
import { RELEASE_ROUTES } from './release-routes.ts';
import type { Route } from './request.ts';
import { SPACE_BULK_ROUTES } from './space-bulk.ts';
import { SPACE_ROUTES } from './spaces.ts';
import { UNIT_BULK_ROUTES } from './unit-bulk.ts';
import { UNIT_DATA_ROUTES, UNIT_DATA_SEARCH } from './unit-data-routes.ts';
import { UNIT_ROUTES } from './unit-routes.ts';

/** Every operation of a dialect. Generation C has no sets, applies and live state, but releases. */
export function routesOf(dialect: Dialect): readonly Route[] {
  return [
    ...IDENTITY_ROUTES,
    ...SPACE_ROUTES,
    ...SPACE_BULK_ROUTES,
    ...UNIT_ROUTES,
    ...UNIT_BULK_ROUTES,
    ...UNIT_DATA_ROUTES,
    ...HISTORY_ROUTES,
    ...MUTATION_ROUTES,
    ...FUNCTION_ROUTES,
    ...itemRoutes(dialect),
    ...(dialect === 'bridge' ? ACTION_ROUTES : [...RELEASE_ROUTES, ...UNIT_DATA_SEARCH]),
  ];
}
