import type { Sql } from './database.ts';
import { badRequest, notFound } from './hub-error.ts';
import { type HubRequest, pathId } from './request.ts';
import type { ItemRow } from './wire.ts';

/** What every list and bulk call may be narrowed by. */
export type Selection = {
  /** WHERE expressions, ANDed. */
  readonly expressions: readonly string[];
  readonly contains: string;
};

/** `where`, `filter` (its expression joins the others) and `contains` of the query, with the space of the path. */
export async function selectionOf(
  request: HubRequest,
  entityType: string,
  parts: { readonly where?: string; readonly filter?: string } = {},
): Promise<Selection> {
  const where = request.query[parts.where ?? 'where'] ?? '';
  const filterId = request.query[parts.filter ?? 'filter'] ?? '';
  const space = 'space_id' in request.params ? pathId(request, 'space_id') : undefined;
  return {
    expressions: [
      where,
      ...(filterId === '' ? [] : await filterExpressions(request.sql, filterId, entityType)),
      ...(space === undefined ? [] : [`SpaceID = '${space}'`]),
    ],
    contains: parts.where === undefined ? (request.query['contains'] ?? '') : '',
  };
}

async function filterExpressions(
  sql: Sql,
  filterId: string,
  entityType: string,
): Promise<readonly string[]> {
  const rows = await sql.rows<ItemRow>(
    `SELECT * FROM items WHERE item_id::text = lower($1) AND entity_type = 'Filter'`,
    [filterId],
  );
  const filter = rows[0];
  if (filter === undefined) throw notFound(`filter ${filterId}`);
  const { From: from, Where: where, FromSpaceID: space } = filter.body;
  if (from !== entityType) {
    throw badRequest(`filter ${filter.slug} is for ${String(from)}, not for ${entityType}`);
  }
  return [
    typeof where === 'string' ? where : '',
    ...(typeof space === 'string' ? [`SpaceID = '${space}'`] : []),
  ];
}

/** Case-insensitive search over the header's texts; `true` when nothing is searched. */
export function containsSql(alias: string, contains: string, parameters: unknown[]): string {
  if (contains === '') return 'true';
  parameters.push(`%${contains.replace(/[\\%_]/g, '\\$&')}%`);
  const pattern = `$${parameters.length}`;
  return `(${['slug', 'display_name', 'labels::text', 'annotations::text']
    .map((column) => `${alias}.${column} ILIKE ${pattern}`)
    .join(' OR ')})`;
}

/** Comma list of the query. */
export function listOf(value: string | undefined): ReadonlySet<string> {
  return new Set(
    (value ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  );
}

/**
 * Keeps the selected fields of an envelope: plain names are of its entity, dotted ones (`Space.Slug`) of a neighbour.
 * IDs and slugs always stay, as does everything of a neighbour that no dotted name narrows.
 */
export function selectFields(
  envelope: Readonly<Record<string, unknown>>,
  entity: string,
  selected: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  if (selected.size === 0) return envelope;
  const narrowed = new Map<string, Set<string>>([[entity, new Set()]]);
  for (const name of selected) {
    const [first = '', second] = name.split('.', 2);
    const owner = second === undefined ? entity : first;
    const fields = narrowed.get(owner) ?? new Set();
    narrowed.set(owner, fields.add(second ?? first));
  }
  return Object.fromEntries(
    Object.entries(envelope).map(([key, value]) => {
      const fields = narrowed.get(key);
      return [key, fields === undefined ? value : pick(value, fields)];
    }),
  );
}

function pick(value: unknown, fields: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(
      ([key]) =>
        fields.has(key) || key === 'Slug' || key === 'MutationSources' || key.endsWith('ID'),
    ),
  );
}
