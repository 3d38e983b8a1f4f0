import type { Dialect } from './dialect.ts';
import { ORGANIZATION, type User, ZERO_UUID } from './identity.ts';
import type { RevisionRow } from './revisions.ts';
import type { FullUnitRow, UnitRow } from './unit-row.ts';

/** Rows → ConfigHub's JSON: PascalCase, RFC 3339 times; base64 data in generation A, none in C. */

type Json = Readonly<Record<string, unknown>>;

const NEVER = '0001-01-01T00:00:00Z';

export type SpaceRow = {
  readonly space_id: string;
  readonly slug: string;
  readonly display_name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly release_target_id?: string | null;
  readonly upstream_space_id?: string | null;
};

export type ItemRow = SpaceRow & {
  readonly item_id: string;
  readonly entity_type: string;
  readonly body: Readonly<Record<string, unknown>>;
};

export type EventRow = {
  readonly unit_event_id: string;
  readonly unit_id: string;
  readonly space_id: string;
  readonly operation_id: string;
  readonly action: string;
  readonly result: string;
  readonly status: string;
  readonly message: string;
  readonly revision_num: number;
  readonly started_at: Date | null;
  readonly terminated_at: Date | null;
  readonly created_at: Date;
};

export type OperationRow = {
  readonly operation_id: string;
  readonly unit_id: string;
  readonly space_id: string;
  readonly target_id: string | null;
  readonly action: string;
  readonly revision_num: number;
  readonly status: string;
  readonly created_at: Date;
};

function header(row: Omit<SpaceRow, 'space_id'>, entityType: string): Json {
  return {
    OrganizationID: ORGANIZATION.organizationId,
    EntityType: entityType,
    Slug: row.slug,
    DisplayName: row.display_name,
    Labels: row.labels,
    Annotations: row.annotations,
    Version: row.version,
    CreatedAt: row.created_at.toISOString(),
    UpdatedAt: row.updated_at.toISOString(),
  };
}

export function spaceJson(row: SpaceRow, dialect: Dialect): Json {
  return {
    ...header(row, 'Space'),
    SpaceID: row.space_id,
    ...(dialect === 'bridge'
      ? {}
      : {
          ReleaseTargetID: row.release_target_id ?? null,
          UpstreamSpaceID: row.upstream_space_id ?? null,
        }),
  };
}

/** `Filter`, `Set`, `ChangeSet`, `Tag`, `Target` or `BridgeWorker`. */
export function itemJson(row: ItemRow): Json {
  return {
    ...header(row, row.entity_type),
    [`${row.entity_type}ID`]: row.item_id,
    SpaceID: row.space_id,
    ...row.body,
  };
}

/** Parts that the row does not hold are left out. */
export function unitJson(row: UnitRow | FullUnitRow, dialect: Dialect): Json {
  return dialect === 'bridge' ? bridgeUnitJson(row) : releaseUnitJson(row);
}

function releaseUnitJson(row: UnitRow | FullUnitRow): Json {
  return {
    ...header(row, 'Unit'),
    UnitID: row.unit_id,
    SpaceID: row.space_id,
    ToolchainType: row.toolchain_type,
    DataHash: row.data_hash,
    DataSize: row.data?.length ?? row.data_size ?? 0,
    LastChangeDescription: row.last_change_description,
    HeadRevisionNum: row.head_revision_num,
    HeadMutationNum: row.head_revision_num,
    LastReleasedRevisionNum: row.last_released_revision_num,
    TargetID: row.target_id,
    ChangeSetID: row.change_set_id,
    UpstreamUnitID: row.upstream_unit_id,
    UpstreamSpaceID: row.upstream_space_id,
    UpstreamRevisionNum: row.upstream_revision_num,
    ApplyGates: row.apply_gates,
    ValidationErrors: row.apply_gates,
    Conflicts: row.conflicts,
  };
}

// `MutationSources` is always there because the official CLI needs a list.
function bridgeUnitJson(row: UnitRow | FullUnitRow): Json {
  return {
    ...header(row, 'Unit'),
    UnitID: row.unit_id,
    SpaceID: row.space_id,
    ToolchainType: row.toolchain_type,
    ...(row.data === undefined ? {} : { Data: row.data.toString('base64') }),
    ...(row.live_state === undefined
      ? {}
      : { LiveState: row.live_state?.toString('base64') ?? '' }),
    ContentHash: row.content_hash,
    DataHash: row.data_hash,
    LastChangeDescription: row.last_change_description,
    HeadRevisionNum: row.head_revision_num,
    HeadMutationNum: row.head_revision_num,
    LastAppliedRevisionNum: row.last_applied_revision_num,
    LiveRevisionNum: row.live_revision_num,
    PreviousLiveRevisionNum: row.previous_live_revision_num,
    LastActionAt: row.last_action_at?.toISOString() ?? null,
    SetID: row.set_id,
    TargetID: row.target_id,
    ChangeSetID: row.change_set_id,
    UpstreamUnitID: row.upstream_unit_id,
    UpstreamSpaceID: row.upstream_space_id,
    UpstreamOrganizationID: row.upstream_organization_id,
    UpstreamRevisionNum: row.upstream_revision_num,
    ApplyGates: row.apply_gates,
    ApprovedBy: row.approved_by,
    MutationSources: row.mutation_sources ?? [],
  };
}

/** Generation C keeps data, mutation sources and what is live elsewhere. */
export function revisionJson(row: RevisionRow, dialect: Dialect): Json {
  const common = revisionHeader(row);
  if (dialect === 'release') {
    const Attestations = row.approved_by.map((UserID) => ({ UserID }));
    return { ...common, DataSize: row.data.length, Attestations };
  }
  return {
    ...common,
    Data: row.data.toString('base64'),
    ContentHash: row.content_hash,
    ApprovedBy: row.approved_by,
    MutationSources: row.mutation_sources,
    LiveAt: row.live_at?.toISOString() ?? NEVER,
  };
}

function revisionHeader(row: RevisionRow): Json {
  return {
    RevisionID: row.revision_id,
    RevisionNum: row.revision_num,
    UnitID: row.unit_id,
    SpaceID: row.space_id,
    OrganizationID: row.organization_id,
    EntityType: 'Revision',
    DataHash: row.data_hash,
    Description: row.description,
    Source: row.source,
    UserID: row.user_id,
    UserAgent: row.user_agent,
    Tags: row.tags,
    ApplyGates: row.apply_gates,
    CreatedAt: row.created_at.toISOString(),
    UpdatedAt: row.updated_at.toISOString(),
    Version: 1,
  };
}

/** The mutation that made a revision. */
export function mutationJson(row: RevisionRow): Json {
  return {
    MutationID: row.mutation_id,
    MutationNum: row.revision_num,
    UnitID: row.unit_id,
    SpaceID: row.space_id,
    OrganizationID: row.organization_id,
    EntityType: 'Mutation',
    RevisionID: row.revision_id,
    RevisionNum: row.revision_num,
    ...(row.function_invocation === null ? {} : { FunctionInvocation: row.function_invocation }),
    ProvidedPath: '',
    RestoredRevisionNum: row.restored_revision_num,
    UpgradedFromUpstreamRevisionNum: row.upgraded_from_revision_num,
    CreatedAt: row.created_at.toISOString(),
    UpdatedAt: row.created_at.toISOString(),
    Version: 1,
  };
}

export function eventJson(row: EventRow): Json {
  return {
    UnitEventID: row.unit_event_id,
    UnitID: row.unit_id,
    SpaceID: row.space_id,
    OrganizationID: ORGANIZATION.organizationId,
    EntityType: 'UnitEvent',
    QueuedOperationID: row.operation_id,
    Action: row.action,
    Result: row.result,
    Status: row.status,
    Message: row.message,
    RevisionNum: row.revision_num,
    StartedAt: row.started_at?.toISOString() ?? null,
    TerminatedAt: row.terminated_at?.toISOString() ?? null,
    CreatedAt: row.created_at.toISOString(),
    UpdatedAt: row.created_at.toISOString(),
    Version: 1,
  };
}

export function operationJson(row: OperationRow): Json {
  return {
    QueuedOperationID: row.operation_id,
    UnitID: row.unit_id,
    SpaceID: row.space_id,
    OrganizationID: ORGANIZATION.organizationId,
    EntityType: 'QueuedOperation',
    TargetID: row.target_id ?? ZERO_UUID,
    Action: row.action,
    RevisionNum: row.revision_num,
    Status: row.status,
    CreatedAt: row.created_at.toISOString(),
    Version: 1,
  };
}

/** ConfigHub's summary of the last action. `NoLive` = never applied. */
export function unitStatusJson(unit: UnitRow, latest: EventRow | undefined): Json {
  return {
    Status: unit.live_revision_num === 0 ? 'NoLive' : 'Live',
    Action: latest?.action ?? 'N/A',
    ActionResult: latest?.result ?? 'None',
    ActionStartedAt: latest?.started_at?.toISOString() ?? null,
    ActionTerminatedAt: latest?.terminated_at?.toISOString() ?? null,
    Drift: latest?.result === 'RefreshAndDrifted' ? 'Drifted' : '',
    SyncStatus: unit.live_revision_num === unit.head_revision_num ? 'Synced' : 'NotSynced',
  };
}

export function userJson(user: User): Json {
  return {
    UserID: user.userId,
    Username: user.username,
    Slug: user.username,
    DisplayName: user.username,
    EntityType: 'User',
    OrganizationID: ORGANIZATION.organizationId,
    ExternalID: user.userId,
    ExternalOrganizationID: ORGANIZATION.slug,
    ProfilePictureURL: '',
  };
}

export function organizationJson(): Json {
  return {
    OrganizationID: ORGANIZATION.organizationId,
    Slug: ORGANIZATION.slug,
    DisplayName: ORGANIZATION.slug,
    EntityType: 'Organization',
    ExternalID: ORGANIZATION.slug,
    Version: 1,
  };
}
