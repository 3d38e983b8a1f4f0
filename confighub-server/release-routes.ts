import { z } from 'zod';
import { badRequest } from './hub-error.ts';
import { fieldSelector, selectionOf } from './list-query.ts';
import { RELEASE_MODEL } from './models.ts';
import { type Paged, pageOf, pageRows, pageSql } from './paging.ts';
import {
  publishRelease,
  RELEASE_COLUMNS,
  RELEASE_PROGRESS,
  type ReleaseRow,
  readRelease,
  releaseJson,
} from './releases.ts';
import { type HubRequest, ok, optionalId, parseBody, pathId, type Route } from './request.ts';
import { requireSpace, requireSpaceOf } from './spaces.ts';
import { authorOf, lockedUnit, UNIT_PATH } from './unit-routes.ts';
import { approveUnit } from './unit-write.ts';
import { whereSql } from './where/index.ts';

const ONE = '/space/:space_id/release/:release_id';
const texts = z.record(z.string(), z.string()).nullish();
const releaseInput = z.object({ TagID: optionalId, Labels: texts, Annotations: texts });

/** Generation C delivers whole spaces: a release is published, a controller in the cluster fetches and applies it. */
export const RELEASE_ROUTES: readonly Route[] = [
  { method: 'get', path: '/space/:space_id/release', handle: list },
  { method: 'get', path: '/release', handle: list },
  { method: 'post', path: '/space/:space_id/release', handle: publish },
  { method: 'get', path: ONE, handle: async (request) => ok({ Release: await read(request) }) },
  {
    method: 'post',
    path: `${ONE}/withdraw`,
    handle: async (request) => {
      await read(request);
      await request.sql.rows(
        'UPDATE releases SET withdrawn_at = COALESCE(withdrawn_at, now()) WHERE release_id = $1',
        [pathId(request, 'release_id')],
      );
      return ok({ Release: await read(request), Message: 'withdrawn' });
    },
  },
  // The fact sheet has its path, not its fields: what it answers is our reading.
  { method: 'post', path: `${UNIT_PATH}/attestation`, handle: attest },
];

/** Somebody vouches for the head revision of a unit, which opens the gate that waits for that. */
async function attest(request: HubRequest) {
  const unit = await lockedUnit(request);
  const author = authorOf(request);
  await approveUnit(request.sql, unit, author);
  return ok({
    UnitID: unit.unit_id,
    SpaceID: unit.space_id,
    RevisionNum: unit.head_revision_num,
    UserID: author.user.userId,
    Message: `revision ${unit.head_revision_num} of unit ${unit.slug} attested`,
  });
}

async function publish(request: HubRequest) {
  const space = await requireSpace(request.sql, pathId(request, 'space_id'));
  const input = parseBody(releaseInput, request.body);
  const tagId = input.TagID ?? null;
  if (tagId !== null) await requireTag(request, tagId);
  const releaseId = await publishRelease(request, space, {
    tagId,
    labels: input.Labels ?? {},
    annotations: input.Annotations ?? {},
  });
  const release = await readRelease(request.sql, space.space_id, releaseId);
  return ok({ Release: releaseJson(release), Message: `Release ${release.release_num} published` });
}

async function requireTag({ sql }: HubRequest, tagId: string): Promise<void> {
  const rows = await sql.rows(`SELECT 1 FROM items WHERE item_id = $1 AND entity_type = 'Tag'`, [
    tagId,
  ]);
  if (rows.length === 0) throw badRequest(`body: TagID: tag ${tagId} not found`);
}

async function read(request: HubRequest): Promise<object> {
  const { sql } = request;
  return releaseJson(
    await readRelease(sql, pathId(request, 'space_id'), pathId(request, 'release_id')),
  );
}

async function list(request: HubRequest) {
  await requireSpaceOf(request);
  const { expressions } = await selectionOf(request, 'Release');
  const parameters: unknown[] = [];
  const { sql } = whereSql(RELEASE_MODEL, expressions, parameters);
  const order = { tieBreak: 'release_id', defaults: 'DESC:CreatedAt' };
  const page = pageOf(request, RELEASE_MODEL, order);
  const { condition, column, tail } = pageSql(page, 'release.release_num', parameters);
  const found = await request.sql.rows<Paged<ReleaseRow>>(
    `SELECT ${RELEASE_COLUMNS}${column} FROM releases release ${RELEASE_PROGRESS}
     WHERE ${sql} AND ${condition} ${tail}`,
    parameters,
  );
  const { rows, headers } = pageRows(page, found);
  const select = fieldSelector('Release', request.query['select']);
  return ok(
    rows.map((row) => select({ Release: releaseJson(row) })),
    headers,
  );
}
