import type { Sql } from './database.ts';
import { HubError, notFound } from './hub-error.ts';
import { createItem, TAG } from './items.ts';
import type { UnitRow } from './unit-row.ts';
import type { ItemRow } from './wire.ts';

type Side = 'StartTagID' | 'EndTagID';

/** Whether a write puts the unit into a change set, which makes a revision of its own: the place to return to. */
export function opensChangeSet(row: UnitRow, next: string | null | undefined): boolean {
  if (next === undefined || next === null || next === row.change_set_id) return false;
  if (row.change_set_id !== null) {
    throw new HubError(422, `unit ${row.slug} is in change set ${row.change_set_id} already`);
  }
  return true;
}

/**
 * Generation C: marks the revision at which a unit entered a change set, or the last one before it left. The tags are the
 * server's own, made when they are first needed. `unit` is the row after the write, `before` its change set before it.
 */
export async function markChangeSet(sql: Sql, unit: UnitRow, before: string | null): Promise<void> {
  if (before === unit.change_set_id) return;
  const [changeSetId, side]: [string | null, Side] =
    unit.change_set_id === null ? [before, 'EndTagID'] : [unit.change_set_id, 'StartTagID'];
  if (changeSetId === null) return;
  const { tagId, slug } = await tagOf(sql, changeSetId, side);
  await sql.rows(
    `UPDATE revisions SET tags = tags || jsonb_build_object($3::text, $4::text), updated_at = now()
     WHERE unit_id = $1 AND revision_num = $2`,
    [unit.unit_id, unit.head_revision_num, tagId, slug],
  );
}

async function tagOf(
  sql: Sql,
  changeSetId: string,
  side: Side,
): Promise<{ tagId: string; slug: string }> {
  const rows = await sql.rows<ItemRow>(
    `SELECT * FROM items WHERE item_id = $1 AND entity_type = 'ChangeSet' FOR UPDATE`,
    [changeSetId],
  );
  const changeSet = rows[0];
  if (changeSet === undefined) throw notFound(`change set ${changeSetId}`);
  const slug = `${changeSet.slug.slice(0, 120)}-${side === 'StartTagID' ? 'start' : 'end'}`;
  const present = changeSet.body[side];
  if (typeof present === 'string') return { tagId: present, slug };
  const writing = { sql, dialect: 'release' } as const;
  const { item_id: tagId } = await createItem(writing, TAG, changeSet.space_id, { Slug: slug });
  await sql.rows(
    `UPDATE items SET version = version + 1, updated_at = now(), body = body || jsonb_build_object($2::text, $3::text)
     WHERE item_id = $1`,
    [changeSetId, side, tagId],
  );
  return { tagId, slug };
}
