import { badRequest } from './hub-error.ts';
import { selectionOf } from './list-query.ts';
import { itemError } from './problem.ts';
import {
  type Answer,
  bulk,
  type HubRequest,
  isTrue,
  listOfItems,
  parseBody,
  type Route,
} from './request.ts';
import { changeSpace, createSpace, deleteSpace, listSpaces, spaceInput } from './spaces.ts';
import { type SpaceRow, spaceJson } from './wire.ts';

const MAX_SPACES = 1000;

/** Calls over many spaces, under `/_space` because `/space/{id}` is taken. Each item succeeds or fails alone. */
export const SPACE_BULK_ROUTES: readonly Route[] = [
  { method: 'post', path: '/_space', handle: cloneSpaces },
  {
    method: 'patch',
    path: '/_space',
    handle: async (request) => {
      const input = parseBody(spaceInput, request.body);
      return each(request, async (space) => ({
        Space: spaceJson(await changeSpace(request.sql, space, input, 'merge'), request.dialect),
      }));
    },
  },
  {
    method: 'delete',
    path: '/_space',
    handle: (request) =>
      each(request, async (space) => {
        await deleteSpace(request, space);
        return { Message: `Space ${space.slug} deleted` };
      }),
  },
];

// The new spaces have the labels of the old ones, under prefixed slugs; units are cloned by a call of their own.
async function cloneSpaces(request: HubRequest): Promise<Answer> {
  const input = parseBody(spaceInput, request.body);
  const prefixes = (request.query['name_prefixes'] ?? '')
    .split(',')
    .map((prefix) => prefix.trim())
    .filter((prefix) => prefix !== '');
  if (prefixes.length === 0) throw badRequest('name_prefixes: required');
  const wanted = (await selected(request)).flatMap((space) =>
    prefixes.map((prefix) => ({ space, slug: `${prefix}${space.slug}` })),
  );
  if (wanted.length > MAX_SPACES) throw badRequest(`more than ${MAX_SPACES} spaces in one request`);
  const items = await listOfItems(
    request,
    wanted,
    async ({ space, slug }) => {
      const existing = await request.sql.rows<SpaceRow>('SELECT * FROM spaces WHERE slug = $1', [
        slug,
      ]);
      if (existing[0] !== undefined && isTrue(request.query['allow_exists'])) {
        return { Space: spaceJson(existing[0], request.dialect) };
      }
      const copy = {
        ...input,
        Slug: slug,
        Labels: { ...space.labels, ...input.Labels },
        Annotations: { ...space.annotations, ...input.Annotations },
      };
      return {
        Space: spaceJson(await createSpace(request, copy, space.space_id), request.dialect),
      };
    },
    ({ space }, error) => ({ Error: itemError(error, 'Space', space.space_id) }),
  );
  return bulk(items);
}

async function each(
  request: HubRequest,
  work: (space: SpaceRow) => Promise<object>,
): Promise<Answer> {
  const spaces = await selected(request);
  await request.sql.rows(
    'SELECT 1 FROM spaces WHERE space_id = ANY($1) ORDER BY space_id FOR UPDATE',
    [spaces.map((space) => space.space_id)],
  );
  return bulk(
    await listOfItems(request, await selected(request), work, (space, error) => ({
      Error: itemError(error, 'Space', space.space_id),
    })),
  );
}

async function selected(request: HubRequest): Promise<readonly SpaceRow[]> {
  // A forgotten expression must not mean every space of the organization.
  if (['where', 'filter', 'contains'].every((name) => !request.query[name]?.trim())) {
    throw badRequest('where: required');
  }
  const spaces = await listSpaces(request.sql, await selectionOf(request, 'Space'));
  if (spaces.length > MAX_SPACES) throw badRequest(`where: selects more than ${MAX_SPACES} spaces`);
  return spaces;
}
