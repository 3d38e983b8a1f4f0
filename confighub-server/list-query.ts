import { z } from 'zod';
import type { Sql } from './database.ts';
import { badRequest, notFound } from './hub-error.ts';
import { type HubRequest, pathId } from './request.ts';
import { compileWhereData } from './where-data.ts';
import type { ItemRow } from './wire.ts';

/** What every list and bulk call may be narrowed by. */
export type Selection = {
  /** WHERE expressions, ANDed. */
  readonly expressions: readonly string[];
  readonly contains: string;
  /** Tests of the units' data, ANDed; each document that counts has to pass one whole test. */
  readonly dataTests?: readonly ((data: string) => boolean)[];
};

/** `where`, `filter` (its expression joins the others) and `contains` of the query, with the space of the path. */
export async function selectionOf(
  request: HubRequest,
  entityType: string,
  parts: { readonly where?: string; readonly filter?: string } = {},
): Promise<Selection> {
  const where = request.query[parts.where ?? 'where'] ?? '';
  const filterId = request.query[parts.filter ?? 'filter'] ?? '';
  const filter = filterId === '' ? undefined : await readFilter(request.sql, filterId, entityType);
  const space = 'space_id' in request.params ? pathId(request, 'space_id') : undefined;
  const { resource_type: resourceType = '', where_data: whereData = '' } = request.query;
  return {
    expressions: [
      where,
      filter?.Where ?? '',
      filter?.FromSpaceID ? `SpaceID = '${filter.FromSpaceID}'` : '',
      space === undefined ? '' : `SpaceID = '${space}'`,
    ],
    contains: parts.where === undefined ? (request.query['contains'] ?? '') : '',
    dataTests:
      entityType === 'Unit'
        ? [
            ...dataTest(resourceType, whereData),
            ...dataTest(filter?.ResourceType ?? '', filter?.WhereData ?? ''),
          ]
        : [],
  };
}

function dataTest(resourceType: string, whereData: string): readonly ((data: string) => boolean)[] {
  if (resourceType === '' && whereData === '') return [];
  return [compileWhereData(resourceType, whereData)];
}

const filterBody = z.object({
  From: z.string(),
  Where: z.string().nullish(),
  WhereData: z.string().nullish(),
  ResourceType: z.string().nullish(),
  FromSpaceID: z.string().nullish(),
});

async function readFilter(
  sql: Sql,
  filterId: string,
  entityType: string,
): Promise<z.infer<typeof filterBody>> {
  const rows = await sql.rows<ItemRow>(
    `SELECT * FROM items WHERE item_id::text = lower($1) AND entity_type = 'Filter'`,
    [filterId],
  );
  const filter = rows[0];
  if (filter === undefined) throw notFound(`filter ${filterId}`);
  const body = filterBody.parse(filter.body);
  if (body.From !== entityType) {
    throw badRequest(`filter ${filter.slug} is for ${body.From}, not for ${entityType}`);
  }
  return body;
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
 * Keeps the selected fields of envelopes: plain names are of their entity, dotted ones (`Space.Slug`) of a neighbour. IDs and
 * slugs always stay, as does everything of a neighbour that no dotted name narrows.
 */
export function fieldSelector(
  entity: string,
  select: string | undefined,
): (envelope: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>> {
  const selected = listOf(select);
  if (selected.size === 0) return (envelope) => envelope;
  const narrowed = new Map<string, Set<string>>([[entity, new Set()]]);
  for (const name of selected) {
    const [first = '', second] = name.split('.', 2);
    const owner = second === undefined ? entity : first;
    const fields = narrowed.get(owner) ?? new Set();
    narrowed.set(owner, fields.add(second ?? first));
  }
  return (envelope) => {
    const kept: Record<string, unknown> = {};
    for (const key of Object.keys(envelope)) {
      const fields = narrowed.get(key);
      kept[key] = fields === undefined ? envelope[key] : pick(envelope[key], fields);
    }
    return kept;
  };
}

function pick(value: unknown, fields: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const always = key === 'Slug' || key === 'MutationSources' || key.endsWith('ID');
    if (always || fields.has(key)) kept[key] = field;
  }
  return kept;
}
