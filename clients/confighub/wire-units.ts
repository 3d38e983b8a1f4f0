import { z } from 'zod';
import type { Unit, Upstream } from './types.ts';
import { count, id, parse, presentId, text } from './wire.ts';

/** ConfigHub's JSON of units → ours. */
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
const extendedUnits = z.array(extendedUnit);
export type UnitWire = z.infer<typeof unit>;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Names of what an answer says beside the unit. */
type Neighbours = {
  readonly spaceSlug: string;
  readonly upstream?: { readonly slug: string; readonly headRevision: number } | undefined;
  readonly upstreamSpaceSlug?: string | undefined;
};

export function parseUnit(value: unknown): UnitWire {
  return parse(unit, 'unit', value);
}

/** `[{Unit, Space?, UpstreamUnit?, UpstreamSpace?}]` */
export function parseExtendedUnits(value: unknown): readonly Unit[] {
  return parse(extendedUnits, 'list of units', value).map(toUnit);
}

export function parseExtendedUnit(value: unknown): Unit {
  return toUnit(parse(extendedUnit, 'unit', value));
}

function toUnit(envelope: z.infer<typeof extendedUnit>): Unit {
  const { UpstreamUnit: upstream, UpstreamSpace: upstreamSpace } = envelope;
  return unitOf(envelope.Unit, {
    spaceSlug: envelope.Space?.Slug ?? '',
    upstream: upstream
      ? { slug: upstream.Slug, headRevision: upstream.HeadRevisionNum }
      : undefined,
    upstreamSpaceSlug: upstreamSpace?.Slug,
  });
}

export function unitOf(wire: UnitWire, neighbours: Neighbours): Unit {
  const unit: Writable<Unit> = {
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
    applyGates: gatesOf(wire),
    approvedBy: wire.ApprovedBy ?? [],
    lastChangeDescription: wire.LastChangeDescription ?? '',
    updatedAt: wire.UpdatedAt ?? '',
  };
  // One by one: laid in by spreads, what may be absent takes most of the time of a list.
  const targetId = presentId(wire.TargetID);
  const setId = presentId(wire.SetID);
  const upstreamUnitId = presentId(wire.UpstreamUnitID);
  if (wire.DataHash) unit.dataHash = wire.DataHash;
  if (targetId !== undefined) unit.targetId = targetId;
  if (setId !== undefined) unit.setId = setId;
  if (upstreamUnitId !== undefined) unit.upstream = upstreamOf(upstreamUnitId, wire, neighbours);
  if (typeof wire.Data === 'string') unit.data = textOf(wire.Data);
  return unit;
}

function gatesOf({ ApplyGates: gates }: UnitWire): readonly string[] {
  if (!gates) return [];
  return Object.entries(gates).flatMap(([gate, up]) => (up ? [gate] : []));
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
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

const unitData = z.object({ UnitID: id, Data: text, DataHash: text });

/** One entry of `GET /unit_data`. */
export function parseUnitData(value: unknown): { unitId: string; data: string; hash: string } {
  const wire = parse(unitData, 'document of a unit', value);
  return {
    unitId: wire.UnitID,
    data: textOf(wire.Data),
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
