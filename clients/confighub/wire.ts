import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type {
  BridgeWorker,
  ChangeSet,
  Filter,
  Labels,
  Revision,
  Space,
  Tag,
  Target,
  TargetParameters,
  UnitEvent,
  UnitSet,
} from './types.ts';
import { EVENT_STATUSES } from './types.ts';

/**
 * ConfigHub's JSON → our types. Unknown fields are let through, absent and null ones are zero: the servers of three
 * generations differ in both.
 */
export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
export const count = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
export const id = z.string().min(1);
const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const ZERO_UUID = '00000000-0000-0000-0000-000000000000';
const ZERO_TIME = '0001-01-01T00:00:00Z';
const optionalId = z.string().nullish().transform(presentId);

const placed = { SpaceID: id, Slug: text };
const header = {
  ...placed,
  DisplayName: text,
  Labels: texts,
  Annotations: texts,
  Version: count,
};
type Placed = { readonly SpaceID: string; readonly Slug: string };
type Named = Placed & { readonly DisplayName: string; readonly Labels: Labels };

function placeOf({ SpaceID, Slug }: Placed): { spaceId: string; slug: string } {
  return { spaceId: SpaceID, slug: Slug };
}

function nameOf(wire: Named) {
  return { ...placeOf(wire), displayName: wire.DisplayName, labels: wire.Labels };
}

const space = z.object(header);
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

/** Absent, empty and all zeros are the same. */
export function presentId(value: string | null | undefined): string | undefined {
  return value === '' || value === ZERO_UUID ? undefined : (value ?? undefined);
}

export function parseSpace(value: unknown): Space {
  const wire = parse(space, 'space', value);
  return { ...nameOf(wire), annotations: wire.Annotations, version: wire.Version };
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
  From: text,
  Where: text,
  WhereData: text,
  ResourceType: text,
});

export function parseFilter(value: unknown, { spaceSlug }: { spaceSlug: string }): Filter {
  const wire = parse(filter, 'filter', value);
  return {
    ...placeOf(wire),
    filterId: wire.FilterID,
    spaceSlug,
    from: wire.From,
    where: wire.Where,
    whereData: wire.WhereData,
    resourceType: wire.ResourceType,
  };
}

export function parseSet(value: unknown): UnitSet {
  const wire = parse(z.object({ ...header, SetID: id }), 'set', value);
  return { ...nameOf(wire), setId: wire.SetID };
}

const changeSet = z.object({
  ...header,
  ChangeSetID: id,
  Description: text,
  FilterID: optionalId,
  StartTagID: optionalId,
  EndTagID: optionalId,
  CreatedAt: text,
});

export function parseChangeSet(value: unknown): ChangeSet {
  const wire = parse(changeSet, 'change set', value);
  return {
    ...nameOf(wire),
    changeSetId: wire.ChangeSetID,
    description: wire.Description,
    ...(wire.FilterID === undefined ? {} : { filterId: wire.FilterID }),
    ...(wire.StartTagID === undefined ? {} : { startTagId: wire.StartTagID }),
    ...(wire.EndTagID === undefined ? {} : { endTagId: wire.EndTagID }),
    createdAt: wire.CreatedAt,
  };
}

export function parseTag(value: unknown): Tag {
  const wire = parse(z.object({ ...placed, TagID: id }), 'tag', value);
  return { ...placeOf(wire), tagId: wire.TagID };
}

const target = z.object({
  ...header,
  TargetID: id,
  BridgeWorkerID: optionalId,
  Parameters: text,
});

export function parseTarget(value: unknown): Target {
  const wire = parse(target, 'target', value);
  return {
    ...placeOf(wire),
    targetId: wire.TargetID,
    parameters: parseParameters(wire.Parameters),
    version: wire.Version,
  };
}

const worker = z.object({ ...placed, BridgeWorkerID: id, Condition: text });

export function parseWorker(value: unknown): BridgeWorker {
  const wire = parse(worker, 'bridge worker', value);
  return { ...placeOf(wire), workerId: wire.BridgeWorkerID, condition: wire.Condition };
}

/** Of the answer to a worker's creation; empty where the server needs none. */
export function parseWorkerSecret(value: unknown): string {
  return parse(z.object({ Secret: text }), 'bridge worker', value).Secret;
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
