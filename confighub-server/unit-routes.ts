import { startAction } from './actions.ts';
import { conflict, HubError, notFound } from './hub-error.ts';
import { selectionOf } from './list-query.ts';
import { bytes, type HubRequest, isTrue, ok, parseBody, pathId, type Route } from './request.ts';
import type { Author } from './revisions.ts';
import { requireSpace } from './spaces.ts';
import { extendUnits, listUnits, selectedParts } from './unit-list.ts';
import { type FullUnitRow, lockUnit, readUnit, type UnitRow } from './unit-row.ts';
import {
  approveUnit,
  createUnit,
  patchUnit,
  replaceUnit,
  restoreUnit,
  type UnitInput,
  unitInput,
  upgradeUnit,
} from './unit-write.ts';
import { operationJson, unitJson } from './wire.ts';

const ONE = '/space/:space_id/unit/:unit_id';

/** Units one at a time; the bulk calls are in unit-bulk.ts. */
export const UNIT_ROUTES: readonly Route[] = [
  { method: 'get', path: '/space/:space_id/unit', handle: list },
  { method: 'get', path: '/unit', handle: list },
  { method: 'post', path: '/space/:space_id/unit', handle: create },
  { method: 'get', path: ONE, handle: read },
  { method: 'put', path: ONE, handle: (request) => change(request, replaceUnit) },
  { method: 'patch', path: ONE, handle: (request) => change(request, patchUnit) },
  {
    method: 'delete',
    path: ONE,
    handle: async (request) => {
      const unit = await lockedUnit(request);
      await deleteUnit(request, unit);
      return ok({ Message: `Unit ${unit.slug} deleted` });
    },
  },
  {
    method: 'get',
    path: `${ONE}/data`,
    handle: async (request) => bytes((await presentUnit(request)).data),
  },
  ...['live-state', 'live_state', 'live_data'].map(
    (name): Route => ({
      method: 'get',
      path: `${ONE}/${name}`,
      handle: async (request) => bytes((await presentUnit(request)).live_state ?? Buffer.alloc(0)),
    }),
  ),
  ...(['Apply', 'Destroy', 'Refresh'] as const).map(
    (action): Route => ({
      method: 'post',
      path: `${ONE}/${action.toLowerCase()}`,
      handle: async (request) =>
        ok(operationJson(await startAction(request, await lockedUnit(request), action))),
    }),
  ),
  {
    method: 'post',
    path: `${ONE}/approve`,
    handle: async (request) => {
      const unit = await lockedUnit(request);
      await approveUnit(request.sql, unit, authorOf(request));
      return ok(`Unit ${unit.slug} approved`);
    },
  },
];

export function authorOf(request: HubRequest): Author {
  return { user: request.user, userAgent: request.userAgent };
}

/** Deletes a unit with its history; 423 while an action runs. What it applied stays in the cluster, as in ConfigHub. */
export async function deleteUnit(request: HubRequest, unit: UnitRow): Promise<void> {
  const open = await request.sql.rows(
    `SELECT 1 FROM operations WHERE unit_id = $1 AND status IN ('Pending', 'Progressing') LIMIT 1`,
    [unit.unit_id],
  );
  if (open.length > 0) throw new HubError(423, `an action on unit ${unit.slug} is still running`);
  await request.sql.rows('DELETE FROM units WHERE unit_id = $1', [unit.unit_id]);
}

async function list(request: HubRequest) {
  if ('space_id' in request.params) await requireSpace(request.sql, pathId(request, 'space_id'));
  const units = await listUnits(
    request.sql,
    await selectionOf(request, 'Unit'),
    selectedParts(request.query),
  );
  return ok(await extendUnits(request.sql, units, request.query));
}

async function read(request: HubRequest) {
  const selection = {
    expressions: [
      `UnitID = '${pathId(request, 'unit_id')}'`,
      `SpaceID = '${pathId(request, 'space_id')}'`,
    ],
    contains: '',
  };
  const units = await listUnits(request.sql, selection, selectedParts(request.query));
  const [envelope] = await extendUnits(request.sql, units, request.query);
  if (envelope === undefined) throw notFound(`unit ${pathId(request, 'unit_id')}`);
  return ok(envelope);
}

async function create(request: HubRequest) {
  const spaceId = pathId(request, 'space_id');
  await requireSpace(request.sql, spaceId);
  const input = parseBody(unitInput, request.body);
  const { upstream_space_id: upstreamSpace, upstream_unit_id: upstreamUnit } = request.query;
  if (isTrue(request.query['allow_exists']) && input.Slug !== undefined) {
    const existing = await request.sql.rows<FullUnitRow>(
      'SELECT * FROM units WHERE space_id = $1 AND slug = $2',
      [spaceId, input.Slug],
    );
    if (existing[0] !== undefined) return ok(unitJson(existing[0]));
  }
  const upstream =
    upstreamSpace === undefined || upstreamUnit === undefined
      ? undefined
      : { spaceId: upstreamSpace.toLowerCase(), unitId: upstreamUnit.toLowerCase() };
  return ok(unitJson(await createUnit(request.sql, spaceId, input, authorOf(request), upstream)));
}

async function change(
  request: HubRequest,
  write: (
    sql: HubRequest['sql'],
    row: FullUnitRow,
    input: UnitInput,
    author: Author,
  ) => Promise<FullUnitRow>,
) {
  const row = await lockedUnit(request);
  const input = parseBody(unitInput, request.body);
  const { revision_id: revisionId, restore, upgrade } = request.query;
  const author = authorOf(request);
  if (revisionId !== undefined || restore !== undefined) {
    const named = {
      ...(revisionId === undefined ? {} : { revisionId }),
      ...(restore === undefined ? {} : { restore }),
    };
    return ok(unitJson(await restoreUnit(request.sql, row, input, author, named)));
  }
  if (isTrue(upgrade)) {
    if (input.Version !== undefined && input.Version !== null && input.Version !== row.version) {
      throw conflict(`Version ${input.Version} is stale, the unit is at ${row.version}`);
    }
    const { unit } = await upgradeUnit(request.sql, row, input, author);
    return ok(unitJson(unit));
  }
  return ok(unitJson(await write(request.sql, row, input, author)));
}

function lockedUnit(request: HubRequest): Promise<FullUnitRow> {
  return lockUnit(request.sql, pathId(request, 'space_id'), pathId(request, 'unit_id'));
}

async function presentUnit(request: HubRequest): Promise<FullUnitRow> {
  const unit = await readUnit(request.sql, pathId(request, 'unit_id'));
  if (unit.space_id !== pathId(request, 'space_id')) throw notFound(`unit ${unit.unit_id}`);
  return unit;
}
