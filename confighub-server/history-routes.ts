import { notFound } from './hub-error.ts';
import { fieldSelector, listOf } from './list-query.ts';
import { EVENT_MODEL, REVISION_MODEL } from './models.ts';
import { bytes, type HubRequest, ok, pathId, type Route } from './request.ts';
import { type RevisionRow, readRevision } from './revisions.ts';
import { whereSql } from './where/index.ts';
import { type EventRow, eventJson, revisionJson, userJson } from './wire.ts';

const UNIT = '/space/:space_id/unit/:unit_id';

/** What happened to a unit: its revisions and the events of its actions. */
export const HISTORY_ROUTES: readonly Route[] = [
  {
    method: 'get',
    path: `${UNIT}/revision`,
    handle: async (request) => ok(await revisions(request, '')),
  },
  {
    method: 'get',
    path: `${UNIT}/revision/:revision_id`,
    handle: async (request) => {
      const id = pathId(request, 'revision_id');
      const found = await revisions(request, `RevisionID = '${id}'`);
      if (found[0] === undefined) throw notFound(`revision ${id}`);
      return ok(found[0]);
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
      return bytes(row.data);
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

async function requireUnit(request: HubRequest): Promise<void> {
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
  const rows = await request.sql.rows<RevisionRow>(
    `SELECT revision.* FROM revisions revision WHERE revision.unit_id = $1 AND ${sql} ORDER BY revision_num DESC`,
    parameters,
  );
  const withUsers = listOf(request.query['include']).has('UserID');
  const select = fieldSelector('Revision', request.query['select']);
  return rows.map((row) => {
    const user = request.users.find((one) => one.userId === row.user_id);
    return select({
      Revision: revisionJson(row),
      ...(withUsers && user ? { User: userJson(user) } : {}),
    });
  });
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
