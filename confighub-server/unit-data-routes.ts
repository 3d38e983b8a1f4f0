import { badRequest, conflict } from './hub-error.ts';
import { selectionOf } from './list-query.ts';
import { unitModel } from './models.ts';
import { pageOf, pageRows } from './paging.ts';
import { type Answer, type HubRequest, isTrue, ok, type Route, taggedBytes } from './request.ts';
import { hashesOf } from './revisions.ts';
import { listUnits, UNIT_ORDER } from './unit-list.ts';
import { authorOf, detailsOf, lockedUnit, presentUnit, UNIT_PATH, written } from './unit-routes.ts';
import { limitedData, patchUnit, unitInput } from './unit-write.ts';

/** A unit's document by itself, guarded by its hash instead of the unit's Version. */
export const UNIT_DATA_ROUTES: readonly Route[] = [
  {
    method: 'get',
    path: `${UNIT_PATH}/data`,
    handle: async (request) => {
      const unit = await presentUnit(request);
      return taggedBytes(request, unit.data, unit.data_hash);
    },
  },
  { method: 'put', path: `${UNIT_PATH}/data`, handle: upload },
];

/** Generation C: the documents of many units in one answer. */
export const UNIT_DATA_SEARCH: readonly Route[] = [
  {
    method: 'get',
    path: '/unit_data',
    handle: async (request) => {
      const page = pageOf(request, unitModel(request.dialect), UNIT_ORDER);
      const parts = { data: true, liveState: false, metadata: false, mutations: false };
      const selection = await selectionOf(request, 'Unit');
      const { rows, headers } = pageRows(page, await listUnits(request, selection, parts, page));
      const slugs = await spaceSlugs(
        request,
        rows.map((unit) => unit.space_id),
      );
      const found = rows.map((unit) => ({
        UnitID: unit.unit_id,
        Slug: unit.slug,
        SpaceID: unit.space_id,
        SpaceSlug: slugs.get(unit.space_id) ?? '',
        Data: unit.data?.toString('base64') ?? '',
        DataHash: unit.data_hash,
        DataSize: unit.data?.length ?? 0,
      }));
      return ok(found, headers);
    },
  },
];

async function upload(request: HubRequest): Promise<Answer> {
  // An empty body is not parsed at all; it is a valid document all the same.
  const sent = Buffer.isBuffer(request.body) ? request.body : undefined;
  if (sent === undefined && request.headers['content-type'] !== 'application/octet-stream') {
    throw badRequest('Content-Type: send the document as application/octet-stream');
  }
  const data = limitedData(sent ?? Buffer.alloc(0));
  const unit = await lockedUnit(request);
  checkMatch(request.headers['if-match'], unit.data_hash);
  if (isTrue(request.query['dry_run'])) {
    const { dataHash } = hashesOf(data);
    return ok(written(request, { ...unit, data, data_hash: dataHash }));
  }
  const { last_change_description: description } = request.query;
  const input = unitInput.parse(
    description === undefined ? {} : { LastChangeDescription: description },
  );
  const changed = await patchUnit(request.sql, unit, input, authorOf(request), {
    ...detailsOf(request),
    data,
    source: 'UploadUnitData',
  });
  return ok(written(request, changed), { ETag: `"${changed.data_hash}"` });
}

function checkMatch(sent: string | undefined, present: string): void {
  if (sent === undefined || sent === '*') return;
  const wanted = sent.split(',').map((one) => one.trim());
  if (!wanted.includes(`"${present}"`)) {
    throw conflict(`If-Match ${sent} is stale, the data is at "${present}"`);
  }
}

async function spaceSlugs(
  { sql }: HubRequest,
  spaceIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.rows<{ space_id: string; slug: string }>(
    'SELECT space_id, slug FROM spaces WHERE space_id = ANY($1)',
    [[...new Set(spaceIds)]],
  );
  return new Map(rows.map((row) => [row.space_id, row.slug]));
}
