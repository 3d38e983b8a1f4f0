import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Sql } from './database.ts';
import type { Dialect } from './dialect.ts';
import { checkVersion, headerInput, newHeader, patchHeader, replaceHeader } from './header.ts';
import { HubError, notFound } from './hub-error.ts';
import { ORGANIZATION } from './identity.ts';
import { createItem, TARGET, BRIDGE_WORKER as WORKER } from './items.ts';
import { containsSql, fieldSelector, type Selection, selectionOf } from './list-query.ts';
import { SPACE_MODEL } from './models.ts';
import { type Page, type Paged, pageOf, pageRows, pageSql } from './paging.ts';
import {
  type HubRequest,
  isTrue,
  ok,
  optionalId,
  parseBody,
  pathId,
  type Route,
} from './request.ts';
import { whereSql } from './where/index.ts';
import { type SpaceRow, spaceJson } from './wire.ts';

export const spaceInput = z.object({ ...headerInput, ReleaseTargetID: optionalId });
export type SpaceInput = z.infer<typeof spaceInput>;

export async function requireSpace(sql: Sql, spaceId: string): Promise<SpaceRow> {
  const rows = await sql.rows<SpaceRow>('SELECT * FROM spaces WHERE space_id = $1', [spaceId]);
  if (rows[0] === undefined) throw notFound(`space ${spaceId}`);
  return rows[0];
}

/** 404 where the path names a space that is not there. */
export async function requireSpaceOf(request: HubRequest): Promise<void> {
  if ('space_id' in request.params) await requireSpace(request.sql, pathId(request, 'space_id'));
}

export async function listSpaces(
  sql: Sql,
  selection: Selection,
  page?: Page,
): Promise<readonly Paged<SpaceRow>[]> {
  const parameters: unknown[] = [];
  const { sql: where } = whereSql(SPACE_MODEL, selection.expressions, parameters);
  const contains = containsSql('space', selection.contains, parameters);
  const { condition, column, tail } = pageSql(page, 'space.slug', parameters);
  return sql.rows<Paged<SpaceRow>>(
    `SELECT space.*${column} FROM spaces space WHERE ${where} AND ${contains} AND ${condition} ${tail}`,
    parameters,
  );
}

export const SPACE_ROUTES: readonly Route[] = [
  { method: 'get', path: '/space', handle: list },
  { method: 'post', path: '/space', handle: create },
  {
    method: 'get',
    path: '/space/:space_id',
    handle: async (request) => {
      const id = pathId(request, 'space_id');
      const [found] = await extend(request, [await requireSpace(request.sql, id)]);
      return ok(found);
    },
  },
  { method: 'put', path: '/space/:space_id', handle: (request) => change(request, 'replace') },
  { method: 'patch', path: '/space/:space_id', handle: (request) => change(request, 'merge') },
  {
    method: 'delete',
    path: '/space/:space_id',
    handle: async (request) => {
      const space = await requireSpace(request.sql, pathId(request, 'space_id'));
      await deleteSpace(request, space);
      return ok({ Message: `Space ${space.slug} deleted` });
    },
  },
];

async function list(request: HubRequest) {
  const page = pageOf(request, SPACE_MODEL, { tieBreak: 'space_id', defaults: 'Slug' });
  const found = await listSpaces(request.sql, await selectionOf(request, 'Space'), page);
  const { rows, headers } = pageRows(page, found);
  return ok(await extend(request, rows), headers);
}

async function create(request: HubRequest) {
  const input = parseBody(spaceInput, request.body);
  const header = newHeader(input);
  const existing = await request.sql.rows<SpaceRow>('SELECT * FROM spaces WHERE slug = $1', [
    header.slug,
  ]);
  if (existing[0] !== undefined) {
    if (isTrue(request.query['allow_exists'])) return ok(spaceJson(existing[0], request.dialect));
    throw new HubError(409, `a space with slug ${header.slug} exists already`);
  }
  return ok(spaceJson(await createSpace(request, input), request.dialect));
}

/**
 * Every space gets a worker and a target, so that its units can be applied at once: this server is the worker. Releases go
 * to that target too, unless the body says `ReleaseTargetID: null`.
 */
export async function createSpace(
  request: Pick<HubRequest, 'sql' | 'dialect'>,
  input: SpaceInput,
  upstreamSpaceId: string | null = null,
): Promise<SpaceRow> {
  const { sql } = request;
  const header = newHeader(input);
  const spaceId = randomUUID();
  await sql.rows(
    `INSERT INTO spaces (space_id, organization_id, slug, display_name, labels, annotations, upstream_space_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      spaceId,
      ORGANIZATION.organizationId,
      header.slug,
      header.displayName,
      JSON.stringify(header.labels),
      JSON.stringify(header.annotations),
      upstreamSpaceId,
    ],
  );
  const { item_id: workerId } = await createItem(request, WORKER, spaceId, { Slug: 'worker' });
  const target = await createItem(request, TARGET, spaceId, {
    Slug: 'target',
    BridgeWorkerID: workerId,
  });
  await sql.rows('UPDATE spaces SET release_target_id = $2 WHERE space_id = $1', [
    spaceId,
    input.ReleaseTargetID === undefined ? target.item_id : input.ReleaseTargetID,
  ]);
  return requireSpace(sql, spaceId);
}

async function change(request: HubRequest, mode: 'replace' | 'merge') {
  const space = await lockSpace(request.sql, pathId(request, 'space_id'));
  const input = parseBody(spaceInput, request.body);
  return ok(spaceJson(await changeSpace(request.sql, space, input, mode), request.dialect));
}

async function lockSpace(sql: Sql, spaceId: string): Promise<SpaceRow> {
  const rows = await sql.rows<SpaceRow>('SELECT * FROM spaces WHERE space_id = $1 FOR UPDATE', [
    spaceId,
  ]);
  if (rows[0] === undefined) throw notFound(`space ${spaceId}`);
  return rows[0];
}

/** PUT (`replace`, Version required) or PATCH (`merge`) of a space whose lock the caller holds. */
export async function changeSpace(
  sql: Sql,
  space: SpaceRow,
  input: SpaceInput,
  mode: 'replace' | 'merge',
): Promise<SpaceRow> {
  checkVersion(space.version, input.Version, mode === 'replace');
  const header = mode === 'replace' ? replaceHeader(space, input) : patchHeader(space, input);
  const { ReleaseTargetID: target } = input;
  const rows = await sql.rows<SpaceRow>(
    `UPDATE spaces SET version = version + 1, updated_at = now(), slug = $2, display_name = $3, labels = $4,
       annotations = $5, release_target_id = $6 WHERE space_id = $1 RETURNING *`,
    [
      space.space_id,
      header.slug,
      header.displayName,
      JSON.stringify(header.labels),
      JSON.stringify(header.annotations),
      target === undefined ? (space.release_target_id ?? null) : target,
    ],
  );
  if (rows[0] === undefined) throw notFound(`space ${space.space_id}`);
  return rows[0];
}

/** Deletes a space with everything in it; generation C wants to be told so where it is in use. */
export async function deleteSpace(
  { sql, dialect, query }: HubRequest,
  space: SpaceRow,
): Promise<void> {
  const isRecursive = isTrue(query['recursive']) || isTrue(query['recursive_force']);
  if (dialect === 'release' && !isRecursive) {
    const used = await sql.rows('SELECT 1 FROM units WHERE space_id = $1 LIMIT 1', [
      space.space_id,
    ]);
    if (used.length > 0) {
      throw new HubError(409, `space ${space.slug} has units: pass recursive=true`);
    }
  }
  await sql.rows('DELETE FROM spaces WHERE space_id = $1', [space.space_id]);
}

/** Extended envelopes, with counts where the query asks for a summary. */
export async function extend(request: HubRequest, spaces: readonly SpaceRow[]) {
  const summaries = isTrue(request.query['summary'])
    ? await summariesOf(request, spaces)
    : new Map<string, object>();
  const select = fieldSelector('Space', request.query['select']);
  return spaces.map((space) =>
    select({ Space: spaceJson(space, request.dialect), ...summaries.get(space.space_id) }),
  );
}

async function summariesOf(
  { sql, dialect }: Pick<HubRequest, 'sql' | 'dialect'>,
  spaces: readonly SpaceRow[],
): Promise<ReadonlyMap<string, object>> {
  const rows = await sql.rows<{
    space_id: string;
    counts: object;
    held: object;
    targets: number;
    workers: number;
  }>(
    `SELECT space.space_id, json_build_object(
         'TotalUnitCount', count(u.unit_id),
         'GatedUnitCount', count(*) FILTER (WHERE u.apply_gates <> '{}'),
         'UpgradableUnitCount', count(*) FILTER (WHERE up.head_revision_num > u.upstream_revision_num),
         'UnlinkedUnitCount', 0,
         'RecentChangeUnitCount', count(*) FILTER (WHERE u.updated_at > now() - interval '1 day'),
         ${LIVE_COUNTS[dialect]}
       ) AS counts,
       (SELECT count(*) FROM items i WHERE i.space_id = space.space_id AND i.entity_type = 'Target') AS targets,
       (SELECT count(*) FROM items i WHERE i.space_id = space.space_id AND i.entity_type = 'BridgeWorker') AS workers,
       (SELECT json_build_object(
          'TotalTagCount', count(*) FILTER (WHERE i.entity_type = 'Tag'),
          'TotalChangeSetCount', count(*) FILTER (WHERE i.entity_type = 'ChangeSet'),
          'TotalFilterCount', count(*) FILTER (WHERE i.entity_type = 'Filter'))
        FROM items i WHERE i.space_id = space.space_id) AS held
     FROM spaces space LEFT JOIN units u ON u.space_id = space.space_id
       LEFT JOIN units up ON up.unit_id = u.upstream_unit_id
     WHERE space.space_id = ANY($1) GROUP BY space.space_id`,
    [spaces.map((space) => space.space_id)],
  );
  return new Map(
    rows.map((row) => [
      row.space_id,
      {
        ...row.counts,
        ...row.held,
        TotalBridgeWorkerCount: row.workers,
        TargetCountByToolchainType: { 'Kubernetes/YAML': row.targets },
        TriggerCountByEventType: null,
      },
    ]),
  );
}

const LIVE_COUNTS: Readonly<Record<Dialect, string>> = {
  bridge: `'UnappliedUnitCount', count(*) FILTER (WHERE u.head_revision_num > u.live_revision_num),
    'UnapprovedUnitCount', count(*) FILTER (WHERE u.approved_by = '[]'),
    'IncompleteApplyUnitCount', count(*) FILTER (WHERE u.last_applied_revision_num > u.live_revision_num)`,
  release: `'UnreleasedUnitCount', count(*) FILTER (WHERE u.head_revision_num > u.last_released_revision_num),
    'TotalReleaseCount', (SELECT count(*) FROM releases r WHERE r.space_id = space.space_id)`,
};
