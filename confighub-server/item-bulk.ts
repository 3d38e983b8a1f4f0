import { badRequest } from './hub-error.ts';
import { changeItem, createItem, deleteItem, type ItemType } from './items.ts';
import { containsSql, selectionOf } from './list-query.ts';
import { itemModel } from './models.ts';
import { itemError } from './problem.ts';
import { type Answer, bulk, type HubRequest, listOfItems, type Route } from './request.ts';
import { listSpaces } from './spaces.ts';
import { whereSql } from './where/index.ts';
import { type ItemRow, itemJson, type SpaceRow } from './wire.ts';

const MAX_ITEMS = 1000;

/** Calls over many filters, change sets, sets or tags: clone into other spaces, patch, delete. */
export function itemBulkRoutes(type: ItemType): readonly Route[] {
  const path = `/${type.path}`;
  return [
    { method: 'post', path, handle: (request) => cloneItems(request, type) },
    {
      method: 'patch',
      path,
      handle: (request) =>
        each(request, type, async (item) => ({
          [type.entityType]: itemJson(
            await changeItem(request, type, placeOf(item), request.body, 'merge'),
          ),
        })),
    },
    {
      method: 'delete',
      path,
      handle: (request) =>
        each(request, type, async (item) => {
          await deleteItem(request.sql, type, placeOf(item));
          return { Message: `${type.entityType} ${item.slug} deleted` };
        }),
    },
  ];
}

async function cloneItems(request: HubRequest, type: ItemType): Promise<Answer> {
  const items = await selected(request, type);
  const destination = await selectionOf(request, 'Space', {
    where: 'where_space',
    filter: 'filter_space',
  });
  if (destination.expressions.every((one) => one.trim() === '')) {
    throw badRequest('where_space: required');
  }
  const spaces = await listSpaces(request.sql, destination);
  const prefixes = (request.query['name_prefixes'] ?? '').split(',').map((one) => one.trim());
  const wanted = spaces.flatMap((space: SpaceRow) =>
    items.flatMap((item) => prefixes.map((prefix) => ({ space, item, prefix }))),
  );
  if (wanted.length > MAX_ITEMS) throw badRequest(`more than ${MAX_ITEMS} clones in one request`);
  const patch = typeof request.body === 'object' && request.body !== null ? request.body : {};
  return bulk(
    await listOfItems(
      request,
      wanted,
      async ({ space, item, prefix }) => {
        const { item_id: _old, ...copy } = item;
        const sent = {
          ...copy.body,
          DisplayName: copy.display_name,
          Annotations: copy.annotations,
          ...patch,
          Labels: { ...copy.labels, ...('Labels' in patch ? (patch.Labels as object) : {}) },
          Slug: `${prefix}${item.slug}`,
        };
        return {
          [type.entityType]: itemJson(await createItem(request, type, space.space_id, sent)),
        };
      },
      ({ item }, error) => ({ Error: itemError(error, type.entityType, item.item_id) }),
    ),
  );
}

async function each(
  request: HubRequest,
  type: ItemType,
  work: (item: ItemRow) => Promise<object>,
): Promise<Answer> {
  return bulk(
    await listOfItems(request, await selected(request, type), work, (item, error) => ({
      Error: itemError(error, type.entityType, item.item_id),
    })),
  );
}

/** Locked in one order everywhere, so that two bulk calls cannot block each other. */
async function selected(request: HubRequest, type: ItemType): Promise<readonly ItemRow[]> {
  if (['where', 'filter', 'contains'].every((name) => !request.query[name]?.trim())) {
    throw badRequest('where: required');
  }
  const selection = await selectionOf(request, type.entityType);
  const parameters: unknown[] = [type.entityType];
  const { sql } = whereSql(itemModel(type.entityType), selection.expressions, parameters);
  const contains = containsSql('item', selection.contains, parameters);
  const items = await request.sql.rows<ItemRow>(
    `SELECT item.* FROM items item JOIN spaces space ON space.space_id = item.space_id
     WHERE item.entity_type = $1 AND ${sql} AND ${contains}
     ORDER BY item.slug, item.item_id LIMIT ${MAX_ITEMS + 1} FOR UPDATE OF item`,
    parameters,
  );
  if (items.length > MAX_ITEMS) throw badRequest(`where: selects more than ${MAX_ITEMS}`);
  return items;
}

function placeOf(item: ItemRow) {
  return { spaceId: item.space_id, itemId: item.item_id };
}
