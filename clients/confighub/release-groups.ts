import { z } from 'zod';
import type { ClientDeps } from './deps.ts';
import type { GroupCalls } from './dialect-calls.ts';
import type { ConfigHub } from './hub.ts';
import type { UnitSet } from './types.ts';
import { inSpace } from './unit-path.ts';
import { equals } from './where.ts';
import { parse, parseChangeSet, parseEnvelopes } from './wire.ts';

/** Label of a unit that is in a set: the id of the Filter that stands for it. */
export const SET_LABEL = 'realign.dev/set';
const KIND_LABEL = 'realign.dev/kind';

const setFilter = z.object({
  FilterID: z.string().min(1),
  SpaceID: z.string().min(1),
  Slug: z.string(),
  DisplayName: z.string().nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
});

/** Sets where the server has none: a Filter for the set, a label for the membership. One label, so one set for each unit. */
export function createReleaseGroups(
  { http }: ClientDeps,
  { listUnits }: Pick<ConfigHub, 'listUnits'>,
): GroupCalls {
  return {
    listSets: async (spaceId) => {
      const where = equals(`Labels.${KIND_LABEL}`, 'set').expression;
      const path = inSpace(spaceId, 'filter');
      return parseEnvelopes(
        'Filter',
        toSet,
        await http.list({ method: 'GET', path, query: { where } }),
      );
    },
    createSet: async (spaceId, { slug, displayName, labels }) => {
      const path = inSpace(spaceId, 'filter');
      const body = { Slug: slug, DisplayName: displayName, From: 'Unit' };
      const made = toSet(
        await http.json({
          method: 'POST',
          path,
          body: { ...body, Labels: { ...labels, [KIND_LABEL]: 'set' } },
        }),
      );
      // Only now the id is known that the members carry.
      const { expression } = equals(`Labels.${SET_LABEL}`, made.setId);
      return toSet(
        await http.json({
          method: 'PATCH',
          path: `${path}/${encodeURIComponent(made.setId)}`,
          body: { Where: expression },
        }),
      );
    },
    listSetUnits: (setId, detail = 'all') =>
      listUnits({ where: equals(`Labels.${SET_LABEL}`, setId), detail }),
    createChangeSet: async (spaceId, { slug, displayName, description, labels = {} }) =>
      parseChangeSet(
        await http.json({
          method: 'POST',
          path: inSpace(spaceId, 'change_set'),
          // Filter and tags are the server's own here.
          body: { Slug: slug, DisplayName: displayName, Description: description, Labels: labels },
        }),
      ),
  };
}

function toSet(value: unknown): UnitSet {
  const wire = parse(setFilter, 'filter of a set', value);
  const { [KIND_LABEL]: _kind, ...labels } = wire.Labels ?? {};
  return {
    setId: wire.FilterID,
    spaceId: wire.SpaceID,
    slug: wire.Slug,
    displayName: wire.DisplayName ?? '',
    labels,
  };
}
