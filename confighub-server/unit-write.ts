import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { markChangeSet, opensChangeSet } from './change-sets.ts';
import type { Sql } from './database.ts';
import {
  checkVersion,
  type Header,
  headerInput,
  newHeader,
  patchHeader,
  replaceHeader,
} from './header.ts';
import { badRequest, HubError, notFound } from './hub-error.ts';
import { ORGANIZATION } from './identity.ts';
import { mergeManifests } from './merge/merge-manifests.ts';
import type { MergeConflict } from './merge/merge-node.ts';
import { inheritedMutations, isProtected, recordMutation } from './mutation-sources.ts';
import { optionalId } from './request.ts';
import {
  type Author,
  findRevision,
  hashesOf,
  insertRevision,
  namedRevision,
  type Origin,
  readRevision,
} from './revisions.ts';
import { type FullUnitRow, readUnit, type UnitChange, updateUnit } from './unit-row.ts';

/** Body of a unit's create, PUT and PATCH. Read-only fields may be there and are ignored. */
export const unitInput = z.object({
  ...headerInput,
  ToolchainType: z.string().nullish(),
  Data: z.string().nullish(),
  LastChangeDescription: z.string().nullish(),
  TargetID: optionalId,
  SetID: optionalId,
  ChangeSetID: optionalId,
});
export type UnitInput = z.infer<typeof unitInput>;

const MAX_DATA_BYTES = 4 * 1024 * 1024;
const DEFAULT_TOOLCHAIN = 'Kubernetes/YAML';

/** Label of a space whose units may be applied only after `POST …/approve`: this server's one built-in trigger. */
const GATE_LABEL = 'apply-gate';
const APPROVAL_GATE = 'require-approval/is-approved';

/** Creates a unit with its first revision; with `upstream`, as a clone of that unit's head. */
export async function createUnit(
  sql: Sql,
  spaceId: string,
  input: UnitInput,
  author: Author,
  upstream?: { spaceId: string; unitId: string },
): Promise<FullUnitRow> {
  const source = upstream === undefined ? undefined : await readUnit(sql, upstream.unitId);
  if (source !== undefined && source.space_id !== upstream?.spaceId) {
    throw notFound(`unit ${source.unit_id} in space ${upstream?.spaceId}`);
  }
  const header = newHeader({ ...input, Slug: input.Slug ?? source?.slug });
  const data = source === undefined ? decodeData(input.Data ?? '') : source.data;
  const { dataHash, contentHash } = hashesOf(data);
  const text = data.toString('utf8');
  const added = { before: '', after: text, index: 1, predicate: true };
  const sources = source ? inheritedMutations(source.mutation_sources) : recordMutation([], added);
  await refuseDuplicate(sql, spaceId, header.slug);
  const rows = await sql.rows<FullUnitRow>(
    `INSERT INTO units (unit_id, space_id, organization_id, slug, display_name, labels, annotations,
       toolchain_type, data, data_hash, content_hash, last_change_description, set_id, target_id,
       upstream_unit_id, upstream_space_id, upstream_organization_id, upstream_revision_num, apply_gates,
       mutation_sources)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
     RETURNING *`,
    [
      randomUUID(),
      spaceId,
      ORGANIZATION.organizationId,
      header.slug,
      header.displayName,
      JSON.stringify(header.labels),
      JSON.stringify(header.annotations),
      input.ToolchainType ?? source?.toolchain_type ?? DEFAULT_TOOLCHAIN,
      data,
      dataHash,
      contentHash,
      input.LastChangeDescription ?? '',
      input.SetID ?? null,
      input.TargetID ?? (await builtInTarget(sql, spaceId)),
      source?.unit_id ?? null,
      source?.space_id ?? null,
      source?.organization_id ?? null,
      source?.head_revision_num ?? 0,
      JSON.stringify(await gatesOf(sql, spaceId)),
      JSON.stringify(sources),
    ],
  );
  const row = rows[0];
  if (row === undefined) throw new HubError(500, 'the unit was not stored');
  await insertRevision(sql, row, {
    description: row.last_change_description,
    source: source === undefined ? 'CreateUnit' : 'CloneUnit',
    author,
  });
  return row;
}

/** PUT: replaces what a request may write; the Version that was read must come along. */
export async function replaceUnit(
  sql: Sql,
  row: FullUnitRow,
  input: UnitInput,
  author: Author,
): Promise<FullUnitRow> {
  checkVersion(row.version, input.Version, true);
  return changeUnit(sql, row, author, {
    header: replaceHeader(row, input),
    data: input.Data === undefined || input.Data === null ? row.data : decodeData(input.Data),
    description: input.LastChangeDescription ?? row.last_change_description,
    toolchainType: input.ToolchainType ?? row.toolchain_type,
    setId: input.SetID ?? null,
    targetId: input.TargetID ?? null,
    source: 'UpdateUnit',
  });
}

/** What a write does beside its body. */
export type WriteDetails = Origin & {
  readonly data?: Buffer;
  readonly upstreamRevisionNum?: number;
  readonly source?: string;
  readonly description?: string;
  /** Release dialect: the changed paths survive upgrades. */
  readonly protect?: boolean;
  /** Id of the change set whose lock the request holds. */
  readonly changeSet?: string;
  readonly conflicts?: readonly object[];
};

/** PATCH: merges; null removes. A body of null changes nothing. */
export async function patchUnit(
  sql: Sql,
  row: FullUnitRow,
  input: UnitInput,
  author: Author,
  more: WriteDetails = {},
): Promise<FullUnitRow> {
  checkVersion(row.version, input.Version, false);
  const sent = input.Data === undefined || input.Data === null ? row.data : decodeData(input.Data);
  return changeUnit(sql, row, author, {
    header: patchHeader(row, input),
    data: more.data ?? sent,
    description: input.LastChangeDescription ?? more.description ?? row.last_change_description,
    toolchainType: input.ToolchainType ?? row.toolchain_type,
    setId: input.SetID === undefined ? row.set_id : input.SetID,
    targetId: input.TargetID === undefined ? row.target_id : input.TargetID,
    changeSetId: input.ChangeSetID === undefined ? row.change_set_id : input.ChangeSetID,
    ...(more.upstreamRevisionNum === undefined
      ? {}
      : { upstreamRevisionNum: more.upstreamRevisionNum }),
    source: more.source ?? 'PatchUnit',
    details: more,
  });
}

export type UpgradedUnit = {
  readonly unit: FullUnitRow;
  readonly conflicts: readonly MergeConflict[];
};

/** Merges what the upstream changed since the last merge. Nothing happens if it changed nothing. */
export async function upgradeUnit(
  sql: Sql,
  row: FullUnitRow,
  input: UnitInput,
  author: Author,
  more: WriteDetails = {},
): Promise<UpgradedUnit> {
  if (row.upstream_unit_id === null) throw badRequest(`unit ${row.slug} has no upstream unit`);
  const upstream = await readUnit(sql, row.upstream_unit_id);
  if (upstream.head_revision_num === row.upstream_revision_num) {
    return { unit: row, conflicts: [] };
  }
  const base = await findRevision(sql, upstream.unit_id, row.upstream_revision_num);
  if (base === undefined) {
    throw new HubError(422, `revision ${row.upstream_revision_num} of ${upstream.slug} is gone`);
  }
  const merged = mergeManifests({
    base: base.data.toString('utf8'),
    theirs: upstream.data.toString('utf8'),
    ours: row.data.toString('utf8'),
    takesTheirs:
      author.dialect === 'release'
        ? (resource, path) => !isProtected(row.mutation_sources, resource, path)
        : undefined,
  });
  const unit = await patchUnit(sql, row, input, author, {
    data: Buffer.from(merged.data, 'utf8'),
    upstreamRevisionNum: upstream.head_revision_num,
    source: 'UpgradeUnit',
    description: `Upgraded to revision ${upstream.head_revision_num} of the upstream unit`,
    upgradedFromRevisionNum: upstream.head_revision_num,
    conflicts: merged.conflicts.map(conflictJson),
    ...more,
  });
  return { unit, conflicts: merged.conflicts };
}

/** Reasons as the later API names them; this merge only ever drops a change for a local one. */
export function conflictJson(one: MergeConflict): object {
  return { ResourceName: one.resource, Path: one.path, Reason: 'Subtracted', Message: one.reason };
}

/** A new head revision with the data of an old one, named by `revision_id` or `restore` of the query. */
export async function restoreUnit(
  sql: Sql,
  row: FullUnitRow,
  input: UnitInput,
  author: Author,
  named: { revisionId?: string; restore?: string },
  more: WriteDetails = {},
): Promise<FullUnitRow> {
  const revision =
    named.revisionId === undefined
      ? await namedRevision(sql, row, named.restore ?? '')
      : await readRevision(sql, row.unit_id, named.revisionId);
  const { Data: _sent, ...metadata } = input;
  return patchUnit(sql, row, metadata, author, {
    data: revision.data,
    source: 'RestoreUnit',
    description: `Restored revision ${revision.revision_num}`,
    restoredRevisionNum: revision.revision_num,
    ...more,
  });
}

type Change = {
  readonly header: Header;
  readonly data: Buffer;
  readonly description: string;
  readonly toolchainType: string;
  readonly setId: string | null;
  readonly targetId: string | null;
  readonly changeSetId?: string | null;
  readonly upstreamRevisionNum?: number;
  readonly source: string;
  readonly details?: WriteDetails;
};

async function changeUnit(
  sql: Sql,
  row: FullUnitRow,
  author: Author,
  change: Change,
): Promise<FullUnitRow> {
  if (change.header.slug !== row.slug) await refuseDuplicate(sql, row.space_id, change.header.slug);
  const dataChanged = !change.data.equals(row.data);
  const { details = {} } = change;
  if (dataChanged) refuseLocked(row, author, details);
  const isOpening = author.dialect === 'release' && opensChangeSet(row, change.changeSetId);
  const next: UnitChange = {
    ...change.header,
    data: change.data,
    ...hashesOf(change.data),
    toolchainType: change.toolchainType,
    lastChangeDescription: change.description,
    headRevisionNum: row.head_revision_num + (dataChanged || isOpening ? 1 : 0),
    setId: change.setId,
    targetId: change.targetId,
    changeSetId: change.changeSetId === undefined ? row.change_set_id : change.changeSetId,
    upstreamRevisionNum: change.upstreamRevisionNum ?? row.upstream_revision_num,
    // Consent was given to the old data
    applyGates: dataChanged ? await gatesOf(sql, row.space_id) : row.apply_gates,
    approvedBy: dataChanged ? [] : row.approved_by,
    mutationSources: dataChanged ? sourcesAfter(row, author, change) : row.mutation_sources,
    conflicts: details.conflicts ?? row.conflicts ?? [],
  };
  const updated = await updateUnit(sql, row.unit_id, next);
  if (dataChanged || isOpening) {
    await insertRevision(sql, updated, {
      description: change.description,
      source: change.source,
      author,
      origin: details,
    });
  }
  if (author.dialect === 'release') await markChangeSet(sql, updated, row.change_set_id);
  return updated;
}

// A unit in an open change set takes only writes that belong to it.
function refuseLocked(row: FullUnitRow, author: Author, { changeSet }: WriteDetails): void {
  if (author.dialect !== 'release' || row.change_set_id === null) return;
  if (changeSet?.toLowerCase() === row.change_set_id) return;
  throw new HubError(
    422,
    `unit ${row.slug} is in change set ${row.change_set_id}: pass change_set_id`,
  );
}

// Generation A keeps every local change of a clone, generation C those that ask for it.
function sourcesAfter(row: FullUnitRow, author: Author, change: Change) {
  const isUpgrade = change.upstreamRevisionNum !== undefined;
  const isLocal =
    author.dialect === 'release'
      ? change.details?.protect === true
      : row.upstream_unit_id !== null && !isUpgrade;
  return recordMutation(row.mutation_sources, {
    before: row.data.toString('utf8'),
    after: change.data.toString('utf8'),
    index: row.head_revision_num + 1,
    predicate: !isLocal,
  });
}

/** Adds the user to the approvals of the head revision and opens the approval gate. */
export async function approveUnit(sql: Sql, row: FullUnitRow, author: Author): Promise<void> {
  const approvedBy = [...new Set([...row.approved_by, author.user.userId])];
  const { [APPROVAL_GATE]: _opened, ...gates } = row.apply_gates;
  await sql.rows(
    `UPDATE units SET version = version + 1, updated_at = now(), approved_by = $2, apply_gates = $3
     WHERE unit_id = $1`,
    [row.unit_id, JSON.stringify(approvedBy), JSON.stringify(gates)],
  );
  await sql.rows(
    'UPDATE revisions SET approved_by = $3, apply_gates = $4, updated_at = now() WHERE unit_id = $1 AND revision_num = $2',
    [row.unit_id, row.head_revision_num, JSON.stringify(approvedBy), JSON.stringify(gates)],
  );
}

function decodeData(base64: string): Buffer {
  const data = Buffer.from(base64, 'base64');
  if (data.toString('base64').replace(/=+$/, '') !== base64.replace(/=+$/, '').replace(/\s/g, '')) {
    throw badRequest('body: Data is not base64');
  }
  return limitedData(data);
}

/** 413 beyond what a unit may hold. */
export function limitedData(data: Buffer): Buffer {
  if (data.length > MAX_DATA_BYTES) {
    throw new HubError(413, `Data has ${data.length} bytes, the limit is ${MAX_DATA_BYTES}`);
  }
  return data;
}

async function gatesOf(sql: Sql, spaceId: string): Promise<Readonly<Record<string, boolean>>> {
  const rows = await sql.rows<{ gate: string | null }>(
    'SELECT labels ->> $2 AS gate FROM spaces WHERE space_id = $1',
    [spaceId, GATE_LABEL],
  );
  return rows[0]?.gate === 'approval' ? { [APPROVAL_GATE]: true } : {};
}

async function builtInTarget(sql: Sql, spaceId: string): Promise<string | null> {
  const rows = await sql.rows<{ item_id: string }>(
    `SELECT item_id FROM items WHERE space_id = $1 AND entity_type = 'Target' ORDER BY created_at, slug LIMIT 1`,
    [spaceId],
  );
  return rows[0]?.item_id ?? null;
}

async function refuseDuplicate(sql: Sql, spaceId: string, slug: string): Promise<void> {
  const rows = await sql.rows('SELECT 1 FROM units WHERE space_id = $1 AND slug = $2', [
    spaceId,
    slug,
  ]);
  if (rows.length > 0)
    throw new HubError(409, `a unit with slug ${slug} exists already in the space`);
}
