import { HubError, notFound } from './hub-error.ts';
import { changeItem, createItem, deleteItem, ITEM_TYPES, type ItemType } from './items.ts';
import { containsSql, fieldSelector, listOf, selectionOf } from './list-query.ts';
import { itemModel } from './models.ts';
import { type HubRequest, isTrue, ok, pathId, type Route } from './request.ts';
import { requireSpace } from './spaces.ts';
import { whereSql } from './where/index.ts';
import { type ItemRow, itemJson, spaceJson } from './wire.ts';

/** Routes of the small entity types, per space and over all spaces. */
export const ITEM_ROUTES: readonly Route[] = ITEM_TYPES.flatMap(routesOf);

function routesOf(type: ItemType): readonly Route[] {
  const one = `/space/:space_id/${type.path}/:item_id`;
  const list = async (request: HubRequest) => ok(await listItems(request, type));
  const place = (request: HubRequest) => ({
    spaceId: pathId(request, 'space_id'),
    itemId: pathId(request, 'item_id'),
  });
  const change = (mode: 'replace' | 'merge') => async (request: HubRequest) =>
    ok(itemJson(await changeItem(request.sql, type, place(request), request.body, mode)));
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
        const found = await listItems(request, type, `${type.entityType}ID = '${id}'`);
        if (found[0] === undefined) throw notFound(`${type.path} ${id}`);
        return ok(found[0]);
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
  return ok(itemJson(await createItem(request.sql, type, spaceId, request.body)));
}

async function listItems(request: HubRequest, type: ItemType, narrow = '') {
  const selection = await selectionOf(request, type.entityType);
  const parameters: unknown[] = [type.entityType];
  const { sql: where } = whereSql(
    itemModel(type.entityType),
    [...selection.expressions, narrow],
    parameters,
  );
  const contains = containsSql('item', selection.contains, parameters);
  const rows = await request.sql.rows<ItemRow & { space: Parameters<typeof spaceJson>[0] }>(
    `SELECT item.*, to_jsonb(space) AS space FROM items item JOIN spaces space ON space.space_id = item.space_id
     WHERE item.entity_type = $1 AND ${where} AND ${contains} ORDER BY item.slug, item.item_id`,
    parameters,
  );
  const include = listOf(request.query['include']);
  const byId = await includedItems(request, rows, include);
  const select = fieldSelector(type.entityType, request.query['select']);
  return rows.map((row) => {
    const envelope = {
      [type.entityType]: itemJson(row),
      ...(include.has('SpaceID') ? { Space: spaceJson(datesOf(row.space)) } : {}),
      ...byId(row),
    };
    return select(envelope);
  });
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
