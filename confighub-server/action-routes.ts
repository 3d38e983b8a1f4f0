import { type Action, startAction } from './actions.ts';
import { bytes, type HubRequest, ok, type Route } from './request.ts';
import { eachUnit } from './unit-bulk.ts';
import { authorOf, lockedUnit, presentUnit, UNIT_PATH } from './unit-routes.ts';
import { approveUnit } from './unit-write.ts';
import { operationJson } from './wire.ts';

const ACTIONS: readonly Action[] = ['Apply', 'Destroy', 'Refresh'];

/** What only servers of the bridge generations can do: actions on units, approval, live state. */
export const ACTION_ROUTES: readonly Route[] = [
  ...ACTIONS.flatMap((action): readonly Route[] => [
    {
      method: 'post',
      path: `${UNIT_PATH}/${action.toLowerCase()}`,
      handle: async (request) =>
        ok(operationJson(await startAction(request, await lockedUnit(request), action))),
    },
    {
      method: 'post',
      path: `/unit/${action.toLowerCase()}`,
      handle: (request) => startAll(request, action),
    },
  ]),
  {
    method: 'post',
    path: `${UNIT_PATH}/approve`,
    handle: async (request) => {
      const unit = await lockedUnit(request);
      await approveUnit(request.sql, unit, authorOf(request));
      return ok(`Unit ${unit.slug} approved`);
    },
  },
  {
    method: 'post',
    path: '/unit/approve',
    handle: (request) =>
      eachUnit(request, async (unit) => {
        await approveUnit(request.sql, unit, authorOf(request));
        return { Message: `Unit ${unit.slug} approved` };
      }),
  },
  ...['live-state', 'live_state', 'live_data'].map(
    (name): Route => ({
      method: 'get',
      path: `${UNIT_PATH}/${name}`,
      handle: async (request) => bytes((await presentUnit(request)).live_state ?? Buffer.alloc(0)),
    }),
  ),
];

function startAll(request: HubRequest, action: Action) {
  return eachUnit(request, async (unit) => ({
    Action: operationJson(await startAction(request, unit, action)),
  }));
}
