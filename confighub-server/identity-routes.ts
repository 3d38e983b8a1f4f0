import { notFound } from './hub-error.ts';
import { ORGANIZATION } from './identity.ts';
import { ok, pathId, type Route } from './request.ts';
import { organizationJson, userJson } from './wire.ts';

export const IDENTITY_ROUTES: readonly Route[] = [
  { method: 'get', path: '/me', handle: async (request) => ok(userJson(request.user)) },
  { method: 'get', path: '/organization', handle: async () => ok([organizationJson()]) },
  {
    method: 'get',
    path: '/organization/:id',
    handle: async (request) => {
      if (pathId(request, 'id') !== ORGANIZATION.organizationId) throw notFound('organization');
      return ok(organizationJson());
    },
  },
  { method: 'get', path: '/user', handle: async (request) => ok(request.users.map(userJson)) },
  {
    method: 'get',
    path: '/user/:id',
    handle: async (request) => {
      const user = request.users.find((one) => one.userId === pathId(request, 'id'));
      if (user === undefined) throw notFound('user');
      return ok(userJson(user));
    },
  },
];
