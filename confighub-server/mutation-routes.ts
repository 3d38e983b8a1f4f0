import { requireUnit } from './history-routes.ts';
import { notFound } from './hub-error.ts';
import { fieldSelector, listOf } from './list-query.ts';
import { MUTATION_MODEL } from './models.ts';
import { type HubRequest, ok, pathId, type Route } from './request.ts';
import type { RevisionRow } from './revisions.ts';
import { UNIT_PATH } from './unit-routes.ts';
import { whereSql } from './where/index.ts';
import { mutationJson, revisionJson } from './wire.ts';

/** The audit of a unit: which change made which revision. */
export const MUTATION_ROUTES: readonly Route[] = [
  {
    method: 'get',
    path: `${UNIT_PATH}/mutation`,
    handle: async (request) => ok(await mutations(request, '')),
  },
  {
    method: 'get',
    path: `${UNIT_PATH}/mutation/:mutation_id`,
    handle: async (request) => {
      const id = pathId(request, 'mutation_id');
      const [found] = await mutations(request, `MutationID = '${id}'`);
      if (found === undefined) throw notFound(`mutation ${id}`);
      return ok(found);
    },
  },
];

async function mutations(request: HubRequest, narrow: string) {
  await requireUnit(request);
  const parameters: unknown[] = [pathId(request, 'unit_id')];
  const { sql } = whereSql(MUTATION_MODEL, [request.query['where'] ?? '', narrow], parameters);
  const rows = await request.sql.rows<RevisionRow>(
    `SELECT revision.* FROM revisions revision WHERE revision.unit_id = $1 AND ${sql} ORDER BY revision_num DESC`,
    parameters,
  );
  const withRevisions = listOf(request.query['include']).has('RevisionID');
  const select = fieldSelector('Mutation', request.query['select']);
  return rows.map((row) =>
    select({
      Mutation: mutationJson(row),
      ...(withRevisions ? { Revision: revisionJson(row, request.dialect) } : {}),
    }),
  );
}
