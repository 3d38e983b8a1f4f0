import type { Dialect } from './dialect.ts';
import type { Attribute, EntityModel } from './where/index.ts';

/**
 * What a WHERE expression may name, per entity type: generation A's allow-lists, with `Annotations`, `DataHash` and
 * `ChangeSetID` of the June 2026 API, which later clients use.
 */
const column = (name: string, type: Attribute['type']): Attribute => ({
  sql: (alias) => `${alias}.${name}`,
  type,
});
const bodyText = (key: string): Attribute => ({
  sql: (alias) => `(${alias}.body ->> '${key}')`,
  type: 'string',
});
const bodyUuid = (key: string): Attribute => ({
  sql: (alias) => `(${alias}.body ->> '${key}')::uuid`,
  type: 'uuid',
});

const HEADER = {
  Slug: column('slug', 'string'),
  DisplayName: column('display_name', 'string'),
  Labels: column('labels', 'map'),
  Annotations: column('annotations', 'map'),
  CreatedAt: column('created_at', 'time'),
  UpdatedAt: column('updated_at', 'time'),
  OrganizationID: column('organization_id', 'uuid'),
  SpaceID: column('space_id', 'uuid'),
} as const;

export const SPACE_MODEL: EntityModel = {
  name: 'Space',
  alias: 'space',
  attributes: HEADER,
  relations: {},
};

const ITEM_ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, Attribute>>>> = {
  Filter: {
    FilterID: column('item_id', 'uuid'),
    From: bodyText('From'),
    FromSpaceID: bodyUuid('FromSpaceID'),
    Where: bodyText('Where'),
    WhereData: bodyText('WhereData'),
    ResourceType: bodyText('ResourceType'),
  },
  Set: { SetID: column('item_id', 'uuid') },
  ChangeSet: {
    ChangeSetID: column('item_id', 'uuid'),
    Description: bodyText('Description'),
    FilterID: bodyUuid('FilterID'),
    StartTagID: bodyUuid('StartTagID'),
    EndTagID: bodyUuid('EndTagID'),
  },
  Tag: { TagID: column('item_id', 'uuid') },
  Target: {
    TargetID: column('item_id', 'uuid'),
    BridgeWorkerID: bodyUuid('BridgeWorkerID'),
    ProviderType: bodyText('ProviderType'),
    ToolchainType: bodyText('ToolchainType'),
    Parameters: bodyText('Parameters'),
  },
  BridgeWorker: {
    BridgeWorkerID: column('item_id', 'uuid'),
    Condition: bodyText('Condition'),
  },
};

/** Model of one of the small entity types (Filter, Set, ChangeSet, Tag, Target, BridgeWorker). */
export function itemModel(entityType: string): EntityModel {
  return {
    name: entityType,
    alias: 'item',
    attributes: { ...HEADER, ...ITEM_ATTRIBUTES[entityType] },
    relations: { Space: { alias: 'space', model: SPACE_MODEL } },
  };
}

const COMMON_UNIT_ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  ...HEADER,
  UnitID: column('unit_id', 'uuid'),
  ToolchainType: column('toolchain_type', 'string'),
  DataHash: column('data_hash', 'string'),
  LastChangeDescription: column('last_change_description', 'string'),
  HeadRevisionNum: column('head_revision_num', 'integer'),
  TargetID: column('target_id', 'uuid'),
  ChangeSetID: column('change_set_id', 'uuid'),
  UpstreamUnitID: column('upstream_unit_id', 'uuid'),
  UpstreamSpaceID: column('upstream_space_id', 'uuid'),
  UpstreamRevisionNum: column('upstream_revision_num', 'integer'),
  ApplyGates: column('apply_gates', 'map'),
};

const UNIT_ATTRIBUTES: Readonly<Record<Dialect, Readonly<Record<string, Attribute>>>> = {
  bridge: {
    ...COMMON_UNIT_ATTRIBUTES,
    LastAppliedRevisionNum: column('last_applied_revision_num', 'integer'),
    LiveRevisionNum: column('live_revision_num', 'integer'),
    PreviousLiveRevisionNum: column('previous_live_revision_num', 'integer'),
    LastActionAt: column('last_action_at', 'time'),
    SetID: column('set_id', 'uuid'),
    UpstreamOrganizationID: column('upstream_organization_id', 'uuid'),
    ApprovedBy: column('approved_by', 'list'),
  },
  release: {
    ...COMMON_UNIT_ATTRIBUTES,
    LastReleasedRevisionNum: column('last_released_revision_num', 'integer'),
    ValidationErrors: column('apply_gates', 'map'),
    Conflicts: column('conflicts', 'list'),
  },
};

const UNIT_MODELS: Readonly<Record<Dialect, EntityModel>> = {
  bridge: makeUnitModel('bridge'),
  release: makeUnitModel('release'),
};

/** What an expression over units may name; each generation has its own numbers. */
export function unitModel(dialect: Dialect): EntityModel {
  return UNIT_MODELS[dialect];
}

function makeUnitModel(dialect: Dialect): EntityModel {
  const attributes = UNIT_ATTRIBUTES[dialect];
  const upstream = { name: 'UpstreamUnit', alias: 'upstream_unit', attributes, relations: {} };
  return {
    name: 'Unit',
    alias: 'unit',
    attributes,
    relations: {
      Space: { alias: 'space', model: SPACE_MODEL },
      UpstreamUnit: { alias: 'upstream_unit', model: upstream },
      UpstreamSpace: { alias: 'upstream_space', model: SPACE_MODEL },
      Target: { alias: 'target', model: itemModel('Target') },
      ChangeSet: { alias: 'change_set', model: itemModel('ChangeSet') },
      ...(dialect === 'bridge' ? { Set: { alias: 'unit_set', model: itemModel('Set') } } : {}),
    },
  };
}

export const REVISION_MODEL: EntityModel = {
  name: 'Revision',
  alias: 'revision',
  attributes: {
    RevisionID: column('revision_id', 'uuid'),
    RevisionNum: column('revision_num', 'integer'),
    UnitID: column('unit_id', 'uuid'),
    SpaceID: column('space_id', 'uuid'),
    OrganizationID: column('organization_id', 'uuid'),
    Description: column('description', 'string'),
    Source: column('source', 'string'),
    UserAgent: column('user_agent', 'string'),
    UserID: column('user_id', 'uuid'),
    CreatedAt: column('created_at', 'time'),
    UpdatedAt: column('updated_at', 'time'),
    LiveAt: column('live_at', 'time'),
    ApprovedBy: column('approved_by', 'list'),
    ApplyGates: column('apply_gates', 'map'),
    DataHash: column('data_hash', 'string'),
  },
  relations: {},
};

export const EVENT_MODEL: EntityModel = {
  name: 'UnitEvent',
  alias: 'event',
  attributes: {
    UnitEventID: column('unit_event_id', 'uuid'),
    UnitID: column('unit_id', 'uuid'),
    SpaceID: column('space_id', 'uuid'),
    OrganizationID: column('organization_id', 'uuid'),
    QueuedOperationID: column('operation_id', 'uuid'),
    Action: column('action', 'string'),
    Result: column('result', 'string'),
    Status: column('status', 'string'),
    RevisionNum: column('revision_num', 'integer'),
    StartedAt: column('started_at', 'time'),
    TerminatedAt: column('terminated_at', 'time'),
    CreatedAt: column('created_at', 'time'),
    UpdatedAt: column('created_at', 'time'),
  },
  relations: {},
};

export const MUTATION_MODEL: EntityModel = {
  name: 'Mutation',
  alias: 'revision',
  attributes: {
    MutationID: column('mutation_id', 'uuid'),
    MutationNum: column('revision_num', 'integer'),
    RevisionID: column('revision_id', 'uuid'),
    RevisionNum: column('revision_num', 'integer'),
    UnitID: column('unit_id', 'uuid'),
    SpaceID: column('space_id', 'uuid'),
    OrganizationID: column('organization_id', 'uuid'),
    RestoredRevisionNum: column('restored_revision_num', 'integer'),
    UpgradedFromUpstreamRevisionNum: column('upgraded_from_revision_num', 'integer'),
    CreatedAt: column('created_at', 'time'),
    UpdatedAt: column('created_at', 'time'),
  },
  relations: {},
};

export const RELEASE_MODEL: EntityModel = {
  name: 'Release',
  alias: 'release',
  attributes: {
    ReleaseID: column('release_id', 'uuid'),
    ReleaseNum: column('release_num', 'integer'),
    SpaceID: column('space_id', 'uuid'),
    OrganizationID: column('organization_id', 'uuid'),
    TargetID: column('target_id', 'uuid'),
    TagID: column('tag_id', 'uuid'),
    Digest: column('digest', 'string'),
    Labels: column('labels', 'map'),
    Annotations: column('annotations', 'map'),
    UserID: column('user_id', 'uuid'),
    CreatedAt: column('created_at', 'time'),
    UpdatedAt: column('created_at', 'time'),
  },
  relations: {},
};

const FILTERABLE_ITEMS = ['Filter', 'Set', 'ChangeSet', 'Tag', 'Target', 'BridgeWorker'];

/** What a Filter's `From` names, whose expression is checked when the filter is written; undefined for types unknown here. */
export function filterableModel(from: string, dialect: Dialect): EntityModel | undefined {
  if (from === 'Unit') return unitModel(dialect);
  if (from === 'Space') return SPACE_MODEL;
  return FILTERABLE_ITEMS.includes(from) ? itemModel(from) : undefined;
}
