import type { Sql } from './database.ts';
import type { Header, HeaderRow } from './header.ts';
import { notFound } from './hub-error.ts';
import type { ResourceMutation } from './mutation-sources.ts';

/** An object that an apply wrote, for pruning. `namespace` is '' for cluster-scoped kinds. */
export type InventoryItem = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

export type UnitRow = HeaderRow & {
  readonly unit_id: string;
  readonly space_id: string;
  readonly organization_id: string;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly toolchain_type: string;
  /** Absent where the list was asked to leave it out. */
  readonly data?: Buffer;
  readonly data_hash: string;
  readonly content_hash: number;
  readonly last_change_description: string;
  readonly head_revision_num: number;
  readonly last_applied_revision_num: number;
  readonly live_revision_num: number;
  readonly previous_live_revision_num: number;
  readonly last_released_revision_num: number;
  /** Bytes of the data; absent where the row has the data itself. */
  readonly data_size?: number;
  /** Absent where the list was asked to leave it out. */
  readonly mutation_sources?: readonly ResourceMutation[];
  readonly conflicts?: readonly object[];
  readonly live_state?: Buffer | null;
  readonly last_action_at: Date | null;
  readonly set_id: string | null;
  readonly target_id: string | null;
  readonly change_set_id: string | null;
  readonly upstream_unit_id: string | null;
  readonly upstream_space_id: string | null;
  readonly upstream_organization_id: string | null;
  readonly upstream_revision_num: number;
  readonly apply_gates: Readonly<Record<string, boolean>>;
  readonly approved_by: readonly string[];
};

export type FullUnitRow = UnitRow & {
  readonly data: Buffer;
  readonly live_state: Buffer | null;
  readonly mutation_sources: readonly ResourceMutation[];
};

/** A row with what only applies need. */
export type AppliedUnitRow = FullUnitRow & { readonly inventory: readonly InventoryItem[] };

/** What a list reads of each unit beside its ids and numbers; what will not be sent is not read. */
export type UnitParts = {
  readonly data: boolean;
  readonly liveState: boolean;
  /** Labels, annotations, gates, approvals, names, descriptions. */
  readonly metadata: boolean;
  readonly mutations: boolean;
};

export const WHOLE_UNIT: UnitParts = {
  data: true,
  liveState: true,
  metadata: true,
  mutations: true,
};

const SMALL_COLUMNS = [
  'unit_id',
  'space_id',
  'organization_id',
  'slug',
  'version',
  'created_at',
  'updated_at',
  'toolchain_type',
  'data_hash',
  'content_hash',
  'head_revision_num',
  'last_applied_revision_num',
  'live_revision_num',
  'previous_live_revision_num',
  'last_released_revision_num',
  'last_action_at',
  'set_id',
  'target_id',
  'change_set_id',
  'upstream_unit_id',
  'upstream_space_id',
  'upstream_organization_id',
  'upstream_revision_num',
] as const;
const METADATA_COLUMNS = [
  'display_name',
  'labels',
  'annotations',
  'apply_gates',
  'approved_by',
  'last_change_description',
  'conflicts',
] as const;

export function unitColumns(alias: string, parts: UnitParts): string {
  const names = [
    ...SMALL_COLUMNS,
    ...(parts.metadata ? METADATA_COLUMNS : []),
    ...(parts.data ? ['data'] : []),
    ...(parts.liveState ? ['live_state'] : []),
    ...(parts.mutations ? ['mutation_sources'] : []),
  ];
  const columns = names.map((name) => `${alias}.${name}`);
  // Without the data itself its size comes from the storage's header.
  return [...columns, ...(parts.data ? [] : [`octet_length(${alias}.data) AS data_size`])].join(
    ', ',
  );
}

/** The unit, locked until the transaction ends. */
export async function lockUnit(sql: Sql, spaceId: string, unitId: string): Promise<FullUnitRow> {
  const rows = await sql.rows<FullUnitRow>(
    'SELECT * FROM units WHERE unit_id = $1 AND space_id = $2 FOR UPDATE',
    [unitId, spaceId],
  );
  const row = rows[0];
  if (row === undefined) throw notFound(`unit ${unitId}`);
  return row;
}

/** Without a lock. */
export async function readUnit(sql: Sql, unitId: string): Promise<AppliedUnitRow> {
  const rows = await sql.rows<AppliedUnitRow>('SELECT * FROM units WHERE unit_id = $1', [unitId]);
  const row = rows[0];
  if (row === undefined) throw notFound(`unit ${unitId}`);
  return row;
}

/** The parts of a row that requests may change. */
export type UnitChange = Header & {
  readonly data: Buffer;
  readonly dataHash: string;
  readonly contentHash: number;
  readonly toolchainType: string;
  readonly lastChangeDescription: string;
  readonly headRevisionNum: number;
  readonly setId: string | null;
  readonly targetId: string | null;
  readonly changeSetId: string | null;
  readonly upstreamRevisionNum: number;
  readonly applyGates: Readonly<Record<string, boolean>>;
  readonly approvedBy: readonly string[];
  readonly mutationSources: readonly ResourceMutation[];
  readonly conflicts: readonly object[];
};

/** Writes the row and its next Version. The caller holds its lock. */
export async function updateUnit(
  sql: Sql,
  unitId: string,
  change: UnitChange,
): Promise<FullUnitRow> {
  const rows = await sql.rows<FullUnitRow>(
    `UPDATE units SET version = version + 1, updated_at = now(), slug = $2, display_name = $3,
       labels = $4, annotations = $5, data = $6, data_hash = $7, content_hash = $8,
       toolchain_type = $9, last_change_description = $10, head_revision_num = $11, set_id = $12,
       target_id = $13, change_set_id = $14, upstream_revision_num = $15, apply_gates = $16,
       approved_by = $17, mutation_sources = $18, conflicts = $19
     WHERE unit_id = $1 RETURNING *`,
    [
      unitId,
      change.slug,
      change.displayName,
      JSON.stringify(change.labels),
      JSON.stringify(change.annotations),
      change.data,
      change.dataHash,
      change.contentHash,
      change.toolchainType,
      change.lastChangeDescription,
      change.headRevisionNum,
      change.setId,
      change.targetId,
      change.changeSetId,
      change.upstreamRevisionNum,
      JSON.stringify(change.applyGates),
      JSON.stringify(change.approvedBy),
      JSON.stringify(change.mutationSources),
      JSON.stringify(change.conflicts),
    ],
  );
  const row = rows[0];
  if (row === undefined) throw notFound(`unit ${unitId}`);
  return row;
}
