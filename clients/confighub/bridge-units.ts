import { z } from 'zod';
import { createBulkCalls } from './bridge-bulk.ts';
import { createRevisionCalls } from './bridge-revisions.ts';
import type { ClientDeps } from './deps.ts';
import type { Http } from './http.ts';
import type { ConfigHub, UnitDetail, UnitPatch } from './hub.ts';
import type { Unit } from './types.ts';
import { toBase64, unitPath } from './unit-path.ts';
import { equals } from './where.ts';
import { parse, parseExtendedUnit, parseExtendedUnits, parseUnit, unitOf } from './wire.ts';

type ReadCalls = Pick<ConfigHub, 'listUnits' | 'getUnit' | 'findUnit' | 'readData'>;
type WriteCalls = Pick<ConfigHub, 'createUnit' | 'cloneUnit' | 'patchUnit' | 'deleteUnit'>;
type UnitCalls = ReadCalls &
  WriteCalls &
  ReturnType<typeof createBulkCalls> &
  ReturnType<typeof createRevisionCalls>;

const INCLUDE = 'SpaceID,UpstreamUnitID,UpstreamSpaceID';
const TOOLCHAIN = 'Kubernetes/YAML';

const SUMMARY = [
  'Slug',
  'DisplayName',
  'Labels',
  'Annotations',
  'Version',
  'UpdatedAt',
  'HeadRevisionNum',
  'LastAppliedRevisionNum',
  'LiveRevisionNum',
  'PreviousLiveRevisionNum',
  'TargetID',
  'SetID',
  'UpstreamUnitID',
  'UpstreamSpaceID',
  'UpstreamRevisionNum',
  'ApplyGates',
  'ApprovedBy',
  'LastChangeDescription',
  'Space.Slug',
  'UpstreamUnit.Slug',
  'UpstreamUnit.HeadRevisionNum',
  'UpstreamSpace.Slug',
].join(',');

/** What a list asks for: a poll of thousands of units does not carry their documents, and no list their live state. */
const SELECT: Readonly<Record<UnitDetail, string>> = {
  state: 'Slug,Version,HeadRevisionNum,LiveRevisionNum,Space.Slug',
  summary: SUMMARY,
  all: `${SUMMARY},Data`,
};

/** Units in the bridge dialect: data inline as base64, guarded by `Version`. */
export function createUnitCalls(deps: ClientDeps): UnitCalls {
  const written = async (value: unknown): Promise<Unit> => {
    const wire = parseUnit(value);
    return unitOf(wire, { spaceSlug: await deps.names.slugOf(wire.SpaceID) });
  };
  return {
    ...createReadCalls(deps),
    ...createWriteCalls(deps.http, written),
    ...createBulkCalls(deps),
    ...createRevisionCalls(deps.http, written),
  };
}

function createReadCalls({ http, names }: ClientDeps): ReadCalls {
  const listUnits: ConfigHub['listUnits'] = async (query = {}) => {
    const { space, where, filter, detail = 'all' } = query;
    const units = parseExtendedUnits(
      await http.list({
        method: 'GET',
        path: space === undefined ? '/unit' : `/space/${encodeURIComponent(space)}/unit`,
        query: {
          where: where?.expression,
          filter,
          select: SELECT[detail],
          include: detail === 'state' ? 'SpaceID' : INCLUDE,
        },
      }),
    );
    for (const unit of units) names.remember(unit.spaceId, unit.spaceSlug);
    return units;
  };
  return {
    listUnits,
    getUnit: async (spaceId, unitId) =>
      parseExtendedUnit(
        await http.json({
          method: 'GET',
          path: unitPath({ spaceId, unitId }),
          query: { include: INCLUDE },
        }),
      ),
    findUnit: async (spaceId, slug) =>
      (await listUnits({ space: spaceId, where: equals('Slug', slug) }))[0],
    readData: async (unit) => {
      const wire = parse(
        z.object({ Unit: z.object({ Data: z.string().nullish() }) }),
        'unit',
        await http.json({ method: 'GET', path: unitPath(unit) }),
      );
      return Buffer.from(wire.Unit.Data ?? '', 'base64').toString('utf8');
    },
  };
}

function createWriteCalls(http: Http, written: (value: unknown) => Promise<Unit>): WriteCalls {
  return {
    createUnit: async (spaceId, unit) =>
      written(
        await http.json({
          method: 'POST',
          path: `/space/${encodeURIComponent(spaceId)}/unit`,
          body: {
            Slug: unit.slug,
            ToolchainType: TOOLCHAIN,
            Data: toBase64(unit.data),
            Labels: unit.labels ?? {},
            Annotations: unit.annotations ?? {},
            TargetID: unit.targetId,
            LastChangeDescription: unit.changeDescription,
          },
        }),
      ),
    cloneUnit: async (destinationSpaceId, clone) =>
      written(
        await http.json({
          method: 'POST',
          path: `/space/${encodeURIComponent(destinationSpaceId)}/unit`,
          query: {
            upstream_space_id: clone.upstreamSpaceId,
            upstream_unit_id: clone.upstreamUnitId,
          },
          body: {
            Slug: clone.slug,
            ToolchainType: TOOLCHAIN,
            Labels: clone.labels ?? {},
            TargetID: clone.targetId,
          },
        }),
      ),
    patchUnit: async (unit, patch) =>
      written(await http.json({ method: 'PATCH', path: unitPath(unit), body: patchBody(patch) })),
    deleteUnit: async (unit) => {
      await http.json({ method: 'DELETE', path: unitPath(unit) });
    },
  };
}

function patchBody(patch: UnitPatch): object {
  return {
    Labels: patch.labels,
    Annotations: patch.annotations,
    LastChangeDescription: patch.lastChangeDescription,
    TargetID: patch.targetId,
    SetID: patch.setId,
  };
}
