import { AppError } from '../../lib/errors.ts';
import type { ClientDeps } from './deps.ts';
import type { ConfigHub } from './hub.ts';
import { inSpace } from './unit-path.ts';
import { equals, type Where } from './where.ts';
import {
  parseChangeSet,
  parseEnvelopes,
  parseFilter,
  parseSpace,
  parseTag,
  parseTarget,
  parseWorker,
  parseWorkerSecret,
} from './wire.ts';

type SpaceCalls = Pick<
  ConfigHub,
  'listSpaces' | 'findSpace' | 'createSpace' | 'labelSpace' | 'deleteSpace'
>;
type FilterCalls = Pick<ConfigHub, 'listFilters' | 'findFilter' | 'createFilter'>;
type ChangeCalls = Pick<ConfigHub, 'findChangeSet' | 'listChangeSets' | 'createTag' | 'findTag'>;
type TargetCalls = Pick<ConfigHub, 'listWorkers' | 'createWorker' | 'listTargets' | 'createTarget'>;

type Entities = {
  list(path: string, where?: Where, include?: string): Promise<readonly unknown[]>;
  create(path: string, body: object): Promise<unknown>;
};

/** What is the same in all generations. */
export function createEntityCalls(
  deps: ClientDeps,
): SpaceCalls & FilterCalls & ChangeCalls & TargetCalls {
  const { http, names } = deps;
  const entities: Entities = {
    list: (path, where, include) =>
      http.list({ method: 'GET', path, query: { where: where?.expression, include } }),
    create: (path, body) => http.json({ method: 'POST', path, body }),
  };
  return {
    ...createSpaceCalls(deps, entities),
    ...createFilterCalls(entities, names),
    ...createChangeCalls(entities),
    ...createTargetCalls(entities),
  };
}

function createSpaceCalls({ http, names }: ClientDeps, { list, create }: Entities): SpaceCalls {
  const listSpaces: ConfigHub['listSpaces'] = async (where) => {
    const spaces = parseEnvelopes('Space', parseSpace, await list('/space', where));
    for (const space of spaces) names.remember(space.spaceId, space.slug);
    return spaces;
  };
  return {
    listSpaces,
    findSpace: async (slug) => (await listSpaces(equals('Slug', slug)))[0],
    createSpace: async ({ slug, labels, displayName }) => {
      const body = { Slug: slug, Labels: labels ?? {}, DisplayName: displayName };
      const space = parseSpace(await create('/space', body));
      names.remember(space.spaceId, space.slug);
      return space;
    },
    labelSpace: async (spaceId, labels) => {
      const path = `/space/${encodeURIComponent(spaceId)}`;
      return parseSpace(await http.json({ method: 'PATCH', path, body: { Labels: labels } }));
    },
    deleteSpace: async (spaceId) => {
      // Later servers refuse a space that is in use unless asked so; the first one ignores the word.
      await http.json({
        method: 'DELETE',
        path: `/space/${encodeURIComponent(spaceId)}`,
        query: { recursive: 'true' },
      });
    },
  };
}

function createFilterCalls({ list, create }: Entities, names: ClientDeps['names']): FilterCalls {
  const listFilters: ConfigHub['listFilters'] = async (spaceId, where) => {
    const path = spaceId === undefined ? '/filter' : inSpace(spaceId, 'filter');
    return parseEnvelopes('Filter', parseFilter, await list(path, where, 'SpaceID'));
  };
  return {
    listFilters,
    findFilter: async (spaceId, slug) => (await listFilters(spaceId, equals('Slug', slug)))[0],
    createFilter: async (spaceId, filter) =>
      parseFilter(
        await create(inSpace(spaceId, 'filter'), {
          Slug: filter.slug,
          DisplayName: filter.displayName,
          From: filter.from,
          Where: filter.where,
          Labels: filter.labels ?? {},
        }),
        { spaceSlug: await names.slugOf(spaceId) },
      ),
  };
}

function createChangeCalls({ list, create }: Entities): ChangeCalls {
  return {
    findChangeSet: async (spaceId, slug) =>
      parseEnvelopes(
        'ChangeSet',
        parseChangeSet,
        await list(inSpace(spaceId, 'change_set'), equals('Slug', slug)),
      )[0],
    listChangeSets: async (spaceId) =>
      parseEnvelopes(
        'ChangeSet',
        parseChangeSet,
        await list(spaceId === undefined ? '/change_set' : inSpace(spaceId, 'change_set')),
      ),
    createTag: async (spaceId, { slug, labels }) =>
      parseTag(await create(inSpace(spaceId, 'tag'), { Slug: slug, Labels: labels ?? {} })),
    findTag: async (spaceId, slug) =>
      parseEnvelopes('Tag', parseTag, await list(inSpace(spaceId, 'tag'), equals('Slug', slug)))[0],
  };
}

function createTargetCalls({ list, create }: Entities): TargetCalls {
  const listWorkers: ConfigHub['listWorkers'] = async (spaceId) =>
    parseEnvelopes('BridgeWorker', parseWorker, await list(inSpace(spaceId, 'bridge_worker')));
  return {
    listWorkers,
    createWorker: async (spaceId, { slug }) => {
      const made = await create(inSpace(spaceId, 'bridge_worker'), { Slug: slug });
      return { worker: parseWorker(made), secret: parseWorkerSecret(made) };
    },
    listTargets: async (spaceId) =>
      parseEnvelopes('Target', parseTarget, await list(inSpace(spaceId, 'target'))),
    createTarget: async (spaceId, { slug, parameters }) => {
      const [worker] = await listWorkers(spaceId);
      if (worker === undefined) {
        throw new AppError(
          'CONFIGHUB_REFUSED',
          `space ${spaceId} has no bridge worker that a target could use`,
        );
      }
      return parseTarget(
        await create(inSpace(spaceId, 'target'), {
          Slug: slug,
          BridgeWorkerID: worker.workerId,
          ProviderType: 'Kubernetes',
          ToolchainType: 'Kubernetes/YAML',
          Parameters: JSON.stringify(parameters),
        }),
      );
    },
  };
}
