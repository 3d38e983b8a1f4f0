import { notFound } from './hub-error.ts';
import { fieldSelector, listOf } from './list-query.ts';
import { EVENT_MODEL, REVISION_MODEL } from './models.ts';
import { type Paged, pageOf, pageRows, pageSql } from './paging.ts';
import { type HubRequest, ok, pathId, type Route, taggedBytes } from './request.ts';
import { type RevisionRow, readRevision } from './revisions.ts';
import { whereSql } from './where/index.ts';
import { type EventRow, eventJson, revisionJson, userJson } from './wire.ts';

const UNIT = '/space/:space_id/unit/:unit_id';

/** What happened to a unit: its revisions and the events of its actions. */
export const HISTORY_ROUTES: readonly Route[] = [
  {
    method: 'get',
    path: `${UNIT}/revision`,
    handle: async (request) => {
      const { envelopes, headers } = await revisions(request, '');
      return ok(envelopes, headers);
    },
  },
  {
    method: 'get',
    path: `${UNIT}/revision/:revision_id`,
    handle: async (request) => {
      const id = pathId(request, 'revision_id');
      const { envelopes } = await revisions(request, `RevisionID = '${id}'`);
      if (envelopes[0] === undefined) throw notFound(`revision ${id}`);
      return ok(envelopes[0]);
    },
  },
  {
    method: 'get',
    path: `${UNIT}/revision/:revision_id/data`,
    handle: async (request) => {
      await requireUnit(request);
      const row = await readRevision(
        request.sql,
        pathId(request, 'unit_id'),
        pathId(request, 'revision_id'),
      );
      return taggedBytes(request, row.data, row.data_hash);
    },
  },
  {
    method: 'get',
    path: `${UNIT}/unit_event`,
    handle: async (request) => ok(await events(request, '')),
  },
  {
    method: 'get',
    path: `${UNIT}/unit_event/:event_id`,
    handle: async (request) => {
      const id = pathId(request, 'event_id');
      const found = await events(request, `UnitEventID = '${id}'`);
      if (found[0] === undefined) throw notFound(`unit event ${id}`);
      return ok(found[0]);
    },
  },
];

/** 404 unless the path names a unit of its space. */
export async function requireUnit(request: HubRequest): Promise<void> {
  const rows = await request.sql.rows('SELECT 1 FROM units WHERE unit_id = $1 AND space_id = $2', [
    pathId(request, 'unit_id'),
    pathId(request, 'space_id'),
  ]);
  if (rows.length === 0) throw notFound(`unit ${pathId(request, 'unit_id')}`);
}

async function revisions(request: HubRequest, narrow: string) {
  await requireUnit(request);
  const parameters: unknown[] = [pathId(request, 'unit_id')];
  const { sql } = whereSql(REVISION_MODEL, [request.query['where'] ?? '', narrow], parameters);
  const order = { tieBreak: 'revision_id', defaults: 'DESC:RevisionNum' };
  const page = pageOf(request, REVISION_MODEL, order);
  const { condition, column, tail } = pageSql(page, 'revision_num DESC', parameters);
  const found = await request.sql.rows<Paged<RevisionRow>>(
    `SELECT revision.*${column} FROM revisions revision
     WHERE revision.unit_id = $1 AND ${sql} AND ${condition} ${tail}`,
    parameters,
  );
  const { rows, headers } = pageRows(page, found);
  const withUsers = listOf(request.query['include']).has('UserID');
  const select = fieldSelector('Revision', request.query['select']);
  const envelopes = rows.map((row) => {
    const user = request.users.find((one) => one.userId === row.user_id);
    return select({
      Revision: revisionJson(row, request.dialect),
      ...(withUsers && user ? { User: userJson(user) } : {}),
    });
  });
  return { envelopes, headers };
}

async function events(request: HubRequest, narrow: string) {
  await requireUnit(request);
  const parameters: unknown[] = [pathId(request, 'unit_id')];
  const { sql } = whereSql(EVENT_MODEL, [request.query['where'] ?? '', narrow], parameters);
  const rows = await request.sql.rows<EventRow>(
    `SELECT event.* FROM unit_events event WHERE event.unit_id = $1 AND ${sql} ORDER BY event.sequence`,
    parameters,
  );
  return rows.map(eventJson);
}
