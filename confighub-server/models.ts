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

const UNIT_ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  ...HEADER,
  UnitID: column('unit_id', 'uuid'),
  ToolchainType: column('toolchain_type', 'string'),
  DataHash: column('data_hash', 'string'),
  LastChangeDescription: column('last_change_description', 'string'),
  HeadRevisionNum: column('head_revision_num', 'integer'),
  LastAppliedRevisionNum: column('last_applied_revision_num', 'integer'),
  LiveRevisionNum: column('live_revision_num', 'integer'),
  PreviousLiveRevisionNum: column('previous_live_revision_num', 'integer'),
  LastActionAt: column('last_action_at', 'time'),
  SetID: column('set_id', 'uuid'),
  TargetID: column('target_id', 'uuid'),
  ChangeSetID: column('change_set_id', 'uuid'),
  UpstreamUnitID: column('upstream_unit_id', 'uuid'),
  UpstreamSpaceID: column('upstream_space_id', 'uuid'),
  UpstreamOrganizationID: column('upstream_organization_id', 'uuid'),
  UpstreamRevisionNum: column('upstream_revision_num', 'integer'),
  ApplyGates: column('apply_gates', 'map'),
  ApprovedBy: column('approved_by', 'list'),
};

const UPSTREAM_UNIT_MODEL: EntityModel = {
  name: 'UpstreamUnit',
  alias: 'upstream_unit',
  attributes: UNIT_ATTRIBUTES,
  relations: {},
};

export const UNIT_MODEL: EntityModel = {
  name: 'Unit',
  alias: 'unit',
  attributes: UNIT_ATTRIBUTES,
  relations: {
    Space: { alias: 'space', model: SPACE_MODEL },
    UpstreamUnit: { alias: 'upstream_unit', model: UPSTREAM_UNIT_MODEL },
    UpstreamSpace: { alias: 'upstream_space', model: SPACE_MODEL },
    Target: { alias: 'target', model: itemModel('Target') },
    Set: { alias: 'unit_set', model: itemModel('Set') },
    ChangeSet: { alias: 'change_set', model: itemModel('ChangeSet') },
  },
};

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

/** What a Filter's `From` may name; its expression is checked when the filter is written. */
export const FILTERABLE: Readonly<Record<string, EntityModel>> = {
  Unit: UNIT_MODEL,
  Space: SPACE_MODEL,
  ...Object.fromEntries(
    ['Filter', 'Set', 'ChangeSet', 'Tag', 'Target', 'BridgeWorker'].map((name) => [
      name,
      itemModel(name),
    ]),
  ),
};
