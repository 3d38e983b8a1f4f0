import type { Dialect } from './dialect.ts';
import { HubError, notFound } from './hub-error.ts';
import { itemBulkRoutes } from './item-bulk.ts';
import { changeItem, createItem, deleteItem, ITEM_TYPES, type ItemType } from './items.ts';
import { containsSql, fieldSelector, listOf, selectionOf } from './list-query.ts';
import { itemModel } from './models.ts';
import { type Paged, pageOf, pageRows, pageSql } from './paging.ts';
import { type HubRequest, isTrue, ok, pathId, type Route } from './request.ts';
import { requireSpace, requireSpaceOf } from './spaces.ts';
import { whereSql } from './where/index.ts';
import { type ItemRow, itemJson, type SpaceRow, spaceJson } from './wire.ts';

/** Routes of the small entity types, per space and over all spaces. Sets are generation A's alone. */
export function itemRoutes(dialect: Dialect): readonly Route[] {
  return ITEM_TYPES.filter((type) => dialect === 'bridge' || type.entityType !== 'Set').flatMap(
    routesOf,
  );
}

function routesOf(type: ItemType): readonly Route[] {
  const one = `/space/:space_id/${type.path}/:item_id`;
  const list = async (request: HubRequest) => {
    const [{ envelopes, headers }] = await Promise.all([
      listItems(request, type),
      requireSpaceOf(request),
    ]);
    return ok(envelopes, headers);
  };
  const place = (request: HubRequest) => ({
    spaceId: pathId(request, 'space_id'),
    itemId: pathId(request, 'item_id'),
  });
  const change = (mode: 'replace' | 'merge') => async (request: HubRequest) =>
    ok(itemJson(await changeItem(request, type, place(request), request.body, mode)));
  return [
    { method: 'get', path: `/space/:space_id/${type.path}`, handle: list },
    { method: 'get', path: `/${type.path}`, handle: list },
    {
      method: 'post',
      path: `/space/:space_id/${type.path}`,
      handle: (request) => create(request, type),
    },
    {
      method: 'get',
      path: one,
      handle: async (request) => {
        const id = pathId(request, 'item_id');
        const { envelopes } = await listItems(request, type, `${type.entityType}ID = '${id}'`);
        if (envelopes[0] === undefined) throw notFound(`${type.path} ${id}`);
        return ok(envelopes[0]);
      },
    },
    { method: 'put', path: one, handle: change('replace') },
    { method: 'patch', path: one, handle: change('merge') },
    {
      method: 'delete',
      path: one,
      handle: async (request) => {
        await deleteItem(request.sql, type, place(request));
        return ok({ Message: `${type.entityType} ${place(request).itemId} deleted` });
      },
    },
    ...itemBulkRoutes(type),
  ];
}

async function create(request: HubRequest, type: ItemType) {
  const spaceId = pathId(request, 'space_id');
  await requireSpace(request.sql, spaceId);
  const slug = (request.body as { Slug?: unknown } | null)?.Slug;
  const existing = await request.sql.rows<ItemRow>(
    'SELECT * FROM items WHERE space_id = $1 AND entity_type = $2 AND slug = $3',
    [spaceId, type.entityType, typeof slug === 'string' ? slug : ''],
  );
  if (existing[0] !== undefined) {
    if (isTrue(request.query['allow_exists'])) return ok(itemJson(existing[0]));
    throw new HubError(409, `a ${type.path} with slug ${existing[0].slug} exists already`);
  }
  return ok(itemJson(await createItem(request, type, spaceId, request.body)));
}

async function listItems(request: HubRequest, type: ItemType, narrow = '') {
  const selection = await selectionOf(request, type.entityType);
  const parameters: unknown[] = [type.entityType];
  const model = itemModel(type.entityType);
  const { sql: where } = whereSql(model, [...selection.expressions, narrow], parameters);
  const contains = containsSql('item', selection.contains, parameters);
  const page = pageOf(request, model, { tieBreak: 'item_id', defaults: 'Slug' });
  const { condition, column, tail } = pageSql(page, 'item.slug, item.item_id', parameters);
  const found = await request.sql.rows<Paged<ItemRow & { space: SpaceRow }>>(
    `SELECT item.*, to_jsonb(space) AS space${column}
     FROM items item JOIN spaces space ON space.space_id = item.space_id
     WHERE item.entity_type = $1 AND ${where} AND ${contains} AND ${condition} ${tail}`,
    parameters,
  );
  const { rows, headers } = pageRows(page, found);
  const include = listOf(request.query['include']);
  const byId = await includedItems(request, rows, include);
  const select = fieldSelector(type.entityType, request.query['select']);
  const envelopes = rows.map((row) => {
    const space = spaceJson(datesOf(row.space), request.dialect);
    return select({
      [type.entityType]: itemJson(row),
      ...(include.has('SpaceID') ? { Space: space } : {}),
      ...byId(row),
    });
  });
  return { envelopes, headers };
}

const REFERENCES = ['FilterID', 'StartTagID', 'EndTagID', 'BridgeWorkerID'] as const;

async function includedItems(
  request: HubRequest,
  rows: readonly ItemRow[],
  include: ReadonlySet<string>,
): Promise<(row: ItemRow) => Readonly<Record<string, unknown>>> {
  const wanted = REFERENCES.filter((name) => include.has(name));
  const ids = rows
    .flatMap((row) => wanted.map((name) => row.body[name]))
    .filter((id) => typeof id === 'string');
  if (ids.length === 0) return () => ({});
  const found = await request.sql.rows<ItemRow>('SELECT * FROM items WHERE item_id = ANY($1)', [
    ids,
  ]);
  const byId = new Map(found.map((row) => [row.item_id, itemJson(row)]));
  return (row) =>
    Object.fromEntries(
      wanted.flatMap((name) => {
        const item = byId.get(String(row.body[name]));
        return item === undefined ? [] : [[name.replace(/ID$/, ''), item]];
      }),
    );
}

// to_jsonb gives times as texts.
function datesOf<Row extends { created_at: Date; updated_at: Date }>(row: Row): Row {
  return { ...row, created_at: new Date(row.created_at), updated_at: new Date(row.updated_at) };
}
