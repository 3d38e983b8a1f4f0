import { badRequest } from './hub-error.ts';
import { selectionOf } from './list-query.ts';
import { itemError } from './problem.ts';
import { type Answer, bulk, type HubRequest, isTrue, listOfItems, type Route } from './request.ts';
import { listSpaces } from './spaces.ts';
import { tagRevision } from './tags.ts';
import { lockUnits } from './unit-list.ts';
import { authorOf, deleteUnit, detailsOf, inputOf } from './unit-routes.ts';
import type { FullUnitRow } from './unit-row.ts';
import { conflictJson, createUnit, patchUnit, restoreUnit, upgradeUnit } from './unit-write.ts';
import { unitJson } from './wire.ts';

const MAX_UNITS = 5000;
const NARROWING = ['where', 'filter', 'contains', 'where_data', 'resource_type'] as const;

/** Calls over many units: each item succeeds or fails alone (207), all within the request's transaction. */
export const UNIT_BULK_ROUTES: readonly Route[] = [
  { method: 'post', path: '/unit', handle: cloneUnits },
  { method: 'patch', path: '/unit', handle: patchUnits },
  {
    method: 'delete',
    path: '/unit',
    handle: (request) =>
      eachUnit(request, async (unit) => {
        await deleteUnit(request, unit);
        return { Message: `Unit ${unit.slug} deleted` };
      }),
  },
  {
    method: 'post',
    path: '/unit/tag',
    handle: (request) =>
      eachUnit(request, async (unit) => {
        const revision = await tagRevision(request, unit);
        return { Message: `Revision ${revision} of unit ${unit.slug} tagged` };
      }),
  },
];

/** Does the work on every selected unit and answers item by item. */
export async function eachUnit(
  request: HubRequest,
  work: (unit: FullUnitRow) => Promise<object>,
): Promise<Answer> {
  const units = await selectedUnits(request);
  return bulk(
    await listOfItems(request, units, work, (unit, error) => ({
      Error: itemError(error, 'Unit', unit.unit_id),
    })),
  );
}

async function selectedUnits(request: HubRequest): Promise<readonly FullUnitRow[]> {
  // A forgotten expression must not mean every unit of the organization.
  if (NARROWING.every((name) => !request.query[name]?.trim())) {
    throw badRequest('where: required');
  }
  const units = await lockUnits(request, await selectionOf(request, 'Unit'));
  if (units.length > MAX_UNITS) throw badRequest(`where: selects more than ${MAX_UNITS} units`);
  return units;
}

async function patchUnits(request: HubRequest): Promise<Answer> {
  const input = inputOf(request);
  const { restore } = request.query;
  const upgrade = isTrue(request.query['upgrade']);
  const author = authorOf(request);
  const details = detailsOf(request);
  const units = await selectedUnits(request);
  const items = await listOfItems(
    request,
    units,
    async (unit) => {
      if (upgrade) {
        const upgraded = await upgradeUnit(request.sql, unit, input, author, details);
        return {
          Unit: unitJson(upgraded.unit, request.dialect),
          ...(upgraded.conflicts.length === 0
            ? {}
            : { Conflicts: upgraded.conflicts.map(conflictJson) }),
        };
      }
      const patched =
        restore === undefined
          ? await patchUnit(request.sql, unit, input, author, details)
          : await restoreUnit(request.sql, unit, input, author, { restore }, details);
      return { Unit: unitJson(patched, request.dialect) };
    },
    (unit, error) => ({
      Unit: unitJson(unit, request.dialect),
      Error: itemError(error, 'Unit', unit.unit_id),
    }),
  );
  return bulk(items);
}

async function cloneUnits(request: HubRequest): Promise<Answer> {
  const input = inputOf(request);
  const units = await selectedUnits(request);
  const destination = await selectionOf(request, 'Space', {
    where: 'where_space',
    filter: 'filter_space',
  });
  if (destination.expressions.every((one) => one.trim() === ''))
    throw badRequest('where_space: required');
  const spaces = await listSpaces(request.sql, destination);
  const prefixes = (request.query['name_prefixes'] ?? '').split(',').map((prefix) => prefix.trim());
  const wanted = spaces.flatMap((space) =>
    units.flatMap((unit) =>
      prefixes.map((prefix) => ({ space, unit, slug: `${prefix}${unit.slug}` })),
    ),
  );
  if (wanted.length > MAX_UNITS) throw badRequest(`more than ${MAX_UNITS} clones in one request`);
  const items = await listOfItems(
    request,
    wanted,
    async ({ space, unit, slug }) => {
      const existing = await request.sql.rows<FullUnitRow>(
        'SELECT * FROM units WHERE space_id = $1 AND slug = $2',
        [space.space_id, slug],
      );
      if (existing[0] !== undefined && isTrue(request.query['allow_exists'])) {
        return { Unit: unitJson(existing[0], request.dialect) };
      }
      const clone = {
        ...input,
        Slug: slug,
        Labels: { ...unit.labels, ...input.Labels },
        Annotations: { ...unit.annotations, ...input.Annotations },
      };
      const upstream = { spaceId: unit.space_id, unitId: unit.unit_id };
      return {
        Unit: unitJson(
          await createUnit(request.sql, space.space_id, clone, authorOf(request), upstream),
          request.dialect,
        ),
      };
    },
    ({ unit }, error) => ({ Error: itemError(error, 'Unit', unit.unit_id) }),
  );
  return bulk(items);
}
