import { AppError } from '../../lib/errors.ts';
import type { ClientDeps } from './deps.ts';
import type { GroupCalls } from './dialect-calls.ts';
import type { ConfigHub } from './hub.ts';
import { inSpace } from './unit-path.ts';
import { equals } from './where.ts';
import { parseChangeSet, parseEnvelopes, parseSet } from './wire.ts';

/** Sets as entities of their own, and change sets that a client ties to filter and tags. */
export function createGroupCalls(
  { http }: ClientDeps,
  { listUnits }: Pick<ConfigHub, 'listUnits'>,
): GroupCalls {
  return {
    listSets: async (spaceId) => {
      try {
        const sets = await http.list({ method: 'GET', path: inSpace(spaceId, 'set') });
        return parseEnvelopes('Set', parseSet, sets);
      } catch (error) {
        // Servers of June 2026 still apply, but have no sets any more.
        if (error instanceof AppError && error.code === 'NOT_FOUND') return [];
        throw error;
      }
    },
    createSet: async (spaceId, { slug, displayName, labels }) =>
      parseSet(
        await http.json({
          method: 'POST',
          path: inSpace(spaceId, 'set'),
          body: { Slug: slug, DisplayName: displayName, Labels: labels ?? {} },
        }),
      ),
    listSetUnits: (setId, detail = 'all') => listUnits({ where: equals('SetID', setId), detail }),
    createChangeSet: async (spaceId, changeSet) =>
      parseChangeSet(
        await http.json({
          method: 'POST',
          path: inSpace(spaceId, 'change_set'),
          body: {
            Slug: changeSet.slug,
            DisplayName: changeSet.displayName,
            Description: changeSet.description,
            Labels: changeSet.labels ?? {},
            FilterID: changeSet.filterId,
            StartTagID: changeSet.startTagId,
            EndTagID: changeSet.endTagId,
          },
        }),
      ),
  };
}
