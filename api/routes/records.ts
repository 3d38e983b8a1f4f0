import { AppError } from '../../lib/errors.ts';
import type { DriftRecord, RecordQuery, Store } from '../../store/types.ts';
import { presentEpisode, presentRecord } from '../present.ts';
import { presentAnalysis } from '../present-advice.ts';
import { readResourceId } from '../resource-id.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ApiDeps } from '../types.ts';

const NOT_FOUND = 'Drift record not found';

/** DriftGuard's lists and single records, with filters, pages and the history that it lacked. */
export function recordRoutes(deps: ApiDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/drift-records',
      summary: 'Records of all compared resources, newest drift first',
      access: 'viewer',
      query: schemas.recordQuery,
      answer: schemas.recordList,
      failure: 'Failed to retrieve drift records',
      async handle({ query }) {
        const { drift_detected: driftDetected, ...filters } = query;
        return { body: await listRecords(deps, { ...filters, driftDetected }) };
      },
    }),
    listOfStatus(deps, 'active'),
    listOfStatus(deps, 'resolved'),
    defineRoute({
      method: 'get',
      path: '/api/v1/drift-records/:resourceId',
      summary: 'One record, by Kind:namespace:name or environment:Kind:namespace:name',
      access: 'viewer',
      query: schemas.resourceQuery,
      answer: schemas.recordDetail,
      failure: 'Failed to retrieve drift record',
      notFound: NOT_FOUND,
      async handle({ params, query }) {
        const record = await findRecord(deps.store, params['resourceId'] ?? '', query.group);
        const analysis = await findAnalysis(deps.store, record);
        return { body: { ...presentRecord(deps.links, record), analysis } };
      },
    }),
    history(deps),
    ...(deps.messageOf ? [message(deps, deps.messageOf)] : []),
  ];
}

function message({ store, links }: ApiDeps, messageOf: NonNullable<ApiDeps['messageOf']>): Route {
  return defineRoute({
    method: 'get',
    path: '/api/v1/drift-records/:resourceId/message',
    summary: 'The message about the newest drift of a resource, as people get it in Slack',
    access: 'viewer',
    query: schemas.resourceQuery,
    answer: schemas.driftMessage,
    failure: 'Failed to retrieve the message',
    notFound: NOT_FOUND,
    async handle({ params, query }) {
      const record = await findRecord(store, params['resourceId'] ?? '', query.group);
      const { resource_id, environment } = presentRecord(links, record);
      const found = record.episodeId === undefined ? undefined : await messageOf(record.episodeId);
      if (!found) throw new AppError('NOT_FOUND', `there is no message about ${resource_id}`);
      return { body: { resource_id, environment, ...found } };
    },
  });
}

function history({ store, links }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/api/v1/drift-records/:resourceId/history',
    summary: 'The drifts of one resource with every step, newest first',
    access: 'viewer',
    query: schemas.historyQuery,
    answer: schemas.history,
    failure: 'Failed to retrieve history',
    notFound: NOT_FOUND,
    async handle({ params, query }) {
      const record = await findRecord(store, params['resourceId'] ?? '', query.group);
      const found = await store.episodes.listFor(record.ref, query.limit);
      const episodes = await Promise.all(
        found.map(async (episode) =>
          presentEpisode(links, episode, await store.episodes.listSteps(episode.episodeId)),
        ),
      );
      const { resource_id, environment } = presentRecord(links, record);
      return { body: { resource_id, environment, episodes, count: episodes.length } };
    },
  });
}

function listOfStatus(deps: ApiDeps, status: 'active' | 'resolved'): Route {
  return defineRoute({
    method: 'get',
    path: `/api/v1/drift-records/${status}`,
    summary: status === 'active' ? 'Resources that drift now' : 'Resources whose drift is over',
    access: 'viewer',
    query: schemas.recordFilters,
    answer: schemas.recordListOfStatus,
    failure: `Failed to retrieve ${status} drift records`,
    async handle({ query }) {
      return { body: { ...(await listRecords(deps, { ...query, status })), status } };
    },
  });
}

/** What Claude said of the present difference, or of the last one. */
export async function findAnalysis(
  { analyses }: Pick<Store, 'analyses'>,
  { episodeId, finding }: Pick<DriftRecord, 'episodeId' | 'finding'>,
) {
  if (episodeId === undefined || !finding) return null;
  return presentAnalysis(await analyses.find(episodeId, finding.diffDigest));
}

type Optional<T> = { [K in keyof T]: T[K] | undefined };

async function listRecords({ store, links }: ApiDeps, filters: Optional<RecordQuery>) {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  const page = await store.records.list(Object.fromEntries(given));
  return {
    drift_records: page.items.map((record) => presentRecord(links, record)),
    count: page.items.length,
    next_cursor: page.nextCursor ?? null,
  };
}

/** The one record that an id means. Throws NOT_FOUND, or AMBIGUOUS naming the candidates. */
export async function findRecord(
  store: Store,
  resourceId: string,
  group: string | undefined,
): Promise<DriftRecord> {
  const readings = readResourceId(resourceId);
  const found = (await Promise.all(readings.map((parts) => store.records.find(parts))))
    .flat()
    .filter((record) => group === undefined || record.ref.group === group);
  const [record, ...others] = found;
  if (!record) throw new AppError('NOT_FOUND', `nothing is known of ${resourceId}`);
  if (others.length === 0) return record;
  const candidates = found.map(({ ref }) => {
    const id = [ref.environment, ref.kind, ref.namespace, ref.name].join(':');
    const twice = found.filter((one) => one.ref.environment === ref.environment).length > 1;
    return twice ? `${id}?group=${ref.group}` : id;
  });
  throw new AppError('AMBIGUOUS', `${resourceId} may mean ${candidates.join(' or ')}`, {
    details: { candidates },
  });
}
