import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import { createBulkCalls } from './bulk.ts';
import type { ClientDeps } from './deps.ts';
import type { BulkCalls, ReadCalls, WriteCalls } from './dialect-calls.ts';
import type { ConfigHub, UnitDetail, UnitQuery } from './hub.ts';
import { createDeliveries } from './release-deliveries.ts';
import { SET_LABEL } from './release-groups.ts';
import type { Unit } from './types.ts';
import { createCommonWrites, INCLUDE, SUMMARY, TOOLCHAIN, type Written } from './unit-calls.ts';
import { inSpace, unitPath } from './unit-path.ts';
import { allOf, equals, inReleaseTerms } from './where.ts';
import { parse } from './wire.ts';
import {
  parseExtendedUnit,
  parseExtendedUnits,
  parseUnit,
  parseUnitData,
  unitOf,
} from './wire-units.ts';

/** The most that a server gives in one page. */
export const PAGE = '1000';
const MAX_READS = 3;

const RELEASE_SUMMARY = [...SUMMARY, 'DataHash', 'LastReleasedRevisionNum'].join(',');
const SELECT: Readonly<Record<UnitDetail, string>> = {
  state: 'Slug,Version,HeadRevisionNum,LastReleasedRevisionNum,DataHash,TargetID,Space.Slug',
  summary: RELEASE_SUMMARY,
  all: RELEASE_SUMMARY,
};

const answered = z.object({ Unit: z.unknown() });

/** `UnitCreateOrUpdateResponse` → the unit in it. */
export function createWritten({ names }: ClientDeps): Written {
  return async (answer) => {
    const wire = parseUnit(parse(answered, 'unit answer', answer).Unit);
    return inSets(unitOf(wire, { spaceSlug: await names.slugOf(wire.SpaceID) }));
  };
}

/** Units in the release dialect: data by endpoints of its own, guarded by its hash; lists in pages. */
export function createReleaseUnits(deps: ClientDeps): ReadCalls & WriteCalls & BulkCalls {
  const written = createWritten(deps);
  return {
    ...createReadCalls(deps),
    ...createWriteCalls(deps, written),
    ...createBulkCalls(deps, (where) => inReleaseTerms(where).expression),
  };
}

function createReadCalls({ http, names }: ClientDeps): ReadCalls {
  const { withDelivery } = createDeliveries(http);
  const getUnit: ConfigHub['getUnit'] = async (spaceId, unitId) => {
    const path = unitPath({ spaceId, unitId });
    // Two requests: a write between them gives the data of another revision, and the hash tells.
    for (let reads = 1; reads <= MAX_READS; reads += 1) {
      const unit = parseExtendedUnit(
        await http.json({ method: 'GET', path, query: { include: INCLUDE } }),
      );
      const { text, etag } = await http.document({ method: 'GET', path: `${path}/data` });
      if (etag !== '' && etag !== unit.dataHash) continue;
      const [delivered = unit] = await withDelivery([inSets(unit)]);
      return { ...delivered, data: text };
    }
    throw new AppError('CONFIGHUB_CONFLICT', `unit ${unitId} changes faster than it can be read`);
  };
  const dataOf = async (query: UnitQuery) => {
    const found = await http.list({
      method: 'GET',
      path: '/unit_data',
      query: { ...expressionOf(query), limit: PAGE },
    });
    return new Map(found.map(parseUnitData).map((one) => [one.unitId, one]));
  };
  const listUnits: ConfigHub['listUnits'] = async (query = {}) => {
    const { space, detail = 'all' } = query;
    const listed = parseExtendedUnits(
      await http.list({
        method: 'GET',
        path: space === undefined ? '/unit' : inSpace(space, 'unit'),
        query: {
          ...expressionOf({ ...query, space: undefined }),
          select: SELECT[detail],
          include: detail === 'state' ? 'SpaceID' : INCLUDE,
          limit: PAGE,
        },
      }),
    );
    for (const unit of listed) names.remember(unit.spaceId, unit.spaceSlug);
    const units = await withDelivery(listed.map(inSets));
    if (detail !== 'all' || units.length === 0) return units;
    const data = await dataOf(query);
    return Promise.all(
      units.map((unit) => {
        const found = data.get(unit.unitId);
        if (found !== undefined && found.hash === unit.dataHash) {
          return { ...unit, data: found.data };
        }
        return getUnit(unit.spaceId, unit.unitId);
      }),
    );
  };
  return {
    listUnits,
    getUnit,
    readData: (unit) => http.text({ method: 'GET', path: `${unitPath(unit)}/data` }),
    findUnit: async (spaceId, slug) =>
      (await listUnits({ space: spaceId, where: equals('Slug', slug) }))[0],
  };
}

/** The `where` and `filter` of a query, the space as part of the expression. */
function expressionOf({
  space,
  where,
  filter,
}: { [K in keyof UnitQuery]?: UnitQuery[K] | undefined }) {
  const inside = space === undefined ? undefined : equals('SpaceID', space);
  const wanted = where === undefined ? undefined : inReleaseTerms(where);
  const both = inside && wanted ? allOf(inside, wanted) : (inside ?? wanted);
  return { where: both?.expression, filter };
}

function createWriteCalls({ http }: ClientDeps, written: Written): WriteCalls {
  return {
    createUnit: async (spaceId, unit) => {
      const { slug, labels = {}, annotations = {}, targetId, changeDescription } = unit;
      const created = await written(
        await http.json({
          method: 'POST',
          path: inSpace(spaceId, 'unit'),
          body: {
            Slug: slug,
            ToolchainType: TOOLCHAIN,
            Labels: labels,
            Annotations: annotations,
            TargetID: targetId,
          },
        }),
      );
      return written(
        await http.json({
          method: 'PUT',
          path: `${unitPath(created)}/data`,
          query: { last_change_description: changeDescription },
          document: unit.data,
          ...(created.dataHash === undefined ? {} : { ifMatch: `"${created.dataHash}"` }),
        }),
      );
    },
    patchUnit: async (unit, patch) => {
      const set = patch.setId === undefined ? {} : { [SET_LABEL]: patch.setId };
      const labels = { ...patch.labels, ...set };
      const answer = await http.json({
        method: 'PATCH',
        path: unitPath(unit),
        body: {
          ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
          Annotations: patch.annotations,
          LastChangeDescription: patch.lastChangeDescription,
          TargetID: patch.targetId,
        },
      });
      return written(answer);
    },
    ...createCommonWrites(http, written),
  };
}

// A member carries its set as a label.
function inSets(unit: Unit): Unit {
  const setId = unit.labels[SET_LABEL];
  return setId === undefined ? unit : { ...unit, setId };
}
