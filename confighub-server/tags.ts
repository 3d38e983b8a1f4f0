import { z } from 'zod';
import { badRequest } from './hub-error.ts';
import { type HubRequest, parseBody } from './request.ts';
import { namedRevision } from './revisions.ts';
import type { UnitRow } from './unit-row.ts';

const tagInput = z.object({ TagID: z.guid(), Revision: z.string().default('HeadRevisionNum') });

/** Puts the body's tag on the revision that it names; answers the revision's number. */
export async function tagRevision(request: HubRequest, unit: UnitRow): Promise<number> {
  const { TagID: tagId, Revision: name } = parseBody(tagInput, request.body);
  const tags = await request.sql.rows<{ slug: string }>(
    `SELECT slug FROM items WHERE item_id = $1 AND entity_type = 'Tag'`,
    [tagId],
  );
  const tag = tags[0];
  if (tag === undefined) throw badRequest(`tag ${tagId} not found`);
  const revision = await namedRevision(request.sql, unit, name);
  await request.sql.rows(
    `UPDATE revisions SET tags = tags || jsonb_build_object($2::text, $3::text), updated_at = now()
     WHERE revision_id = $1`,
    [revision.revision_id, tagId.toLowerCase(), tag.slug],
  );
  return revision.revision_num;
}
