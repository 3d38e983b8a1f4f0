import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type {
  ChangeSet,
  Filter,
  Revision,
  Space,
  Tag,
  Target,
  TargetParameters,
  Unit,
  UnitEvent,
  UnitSet,
  Upstream,
} from './types.ts';
import { EVENT_STATUSES } from './types.ts';

/**
 * ConfigHub's JSON → our types. Unknown fields are let through, absent and null ones are zero: the servers of three
 * generations differ in both.
 */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const count = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
const id = z.string().min(1);
const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const ZERO_UUID = '00000000-0000-0000-0000-000000000000';
const ZERO_TIME = '0001-01-01T00:00:00Z';
const optionalId = z.string().nullish().transform(presentId);

const header = { Slug: text, DisplayName: text, Labels: texts, Annotations: texts, Version: count };

const space = z.object({ ...header, SpaceID: id });
const slugged = z.object({ Slug: text }).nullish();
// Lists hold thousands of units: fields are read plainly here and defaulted when a unit is built, which is twice as fast.
const plainText = z.string().nullish();
const plainCount = z.number().nullish();
const plainTexts = z.record(z.string(), z.string()).nullish();
const unit = z.object({
  Slug: plainText,
  Labels: plainTexts,
  Annotations: plainTexts,
  Version: plainCount,
  UnitID: id,
  SpaceID: id,
  HeadRevisionNum: plainCount,
  LastAppliedRevisionNum: plainCount,
  LiveRevisionNum: plainCount,
  PreviousLiveRevisionNum: plainCount,
  LastReleasedRevisionNum: plainCount,
  DataHash: plainText,
  TargetID: plainText,
  SetID: plainText,
  UpstreamUnitID: plainText,
  UpstreamSpaceID: plainText,
  UpstreamRevisionNum: plainCount,
  ApplyGates: z.record(z.string(), z.boolean()).nullish(),
  ApprovedBy: z.array(z.string()).nullish(),
  LastChangeDescription: plainText,
  UpdatedAt: plainText,
  Data: plainText,
});
const extendedUnit = z.object({
  Unit: unit,
  Space: slugged,
  UpstreamUnit: z.object({ Slug: text, HeadRevisionNum: count }).nullish(),
  UpstreamSpace: slugged,
});
export type UnitWire = z.infer<typeof unit>;

/** Names of what an answer says beside the unit. */
type Neighbours = {
  readonly spaceSlug: string;
  readonly upstream?: { readonly slug: string; readonly headRevision: number };
  readonly upstreamSpaceSlug?: string;
};

/** Parses with the schema; CONFIGHUB_REFUSED naming the first field that is not as it should be. */
export function parse<T>(schema: z.ZodType<T>, what: string, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError(
    'CONFIGHUB_REFUSED',
    `ConfigHub's answer is not a ${what}: ${issue?.path.join('.')}: ${issue?.message}`,
  );
}

export function parseUnit(value: unknown): UnitWire {
  return parse(unit, 'unit', value);
}

/** `[{Unit, Space?, UpstreamUnit?, UpstreamSpace?}]` */
export function parseExtendedUnits(value: unknown): readonly Unit[] {
  return parse(z.array(extendedUnit), 'list of units', value).map(toUnit);
}

export function parseExtendedUnit(value: unknown): Unit {
  return toUnit(parse(extendedUnit, 'unit', value));
}

function toUnit(envelope: z.infer<typeof extendedUnit>): Unit {
  const { UpstreamUnit: upstream, UpstreamSpace: upstreamSpace } = envelope;
  return unitOf(envelope.Unit, {
    spaceSlug: envelope.Space?.Slug ?? '',
    ...(upstream
      ? { upstream: { slug: upstream.Slug, headRevision: upstream.HeadRevisionNum } }
      : {}),
    ...(upstreamSpace ? { upstreamSpaceSlug: upstreamSpace.Slug } : {}),
  });
}

export function unitOf(wire: UnitWire, neighbours: Neighbours): Unit {
  const targetId = presentId(wire.TargetID);
  const setId = presentId(wire.SetID);
  const upstreamUnitId = presentId(wire.UpstreamUnitID);
  return {
    unitId: wire.UnitID,
    spaceId: wire.SpaceID,
    spaceSlug: neighbours.spaceSlug,
    slug: wire.Slug ?? '',
    labels: wire.Labels ?? {},
    annotations: wire.Annotations ?? {},
    version: wire.Version ?? 0,
    headRevision: wire.HeadRevisionNum ?? 0,
    lastAppliedRevision: wire.LastAppliedRevisionNum ?? wire.LastReleasedRevisionNum ?? 0,
    liveRevision: wire.LiveRevisionNum ?? 0,
    previousLiveRevision: wire.PreviousLiveRevisionNum ?? 0,
    ...(wire.DataHash ? { dataHash: wire.DataHash } : {}),
    ...(targetId === undefined ? {} : { targetId }),
    ...(setId === undefined ? {} : { setId }),
    ...(upstreamUnitId === undefined
      ? {}
      : { upstream: upstreamOf(upstreamUnitId, wire, neighbours) }),
    applyGates: Object.entries(wire.ApplyGates ?? {}).flatMap(([gate, up]) => (up ? [gate] : [])),
    approvedBy: wire.ApprovedBy ?? [],
    lastChangeDescription: wire.LastChangeDescription ?? '',
    updatedAt: wire.UpdatedAt ?? '',
    ...(typeof wire.Data === 'string'
      ? { data: Buffer.from(wire.Data, 'base64').toString('utf8') }
      : {}),
  };
}

function upstreamOf(unitId: string, wire: UnitWire, neighbours: Neighbours): Upstream {
  return {
    unitId,
    spaceId: presentId(wire.UpstreamSpaceID) ?? '',
    ...(neighbours.upstream ? { slug: neighbours.upstream.slug } : {}),
    ...(neighbours.upstreamSpaceSlug ? { spaceSlug: neighbours.upstreamSpaceSlug } : {}),
    revision: wire.UpstreamRevisionNum ?? 0,
    headRevision: neighbours.upstream?.headRevision ?? 0,
  };
}

function presentId(value: string | null | undefined): string | undefined {
  return value === '' || value === ZERO_UUID ? undefined : (value ?? undefined);
}

export function parseSpace(value: unknown): Space {
  const wire = parse(space, 'space', value);
  return {
    spaceId: wire.SpaceID,
    slug: wire.Slug,
    displayName: wire.DisplayName,
    labels: wire.Labels,
    annotations: wire.Annotations,
    version: wire.Version,
  };
}

/** Lists wrap each entity in an envelope: `[{Filter: {…}, Space?: {…}}]`. */
export function parseEnvelopes<T>(
  name: string,
  one: (entity: unknown, envelope: { readonly spaceSlug: string }) => T,
  value: unknown,
): readonly T[] {
  const envelopes = parse(
    z.array(z.looseObject({ Space: z.looseObject({ Slug: text }).nullish() })),
    `list of ${name}`,
    value,
  );
  return envelopes.map((envelope) =>
    one(envelope[name], { spaceSlug: envelope.Space?.Slug ?? '' }),
  );
}

const filter = z.object({
  ...header,
  FilterID: id,
  SpaceID: id,
  From: text,
  Where: text,
  WhereData: text,
  ResourceType: text,
});

export function parseFilter(value: unknown, { spaceSlug }: { spaceSlug: string }): Filter {
  const wire = parse(filter, 'filter', value);
  return {
    filterId: wire.FilterID,
    spaceId: wire.SpaceID,
    spaceSlug,
    slug: wire.Slug,
    from: wire.From,
    where: wire.Where,
    whereData: wire.WhereData,
    resourceType: wire.ResourceType,
  };
}

export function parseSet(value: unknown): UnitSet {
  const wire = parse(z.object({ ...header, SetID: id, SpaceID: id }), 'set', value);
  return {
    setId: wire.SetID,
    spaceId: wire.SpaceID,
    slug: wire.Slug,
    displayName: wire.DisplayName,
    labels: wire.Labels,
  };
}

const changeSet = z.object({
  ...header,
  ChangeSetID: id,
  SpaceID: id,
  Description: text,
  FilterID: optionalId,
  StartTagID: optionalId,
  EndTagID: optionalId,
  CreatedAt: text,
});

export function parseChangeSet(value: unknown): ChangeSet {
  const wire = parse(changeSet, 'change set', value);
  return {
    changeSetId: wire.ChangeSetID,
    spaceId: wire.SpaceID,
    slug: wire.Slug,
    displayName: wire.DisplayName,
    description: wire.Description,
    labels: wire.Labels,
    ...(wire.FilterID === undefined ? {} : { filterId: wire.FilterID }),
    ...(wire.StartTagID === undefined ? {} : { startTagId: wire.StartTagID }),
    ...(wire.EndTagID === undefined ? {} : { endTagId: wire.EndTagID }),
    createdAt: wire.CreatedAt,
  };
}

export function parseTag(value: unknown): Tag {
  const wire = parse(z.object({ Slug: text, TagID: id, SpaceID: id }), 'tag', value);
  return { tagId: wire.TagID, spaceId: wire.SpaceID, slug: wire.Slug };
}

const target = z.object({
  ...header,
  TargetID: id,
  SpaceID: id,
  BridgeWorkerID: optionalId,
  Parameters: text,
});

export function parseTarget(value: unknown): Target {
  const wire = parse(target, 'target', value);
  return {
    targetId: wire.TargetID,
    spaceId: wire.SpaceID,
    slug: wire.Slug,
    parameters: parseParameters(wire.Parameters),
    version: wire.Version,
  };
}

const parameters = z.object({
  KubeContext: z.string().exactOptional(),
  KubeNamespace: z.string().exactOptional(),
  WaitTimeout: z.string().exactOptional(),
});

// Other providers have parameters of their own; what is not a Kubernetes target has none for us.
function parseParameters(json: string): TargetParameters {
  try {
    const parsed = parameters.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

const revision = z.object({
  RevisionID: id,
  RevisionNum: count,
  UnitID: id,
  Description: text,
  Source: text,
  UserID: text,
  CreatedAt: text,
  LiveAt: text,
  Tags: z.record(z.string(), z.unknown()).nullish(),
});

export function parseRevision(value: unknown): Revision {
  const wire = parse(revision, 'revision', value);
  return {
    revisionId: wire.RevisionID,
    revision: wire.RevisionNum,
    unitId: wire.UnitID,
    description: wire.Description,
    source: wire.Source,
    userId: wire.UserID,
    createdAt: wire.CreatedAt,
    ...(wire.LiveAt === '' || wire.LiveAt === ZERO_TIME ? {} : { liveAt: wire.LiveAt }),
    tagIds: Object.keys(wire.Tags ?? {}),
  };
}

const event = z.object({
  UnitEventID: id,
  UnitID: id,
  QueuedOperationID: text,
  Action: text,
  // A status that a later server invents must not stop the list; it counts as still running.
  Status: z.enum(EVENT_STATUSES).catch('Progressing'),
  Result: text,
  Message: text,
  RevisionNum: count,
  CreatedAt: text,
});

export function parseEvents(value: unknown): readonly UnitEvent[] {
  return parse(z.array(event), 'list of unit events', value).map((wire) => ({
    unitEventId: wire.UnitEventID,
    unitId: wire.UnitID,
    operationId: wire.QueuedOperationID,
    action: wire.Action,
    status: wire.Status,
    result: wire.Result,
    message: wire.Message,
    revision: wire.RevisionNum,
    createdAt: wire.CreatedAt,
  }));
}

const unitData = z.object({ UnitID: id, Data: text, DataHash: text });

/** One entry of `GET /unit_data`. */
export function parseUnitData(value: unknown): { unitId: string; data: string; hash: string } {
  const wire = parse(unitData, 'document of a unit', value);
  return {
    unitId: wire.UnitID,
    data: Buffer.from(wire.Data, 'base64').toString('utf8'),
    hash: wire.DataHash,
  };
}

/** One item of a bulk answer; the parts that are there depend on the call. */
export const bulkItem = z.object({
  Unit: unit.nullish(),
  Action: z.object({ QueuedOperationID: id, UnitID: id, SpaceID: id }).nullish(),
  Message: text,
  Error: z
    .object({ Status: count, Message: text, ErrorMetadata: z.object({ EntityID: text }).nullish() })
    .nullish(),
});
