import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Sql } from './database.ts';
import { checkVersion, headerInput, newHeader, patchHeader, replaceHeader } from './header.ts';
import { HubError, notFound } from './hub-error.ts';
import { ORGANIZATION } from './identity.ts';
import { createItem, ITEM_TYPES } from './items.ts';
import { containsSql, fieldSelector, type Selection, selectionOf } from './list-query.ts';
import { SPACE_MODEL } from './models.ts';
import { type HubRequest, isTrue, ok, parseBody, pathId, type Route } from './request.ts';
import { whereSql } from './where/index.ts';
import { type SpaceRow, spaceJson } from './wire.ts';

const spaceInput = z.object({ ...headerInput });

export async function requireSpace(sql: Sql, spaceId: string): Promise<SpaceRow> {
  const rows = await sql.rows<SpaceRow>('SELECT * FROM spaces WHERE space_id = $1', [spaceId]);
  if (rows[0] === undefined) throw notFound(`space ${spaceId}`);
  return rows[0];
}

export async function listSpaces(sql: Sql, selection: Selection): Promise<readonly SpaceRow[]> {
  const parameters: unknown[] = [];
  const { sql: where } = whereSql(SPACE_MODEL, selection.expressions, parameters);
  const contains = containsSql('space', selection.contains, parameters);
  return sql.rows<SpaceRow>(
    `SELECT space.* FROM spaces space WHERE ${where} AND ${contains} ORDER BY space.slug`,
    parameters,
  );
}

export const SPACE_ROUTES: readonly Route[] = [
  { method: 'get', path: '/space', handle: async (request) => ok(await extended(request, '')) },
  { method: 'post', path: '/space', handle: createSpace },
  {
    method: 'get',
    path: '/space/:space_id',
    handle: async (request) => {
      const id = pathId(request, 'space_id');
      const found = await extended(request, `SpaceID = '${id}'`);
      if (found[0] === undefined) throw notFound(`space ${id}`);
      return ok(found[0]);
    },
  },
  { method: 'put', path: '/space/:space_id', handle: (request) => changeSpace(request, 'replace') },
  { method: 'patch', path: '/space/:space_id', handle: (request) => changeSpace(request, 'merge') },
  {
    method: 'delete',
    path: '/space/:space_id',
    handle: async (request) => {
      const space = await requireSpace(request.sql, pathId(request, 'space_id'));
      await request.sql.rows('DELETE FROM spaces WHERE space_id = $1', [space.space_id]);
      return ok({ Message: `Space ${space.slug} deleted` });
    },
  },
];

// Every space gets a worker and a target, so that its units can be applied at once: this server is the worker.
async function createSpace(request: HubRequest) {
  const header = newHeader(parseBody(spaceInput, request.body));
  const existing = await request.sql.rows<SpaceRow>('SELECT * FROM spaces WHERE slug = $1', [
    header.slug,
  ]);
  if (existing[0] !== undefined) {
    if (isTrue(request.query['allow_exists'])) return ok(spaceJson(existing[0]));
    throw new HubError(409, `a space with slug ${header.slug} exists already`);
  }
  const rows = await request.sql.rows<SpaceRow>(
    `INSERT INTO spaces (space_id, organization_id, slug, display_name, labels, annotations)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING *`,
    [
      randomUUID(),
      ORGANIZATION.organizationId,
      header.slug,
      header.displayName,
      JSON.stringify(header.labels),
      JSON.stringify(header.annotations),
    ],
  );
  const space = rows[0];
  const worker = ITEM_TYPES.find((type) => type.entityType === 'BridgeWorker');
  const target = ITEM_TYPES.find((type) => type.entityType === 'Target');
  if (space === undefined || worker === undefined || target === undefined) {
    throw new HubError(500, 'the space was not stored');
  }
  const { item_id: workerId } = await createItem(request.sql, worker, space.space_id, {
    Slug: 'worker',
  });
  await createItem(request.sql, target, space.space_id, {
    Slug: 'target',
    BridgeWorkerID: workerId,
  });
  return ok(spaceJson(space));
}

async function changeSpace(request: HubRequest, mode: 'replace' | 'merge') {
  const id = pathId(request, 'space_id');
  const rows = await request.sql.rows<SpaceRow>(
    'SELECT * FROM spaces WHERE space_id = $1 FOR UPDATE',
    [id],
  );
  if (rows[0] === undefined) throw notFound(`space ${id}`);
  const input = parseBody(spaceInput, request.body);
  checkVersion(rows[0].version, input.Version, mode === 'replace');
  const header = mode === 'replace' ? replaceHeader(rows[0], input) : patchHeader(rows[0], input);
  const changed = await request.sql.rows<SpaceRow>(
    `UPDATE spaces SET version = version + 1, updated_at = now(), slug = $2, display_name = $3, labels = $4,
       annotations = $5 WHERE space_id = $1 RETURNING *`,
    [
      id,
      header.slug,
      header.displayName,
      JSON.stringify(header.labels),
      JSON.stringify(header.annotations),
    ],
  );
  return ok(changed.map(spaceJson)[0]);
}

async function extended(request: HubRequest, narrow: string) {
  const selection = await selectionOf(request, 'Space');
  const spaces = await listSpaces(request.sql, {
    ...selection,
    expressions: [...selection.expressions, narrow],
  });
  const summaries = isTrue(request.query['summary'])
    ? await summariesOf(request.sql, spaces)
    : new Map<string, object>();
  const select = fieldSelector('Space', request.query['select']);
  return spaces.map((space) =>
    select({ Space: spaceJson(space), ...summaries.get(space.space_id) }),
  );
}

async function summariesOf(
  sql: Sql,
  spaces: readonly SpaceRow[],
): Promise<ReadonlyMap<string, object>> {
  const rows = await sql.rows<{
    space_id: string;
    counts: object;
    targets: number;
    workers: number;
  }>(
    `SELECT space.space_id, json_build_object(
         'TotalUnitCount', count(u.unit_id),
         'GatedUnitCount', count(*) FILTER (WHERE u.apply_gates <> '{}'),
         'UpgradableUnitCount', count(*) FILTER (WHERE up.head_revision_num > u.upstream_revision_num),
         'UnappliedUnitCount', count(*) FILTER (WHERE u.head_revision_num > u.live_revision_num),
         'UnapprovedUnitCount', count(*) FILTER (WHERE u.approved_by = '[]'),
         'UnlinkedUnitCount', 0,
         'RecentChangeUnitCount', count(*) FILTER (WHERE u.updated_at > now() - interval '1 day'),
         'IncompleteApplyUnitCount', count(*) FILTER (WHERE u.last_applied_revision_num > u.live_revision_num)
       ) AS counts,
       (SELECT count(*) FROM items i WHERE i.space_id = space.space_id AND i.entity_type = 'Target') AS targets,
       (SELECT count(*) FROM items i WHERE i.space_id = space.space_id AND i.entity_type = 'BridgeWorker') AS workers
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
        TotalBridgeWorkerCount: row.workers,
        TargetCountByToolchainType: { 'Kubernetes/YAML': row.targets },
        TriggerCountByEventType: null,
      },
    ]),
  );
}
