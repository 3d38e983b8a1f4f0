import { createHash, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Sql } from './database.ts';
import type { Dialect } from './dialect.ts';
import { badRequest, notFound } from './hub-error.ts';
import type { User } from './identity.ts';
import type { ResourceMutation } from './mutation-sources.ts';
import type { FullUnitRow, UnitRow } from './unit-row.ts';

export type RevisionRow = {
  readonly revision_id: string;
  readonly unit_id: string;
  readonly space_id: string;
  readonly organization_id: string;
  readonly revision_num: number;
  readonly data: Buffer;
  readonly data_hash: string;
  readonly content_hash: number;
  readonly description: string;
  readonly source: string;
  readonly user_id: string;
  readonly user_agent: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly apply_gates: Readonly<Record<string, boolean>>;
  readonly approved_by: readonly string[];
  readonly mutation_id: string;
  readonly mutation_sources: readonly ResourceMutation[];
  readonly restored_revision_num: number;
  readonly upgraded_from_revision_num: number;
  readonly function_invocation: object | null;
  readonly live_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
};

/** Who writes, and by which generation of the API. */
export type Author = {
  readonly user: User;
  readonly userAgent: string;
  readonly dialect: Dialect;
};

/** What made a revision, beside its author. */
export type Origin = {
  readonly restoredRevisionNum?: number;
  readonly upgradedFromRevisionNum?: number;
  readonly invocation?: object;
};

export function hashesOf(data: Buffer): { dataHash: string; contentHash: number } {
  return {
    dataHash: createHash('sha256').update(data).digest('hex'),
    contentHash: crc32(data),
  };
}

/** Records the unit's present data as revision `head_revision_num`. */
export async function insertRevision(
  sql: Sql,
  unit: FullUnitRow,
  revision: { description: string; source: string; author: Author; origin?: Origin },
): Promise<void> {
  await sql.rows(
    `INSERT INTO revisions (revision_id, unit_id, space_id, organization_id, revision_num, data,
       data_hash, content_hash, description, source, user_id, user_agent, apply_gates, mutation_sources,
       restored_revision_num, upgraded_from_revision_num, function_invocation)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    [
      randomUUID(),
      unit.unit_id,
      unit.space_id,
      unit.organization_id,
      unit.head_revision_num,
      unit.data,
      unit.data_hash,
      unit.content_hash,
      revision.description,
      revision.source,
      revision.author.user.userId,
      revision.author.userAgent,
      JSON.stringify(unit.apply_gates),
      JSON.stringify(unit.mutation_sources),
      revision.origin?.restoredRevisionNum ?? 0,
      revision.origin?.upgradedFromRevisionNum ?? 0,
      revision.origin?.invocation ? JSON.stringify(revision.origin.invocation) : null,
    ],
  );
}

/** One revision by number, undefined if it never was. */
export async function findRevision(
  sql: Sql,
  unitId: string,
  revisionNum: number,
): Promise<RevisionRow | undefined> {
  const rows = await sql.rows<RevisionRow>(
    'SELECT * FROM revisions WHERE unit_id = $1 AND revision_num = $2',
    [unitId, revisionNum],
  );
  return rows[0];
}

/** One revision of the unit by id. */
export async function readRevision(
  sql: Sql,
  unitId: string,
  revisionId: string,
): Promise<RevisionRow> {
  const rows = await sql.rows<RevisionRow>(
    'SELECT * FROM revisions WHERE unit_id = $1 AND revision_id = $2',
    [unitId, revisionId],
  );
  const row = rows[0];
  if (row === undefined) throw notFound(`revision ${revisionId}`);
  return row;
}

/**
 * The revision that a request names: `HeadRevisionNum` and its three siblings, a number, `Revision:<uuid>`, `Tag:<uuid>`,
 * `ChangeSet:<uuid>` (its end tag), each optionally after `Before:`.
 */
export async function namedRevision(sql: Sql, unit: UnitRow, name: string): Promise<RevisionRow> {
  const before = name.startsWith('Before:');
  const plain = before ? name.slice('Before:'.length) : name;
  const number = await revisionNumber(sql, unit, plain, before);
  const row =
    number === undefined
      ? undefined
      : await findRevision(sql, unit.unit_id, before ? number - 1 : number);
  if (row === undefined) throw notFound(`revision ${name} of unit ${unit.slug}`);
  return row;
}

async function revisionNumber(
  sql: Sql,
  unit: UnitRow,
  name: string,
  before: boolean,
): Promise<number | undefined> {
  switch (name) {
    case 'HeadRevisionNum':
      return unit.head_revision_num;
    case 'LiveRevisionNum':
      return unit.live_revision_num;
    case 'LastAppliedRevisionNum':
      return unit.last_applied_revision_num;
    case 'LastReleasedRevisionNum':
      return unit.last_released_revision_num;
    case 'PreviousLiveRevisionNum':
      return unit.previous_live_revision_num;
  }
  if (/^-?[0-9]{1,10}$/.test(name)) {
    const number = Number(name);
    // Negative numbers count back from the head, as `cub unit update --restore -2` does.
    return number > 0 ? number : unit.head_revision_num + number;
  }
  const reference = /^(Revision|Tag|ChangeSet):([0-9a-f-]{36})$/i.exec(name);
  const id = reference?.[2];
  if (reference === null || id === undefined)
    throw badRequest(`restore: ${name} names no revision`);
  const rows = await sql.rows<{ revision_num: number }>(
    REFERENCES[`${reference[1]}${before ? ':before' : ''}`] ?? REFERENCES[`${reference[1]}`] ?? '',
    [unit.unit_id, id],
  );
  return rows[0]?.revision_num;
}

const CHANGE_SET_TAG = (side: 'StartTagID' | 'EndTagID') =>
  `SELECT r.revision_num FROM revisions r JOIN items c ON c.item_id = $2::uuid
   WHERE r.unit_id = $1 AND r.tags ? (c.body ->> '${side}') ORDER BY 1 DESC LIMIT 1`;

const REFERENCES: Readonly<Record<string, string>> = {
  Revision: 'SELECT revision_num FROM revisions WHERE unit_id = $1 AND revision_id = $2::uuid',
  Tag: 'SELECT revision_num FROM revisions WHERE unit_id = $1 AND tags ? $2::text ORDER BY 1 DESC LIMIT 1',
  ChangeSet: CHANGE_SET_TAG('EndTagID'),
  'ChangeSet:before': CHANGE_SET_TAG('StartTagID'),
};
