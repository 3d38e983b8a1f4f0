import { conflict, HubError, notFound } from './hub-error.ts';
import { selectionOf } from './list-query.ts';
import { unitModel } from './models.ts';
import { pageOf, pageRows } from './paging.ts';
import {
  type Answer,
  type HubRequest,
  isTrue,
  jsonText,
  ok,
  parseBody,
  pathId,
  type Route,
} from './request.ts';
import type { Author } from './revisions.ts';
import { requireSpace, requireSpaceOf } from './spaces.ts';
import { extendUnits, listUnits, selectedParts, UNIT_ORDER } from './unit-list.ts';
import { type FullUnitRow, lockUnit, readUnit, type UnitRow } from './unit-row.ts';
import { isPoll, listPolled } from './unit-states.ts';
import {
  conflictJson,
  createUnit,
  patchUnit,
  replaceUnit,
  restoreUnit,
  type UnitInput,
  unitInput,
  upgradeUnit,
  type WriteDetails,
} from './unit-write.ts';
import { unitJson } from './wire.ts';

export const UNIT_PATH = '/space/:space_id/unit/:unit_id';

/** Units one at a time; the bulk calls are in unit-bulk.ts. */
export const UNIT_ROUTES: readonly Route[] = [
  { method: 'get', path: '/space/:space_id/unit', handle: list },
  { method: 'get', path: '/unit', handle: list },
  { method: 'post', path: '/space/:space_id/unit', handle: create },
  { method: 'get', path: UNIT_PATH, handle: read },
  { method: 'put', path: UNIT_PATH, handle: (request) => change(request, replaceUnit) },
  { method: 'patch', path: UNIT_PATH, handle: (request) => change(request, patchUnit) },
  {
    method: 'delete',
    path: UNIT_PATH,
    handle: async (request) => {
      const unit = await lockedUnit(request);
      await deleteUnit(request, unit);
      return ok({ Message: `Unit ${unit.slug} deleted` });
    },
  },
];

export function authorOf(request: HubRequest): Author {
  return { user: request.user, userAgent: request.userAgent, dialect: request.dialect };
}

/** The body of a unit's create, PUT or PATCH. In the release dialect data has endpoints of its own. */
export function inputOf(request: HubRequest): UnitInput {
  const input = parseBody(unitInput, request.body);
  return request.dialect === 'bridge' ? input : { ...input, Data: undefined };
}

/** What the query says of a write beside its body. */
export function detailsOf({ query }: HubRequest): WriteDetails {
  const { change_set_id: changeSet } = query;
  return {
    protect: isTrue(query['protect']),
    ...(changeSet === undefined ? {} : { changeSet }),
  };
}

/** What a create or update of one unit answers: the unit, in generation C inside an envelope. */
export function written(
  request: HubRequest,
  unit: FullUnitRow,
  conflicts: readonly object[] = [],
): object {
  const json = unitJson(unit, request.dialect);
  if (request.dialect === 'bridge') return json;
  return { Unit: json, ...(conflicts.length === 0 ? {} : { Conflicts: conflicts }) };
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
  // One after the other on the wire, but none waits for the answer of the one before.
  const [answer] = await Promise.all([listed(request), requireSpaceOf(request)]);
  return answer;
}

async function listed(request: HubRequest): Promise<Answer> {
  const page = pageOf(request, unitModel(request.dialect), UNIT_ORDER);
  const selection = await selectionOf(request, 'Unit');
  const parts = selectedParts(request);
  if (isPoll(request, selection)) {
    const { rows, headers } = pageRows(page, await listPolled(request, selection, page));
    return jsonText(`[${rows.map((row) => row.json).join(',')}]`, headers);
  }
  const found = await listUnits(request, selection, parts, page);
  const { rows, headers } = pageRows(page, found);
  return ok(await extendUnits(request, rows), headers);
}

async function read(request: HubRequest) {
  const selection = {
    expressions: [
      `UnitID = '${pathId(request, 'unit_id')}'`,
      `SpaceID = '${pathId(request, 'space_id')}'`,
    ],
    contains: '',
  };
  const units = await listUnits(request, selection, selectedParts(request));
  const [envelope] = await extendUnits(request, units);
  if (envelope === undefined) throw notFound(`unit ${pathId(request, 'unit_id')}`);
  return ok(envelope);
}

async function create(request: HubRequest) {
  const spaceId = pathId(request, 'space_id');
  await requireSpace(request.sql, spaceId);
  const input = inputOf(request);
  const { upstream_space_id: upstreamSpace, upstream_unit_id: upstreamUnit } = request.query;
  if (isTrue(request.query['allow_exists']) && input.Slug !== undefined) {
    const existing = await request.sql.rows<FullUnitRow>(
      'SELECT * FROM units WHERE space_id = $1 AND slug = $2',
      [spaceId, input.Slug],
    );
    if (existing[0] !== undefined) return ok(written(request, existing[0]));
  }
  const upstream =
    upstreamSpace === undefined || upstreamUnit === undefined
      ? undefined
      : { spaceId: upstreamSpace.toLowerCase(), unitId: upstreamUnit.toLowerCase() };
  return ok(
    written(request, await createUnit(request.sql, spaceId, input, authorOf(request), upstream)),
  );
}

async function change(
  request: HubRequest,
  write: (
    sql: HubRequest['sql'],
    row: FullUnitRow,
    input: UnitInput,
    author: Author,
    details: WriteDetails,
  ) => Promise<FullUnitRow>,
) {
  const row = await lockedUnit(request);
  const input = inputOf(request);
  const { revision_id: revisionId, restore, upgrade } = request.query;
  const author = authorOf(request);
  const details = detailsOf(request);
  if (revisionId !== undefined || restore !== undefined) {
    const named = {
      ...(revisionId === undefined ? {} : { revisionId }),
      ...(restore === undefined ? {} : { restore }),
    };
    return ok(written(request, await restoreUnit(request.sql, row, input, author, named, details)));
  }
  if (isTrue(upgrade)) {
    if (input.Version !== undefined && input.Version !== null && input.Version !== row.version) {
      throw conflict(`Version ${input.Version} is stale, the unit is at ${row.version}`);
    }
    const { unit, conflicts } = await upgradeUnit(request.sql, row, input, author, details);
    return ok(written(request, unit, conflicts.map(conflictJson)));
  }
  return ok(written(request, await write(request.sql, row, input, author, details)));
}

export function lockedUnit(request: HubRequest): Promise<FullUnitRow> {
  return lockUnit(request.sql, pathId(request, 'space_id'), pathId(request, 'unit_id'));
}

/** Without a lock. */
export async function presentUnit(request: HubRequest): Promise<FullUnitRow> {
  const unit = await readUnit(request.sql, pathId(request, 'unit_id'));
  if (unit.space_id !== pathId(request, 'space_id')) throw notFound(`unit ${unit.unit_id}`);
  return unit;
}
