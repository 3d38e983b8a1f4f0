import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { Http } from './http.ts';
import type { ConfigHub, UnitDetail, UnitPatch } from './hub.ts';
import type { SpaceNames } from './space-names.ts';
import type { Unit, UnitResult } from './types.ts';
import { equals, type Where } from './where.ts';
import {
  bulkItem,
  parse,
  parseEnvelopes,
  parseExtendedUnit,
  parseExtendedUnits,
  parseRevision,
  parseUnit,
  unitOf,
} from './wire.ts';

export type BridgeDeps = { readonly http: Http; readonly names: SpaceNames };

type UnitCalls = Pick<
  ConfigHub,
  | 'listUnits'
  | 'getUnit'
  | 'findUnit'
  | 'readData'
  | 'revisionData'
  | 'createUnit'
  | 'cloneUnit'
  | 'cloneUnits'
  | 'writeData'
  | 'patchUnit'
  | 'deleteUnit'
  | 'upgradeUnits'
  | 'restoreUnit'
  | 'listRevisions'
>;

const INCLUDE = 'SpaceID,UpstreamUnitID,UpstreamSpaceID';

/** What a list asks for, so that a poll of thousands of units does not carry their documents. */
const SELECT: Readonly<Record<UnitDetail, string | undefined>> = {
  state: 'Slug,Version,HeadRevisionNum,LiveRevisionNum,Space.Slug',
  summary: [
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
  ].join(','),
  all: undefined,
};

const TOOLCHAIN = 'Kubernetes/YAML';

/** Units in the bridge dialect: data inline as base64, guarded by `Version`. */
export function createUnitCalls({ http, names }: BridgeDeps): UnitCalls {
  const written = async (value: unknown): Promise<Unit> => {
    const wire = parseUnit(value);
    return unitOf(wire, { spaceSlug: await names.slugOf(wire.SpaceID) });
  };
  const listUnits: ConfigHub['listUnits'] = async (query = {}) => {
    const { space, where, filter, detail = 'all' } = query;
    const units = parseExtendedUnits(
      await http.json({
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
  const results = async (answer: unknown): Promise<readonly UnitResult[]> => {
    const items = parse(z.array(bulkItem), 'list of results', answer);
    return Promise.all(items.map((item) => toResult(item, names)));
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
    cloneUnits: async (where, { spaces, labels, targetId }) =>
      results(
        await http.json({
          method: 'POST',
          path: '/unit',
          query: { where: where.expression, where_space: spaces.expression },
          body: { Labels: labels, TargetID: targetId },
        }),
      ),
    patchUnit: async (unit, patch) =>
      written(await http.json({ method: 'PATCH', path: unitPath(unit), body: patchBody(patch) })),
    deleteUnit: async (unit) => {
      await http.json({ method: 'DELETE', path: unitPath(unit) });
    },
    upgradeUnits: async (where, { changeDescription, changeSetId } = {}) =>
      results(
        await http.json({
          method: 'PATCH',
          path: '/unit',
          query: {
            upgrade: 'true',
            include: 'UpstreamUnitID',
            where: where.expression,
            change_set_id: changeSetId,
          },
          body:
            changeDescription === undefined ? null : { LastChangeDescription: changeDescription },
        }),
      ),
    ...createDataCalls(http, written),
  };
}

type DataCalls = Pick<UnitCalls, 'writeData' | 'restoreUnit' | 'revisionData' | 'listRevisions'>;

function createDataCalls(http: Http, written: (value: unknown) => Promise<Unit>): DataCalls {
  const revisionId = async (spaceId: string, unitId: string, revision: number) => {
    const found = parseEnvelopes(
      'Revision',
      parseRevision,
      await http.json({
        method: 'GET',
        path: `${unitPath({ spaceId, unitId })}/revision`,
        query: { where: equals('RevisionNum', revision).expression, select: 'RevisionNum' },
      }),
    )[0];
    if (found === undefined) {
      throw new AppError('NOT_FOUND', `unit ${unitId} has no revision ${revision}`);
    }
    return found.revisionId;
  };
  return {
    // Generation A answers 409 on PUT only, and a PUT replaces the whole unit: it is read, compared, and sent back.
    writeData: async (unit, data, { changeDescription, changeSetId } = {}) => {
      const answer = await http.json({ method: 'GET', path: unitPath(unit) });
      const { Unit: present } = parse(
        z.object({ Unit: z.looseObject({ Version: z.number() }) }),
        'unit',
        answer,
      );
      if (present.Version !== unit.version) {
        throw new AppError(
          'CONFIGHUB_CONFLICT',
          `unit ${unit.unitId} was changed: version ${present.Version}, not ${unit.version}`,
        );
      }
      const { LiveState: _live, MutationSources: _sources, ...kept } = present;
      return written(
        await http.json({
          method: 'PUT',
          path: unitPath(unit),
          query: { change_set_id: changeSetId },
          body: {
            ...kept,
            Data: toBase64(data),
            ...(changeDescription === undefined
              ? {}
              : { LastChangeDescription: changeDescription }),
          },
        }),
      );
    },
    restoreUnit: async (unit, revision, { changeDescription, changeSetId } = {}) =>
      written(
        await http.json({
          method: 'PATCH',
          path: unitPath(unit),
          query: {
            revision_id: await revisionId(unit.spaceId, unit.unitId, revision),
            change_set_id: changeSetId,
          },
          body: { Version: unit.version, LastChangeDescription: changeDescription },
        }),
      ),
    revisionData: async (spaceId, unitId, revision) =>
      http.text({
        method: 'GET',
        path: `${unitPath({ spaceId, unitId })}/revision/${await revisionId(spaceId, unitId, revision)}/data`,
      }),
    listRevisions: async (unit) => {
      const revisions = parseEnvelopes(
        'Revision',
        parseRevision,
        await http.json({
          method: 'GET',
          path: `${unitPath(unit)}/revision`,
          query: { select: 'RevisionNum,Description,Source,UserID,CreatedAt,LiveAt,Tags' },
        }),
      );
      return [...revisions].sort((a, b) => b.revision - a.revision);
    },
  };
}

export function unitPath(unit: { readonly spaceId: string; readonly unitId: string }): string {
  return `/space/${encodeURIComponent(unit.spaceId)}/unit/${encodeURIComponent(unit.unitId)}`;
}

/** Every unit that the expression selects, written as one query parameter. */
export function whereQuery(where: Where): { readonly where: string } {
  return { where: where.expression };
}

async function toResult(item: z.infer<typeof bulkItem>, names: SpaceNames): Promise<UnitResult> {
  if (item.Error) {
    const unitId = item.Unit?.UnitID ?? item.Error.ErrorMetadata?.EntityID;
    return {
      ok: false,
      ...(unitId ? { unitId } : {}),
      status: item.Error.Status,
      message: item.Error.Message,
    };
  }
  if (!item.Unit) {
    return { ok: false, status: 0, message: 'the server answered neither a unit nor an error' };
  }
  return {
    ok: true,
    unit: unitOf(item.Unit, { spaceSlug: await names.slugOf(item.Unit.SpaceID) }),
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

function toBase64(data: string): string {
  return Buffer.from(data, 'utf8').toString('base64');
}
