import { createHash, randomUUID } from 'node:crypto';
import { queueAction } from './actions.ts';
import type { Sql } from './database.ts';
import { HubError, notFound } from './hub-error.ts';
import { ORGANIZATION } from './identity.ts';
import type { HubRequest } from './request.ts';
import type { UnitRow } from './unit-row.ts';
import type { SpaceRow } from './wire.ts';

export type ReleaseRow = {
  readonly release_id: string;
  readonly space_id: string;
  readonly release_num: number;
  readonly target_id: string;
  readonly tag_id: string | null;
  readonly digest: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly user_id: string;
  readonly withdrawn_at: Date | null;
  readonly created_at: Date;
  readonly unit_count: number;
  /** Actions that bring the release to the cluster, by how they ended. */
  readonly open: number;
  readonly failed: number;
  readonly unready: number;
  readonly message: string | null;
  readonly observed_at: Date | null;
};

/** `release.*` and what became of it, for a statement whose FROM is `releases release`. */
export const RELEASE_COLUMNS = `release.*,
  (SELECT count(*) FROM release_units bundled WHERE bundled.release_id = release.release_id) AS unit_count,
  progress.*`;
export const RELEASE_PROGRESS = `CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE operation.status IN ('Pending', 'Progressing')) AS open,
    count(*) FILTER (WHERE event.result = 'ApplyWaitFailed') AS unready,
    count(*) FILTER (WHERE operation.status = 'Failed' AND event.result <> 'ApplyWaitFailed') AS failed,
    max(event.message) FILTER (WHERE operation.status = 'Failed') AS message,
    max(event.created_at) AS observed_at
  FROM operations operation LEFT JOIN unit_events event
    ON event.operation_id = operation.operation_id AND event.terminated_at IS NOT NULL
  WHERE operation.release_id = release.release_id) progress`;

type Bundled = UnitRow & { readonly released_num: number; readonly released_hash: string };

export type NewRelease = {
  readonly tagId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/**
 * Publishes the head, or with a tag the tagged revision, of every unit of the space that has its release target. What a
 * GitOps controller would then do, this server's own worker does: it applies the bundle unit by unit. 422 without target,
 * without units, or while a validation error is up.
 */
export async function publishRelease(
  request: HubRequest,
  space: SpaceRow,
  { tagId, labels, annotations }: NewRelease,
): Promise<string> {
  const { sql, user } = request;
  const targetId = space.release_target_id ?? null;
  if (targetId === null) {
    throw new HubError(422, `space ${space.slug} has no ReleaseTargetID: nothing can be released`);
  }
  const units = await bundle(sql, space.space_id, targetId, tagId);
  if (units.length === 0) throw new HubError(422, `space ${space.slug} has nothing to release`);
  refuseInvalid(units);
  const releaseId = randomUUID();
  const rows = units.map((unit) => `${unit.unit_id} ${unit.released_num} ${unit.released_hash}\n`);
  const digest = createHash('sha256').update(rows.join('')).digest('hex');
  await sql.rows(
    `INSERT INTO releases (release_id, space_id, organization_id, release_num, target_id, tag_id, digest, labels,
       annotations, user_id)
     VALUES ($1, $2, $3, (SELECT COALESCE(max(release_num), 0) + 1 FROM releases WHERE space_id = $2), $4, $5, $6,
       $7, $8, $9)`,
    [
      releaseId,
      space.space_id,
      ORGANIZATION.organizationId,
      targetId,
      tagId,
      `sha256:${digest}`,
      JSON.stringify(labels),
      JSON.stringify(annotations),
      user.userId,
    ],
  );
  await sql.rows(
    `INSERT INTO release_units (release_id, unit_id, revision_num)
     SELECT $1, * FROM unnest($2::uuid[], $3::bigint[])`,
    [releaseId, units.map((unit) => unit.unit_id), units.map((unit) => unit.released_num)],
  );
  await sql.rows(
    `UPDATE units SET last_released_revision_num = bundled.revision_num, version = version + 1
     FROM release_units bundled WHERE bundled.release_id = $1 AND bundled.unit_id = units.unit_id`,
    [releaseId],
  );
  for (const unit of units) {
    await queueAction(request, unit, {
      action: 'Apply',
      revisionNum: unit.released_num,
      releaseId,
    });
  }
  return releaseId;
}

/** One release of the space with its progress; 404. */
export async function readRelease(
  sql: Sql,
  spaceId: string,
  releaseId: string,
): Promise<ReleaseRow> {
  const rows = await sql.rows<ReleaseRow>(
    `SELECT ${RELEASE_COLUMNS} FROM releases release ${RELEASE_PROGRESS}
     WHERE release.release_id = $1 AND release.space_id = $2`,
    [releaseId, spaceId],
  );
  if (rows[0] === undefined) throw notFound(`release ${releaseId}`);
  return rows[0];
}

/** ConfigHub's JSON of a release; `LiveStatus` is what the controller that delivers it reports. */
export function releaseJson(row: ReleaseRow): object {
  return {
    ReleaseID: row.release_id,
    ReleaseNum: row.release_num,
    SpaceID: row.space_id,
    OrganizationID: ORGANIZATION.organizationId,
    EntityType: 'Release',
    TargetID: row.target_id,
    TagID: row.tag_id,
    Digest: row.digest,
    ManifestDigest: row.digest,
    Published: row.withdrawn_at === null,
    UnitCount: row.unit_count,
    LiveStatus: {
      ...statusOf(row),
      Message: row.message ?? '',
      ObservedAt: (row.observed_at ?? row.created_at).toISOString(),
      Reporter: 'realign',
    },
    Labels: row.labels,
    Annotations: row.annotations,
    UserID: row.user_id,
    CreatedAt: row.created_at.toISOString(),
    UpdatedAt: (row.withdrawn_at ?? row.created_at).toISOString(),
    Version: 1,
  };
}

function statusOf(row: ReleaseRow): { Sync: string; Health: string; Operation: string } {
  if (row.withdrawn_at !== null) return { Sync: 'Unknown', Health: 'Unknown', Operation: '' };
  if (row.open > 0) return { Sync: 'OutOfSync', Health: 'Progressing', Operation: 'Running' };
  if (row.failed > 0) return { Sync: 'OutOfSync', Health: 'Degraded', Operation: 'Failed' };
  if (row.unready > 0) return { Sync: 'Synced', Health: 'Degraded', Operation: 'Succeeded' };
  return { Sync: 'Synced', Health: 'Healthy', Operation: 'Succeeded' };
}

// Locked in one order everywhere, as in lists.
async function bundle(
  sql: Sql,
  spaceId: string,
  targetId: string,
  tagId: string | null,
): Promise<readonly Bundled[]> {
  await sql.rows(
    'SELECT 1 FROM units WHERE space_id = $1 AND target_id = $2 ORDER BY unit_id FOR UPDATE',
    [spaceId, targetId],
  );
  const revision =
    tagId === null
      ? 'revision.revision_num = unit.head_revision_num'
      : `revision.revision_num = (SELECT max(tagged.revision_num) FROM revisions tagged
           WHERE tagged.unit_id = unit.unit_id AND tagged.tags ? $3::text)`;
  return sql.rows<Bundled>(
    `SELECT unit.unit_id, unit.space_id, unit.slug, unit.target_id, unit.head_revision_num, unit.apply_gates,
       unit.last_released_revision_num, revision.revision_num AS released_num, revision.data_hash AS released_hash
     FROM units unit JOIN revisions revision ON revision.unit_id = unit.unit_id AND ${revision}
     WHERE unit.space_id = $1 AND unit.target_id = $2 ORDER BY unit.unit_id`,
    [spaceId, targetId, ...(tagId === null ? [] : [tagId])],
  );
}

// What was released before went through its gates then.
function refuseInvalid(units: readonly Bundled[]): void {
  for (const unit of units) {
    const errors = Object.keys(unit.apply_gates);
    const isNew = unit.released_num > unit.last_released_revision_num;
    if (isNew && errors.length > 0) {
      throw new HubError(422, `unit ${unit.slug} cannot be released: ${errors.join(', ')}`);
    }
  }
}
