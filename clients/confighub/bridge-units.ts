import { z } from 'zod';
import { createRevisionCalls } from './bridge-revisions.ts';
import { createBulkCalls } from './bulk.ts';
import type { ClientDeps } from './deps.ts';
import type { BulkCalls, HistoryCalls, ReadCalls, WriteCalls } from './dialect-calls.ts';
import type { Http } from './http.ts';
import type { ConfigHub, UnitDetail, UnitPatch } from './hub.ts';
import { createCommonWrites, INCLUDE, SUMMARY, TOOLCHAIN, type Written } from './unit-calls.ts';
import { inSpace, toBase64, unitPath } from './unit-path.ts';
import { equals } from './where.ts';
import { parse } from './wire.ts';
import { parseExtendedUnit, parseExtendedUnits, parseUnit, unitOf } from './wire-units.ts';

const DELIVERY = ['LastAppliedRevisionNum', 'LiveRevisionNum', 'PreviousLiveRevisionNum'];
const BRIDGE_SUMMARY = [...SUMMARY, ...DELIVERY, 'SetID', 'ApprovedBy'].join(',');

/** What a list asks for: a poll of thousands of units does not carry their documents, and no list their live state. */
const SELECT: Readonly<Record<UnitDetail, string>> = {
  state: 'Slug,Version,HeadRevisionNum,LiveRevisionNum,Space.Slug',
  summary: BRIDGE_SUMMARY,
  all: `${BRIDGE_SUMMARY},Data`,
};

/** Units in the bridge dialect: data inline as base64, guarded by `Version`. */
export function createUnitCalls(
  deps: ClientDeps,
): ReadCalls & WriteCalls & BulkCalls & HistoryCalls {
  const written: Written = async (value) => {
    const wire = parseUnit(value);
    return unitOf(wire, { spaceSlug: await deps.names.slugOf(wire.SpaceID) });
  };
  return {
    ...createReadCalls(deps),
    ...createWriteCalls(deps.http, written),
    ...createBulkCalls(deps, (where) => where.expression),
    ...createRevisionCalls(deps.http, written),
  };
}

function createReadCalls({ http, names }: ClientDeps): ReadCalls {
  const listUnits: ConfigHub['listUnits'] = async (query = {}) => {
    const { space, where, filter, detail = 'all' } = query;
    const units = parseExtendedUnits(
      await http.list({
        method: 'GET',
        path: space === undefined ? '/unit' : inSpace(space, 'unit'),
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
          query: { include: INCLUDE, select: SELECT.all },
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

function createWriteCalls(http: Http, written: Written): WriteCalls {
  return {
    createUnit: async (spaceId, unit) =>
      written(
        await http.json({
          method: 'POST',
          path: inSpace(spaceId, 'unit'),
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
    patchUnit: async (unit, patch) =>
      written(await http.json({ method: 'PATCH', path: unitPath(unit), body: patchBody(patch) })),
    ...createCommonWrites(http, written),
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
