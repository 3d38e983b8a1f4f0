import { badRequest } from './hub-error.ts';
import type { HubRequest } from './request.ts';
import type { EntityModel } from './where/index.ts';

/** One page of a list, generation C: `limit`, `order_by` and `continue` of the query. */
export type Page = {
  readonly limit: number;
  readonly order: readonly { readonly sql: string; readonly descending: boolean }[];
  /** Values of `order` in the last row of the page before. */
  readonly after: readonly string[] | undefined;
};

/** A row with the place it has in the order: JSON of texts, which only the last row's is read of. */
export type Paged<Row> = Row & { readonly page_key?: string };

const MAX_LIMIT = 1000;
const MAX_TOKEN_CHARS = 2000;
// Never null, so that they can be compared with where the last page ended.
const ORDERABLE = ['Slug', 'DisplayName', 'CreatedAt', 'UpdatedAt', 'RevisionNum', 'ReleaseNum'];

/**
 * The page that a request asks for; undefined in the bridge dialect, whose lists are whole. `defaults` is an `order_by`,
 * `tieBreak` the column that makes the order total.
 */
export function pageOf(
  request: HubRequest,
  model: EntityModel,
  { tieBreak, defaults }: { readonly tieBreak: string; readonly defaults: string },
): Page | undefined {
  if (request.dialect === 'bridge') return undefined;
  const order = [
    ...(request.query['order_by'] || defaults)
      .split(',')
      .map((term) => orderOf(model, term.trim())),
    { sql: `${model.alias}.${tieBreak}`, descending: false },
  ];
  const { continue: token = '' } = request.query;
  return {
    limit: limitOf(request.query['limit']),
    order,
    after: token === '' ? undefined : placeOf(token, order.length),
  };
}

/** What a statement needs for a page: a condition, a column, and everything after WHERE. */
export function pageSql(
  page: Page | undefined,
  defaultOrder: string,
  parameters: unknown[],
): { readonly condition: string; readonly column: string; readonly tail: string } {
  if (page === undefined)
    return { condition: 'true', column: '', tail: `ORDER BY ${defaultOrder}` };
  const { order, after, limit } = page;
  const terms = order.map(({ sql, descending }) => `${sql}${descending ? ' DESC' : ''}`);
  return {
    condition: after === undefined ? 'true' : behind(order, after, parameters),
    column: `, json_build_array(${order.map(({ sql }) => `${sql}::text`).join(', ')})::text AS page_key`,
    // One more than asked for tells whether there is another page.
    tail: `ORDER BY ${terms.join(', ')} LIMIT ${limit + 1}`,
  };
}

/** The rows of the page, and the `ConfigHub-Continue` header where there are more. */
export function pageRows<Row>(
  page: Page | undefined,
  rows: readonly Paged<Row>[],
): { readonly rows: readonly Row[]; readonly headers: Readonly<Record<string, string>> } {
  if (page === undefined || rows.length <= page.limit) return { rows, headers: {} };
  const kept = rows.slice(0, page.limit);
  const token = Buffer.from(kept.at(-1)?.page_key ?? '[]', 'utf8');
  return { rows: kept, headers: { 'ConfigHub-Continue': token.toString('base64url') } };
}

function behind(order: Page['order'], after: readonly string[], parameters: unknown[]): string {
  const places = order.map(({ sql, descending }, index) => {
    parameters.push(after[index]);
    // Compared as what the column is: the text came from it.
    const value = `$${parameters.length}`;
    return { sql, value, operator: descending ? '<' : '>' };
  });
  // An index leads to where a row comparison begins.
  if (places.every(({ operator }) => operator === '>')) {
    return `(${places.map(({ sql }) => sql).join(', ')}) > (${places.map(({ value }) => value).join(', ')})`;
  }
  // (a > x) OR (a = x AND b > y) …, which knows descending columns.
  const alternatives = places.map(({ sql, value, operator }, index) => {
    const equal = places.slice(0, index).map((one) => `${one.sql} = ${one.value}`);
    return `(${[...equal, `${sql} ${operator} ${value}`].join(' AND ')})`;
  });
  return `(${alternatives.join(' OR ')})`;
}

function orderOf(model: EntityModel, term: string) {
  const [, direction, name = ''] = /^(?:(ASC|DESC):)?(\w+)$/.exec(term) ?? [];
  const attribute = ORDERABLE.includes(name) ? model.attributes[name] : undefined;
  if (attribute === undefined)
    throw badRequest(`order_by: cannot order by ${JSON.stringify(term)}`);
  return { sql: attribute.sql(model.alias), descending: direction === 'DESC' };
}

function limitOf(text: string | undefined): number {
  if (text === undefined || text === '') return MAX_LIMIT;
  const limit = Number(text);
  if (!/^\d{1,5}$/.test(text) || limit < 1 || limit > MAX_LIMIT) {
    throw badRequest(`limit: from 1 to ${MAX_LIMIT}, not ${text}`);
  }
  return limit;
}

function placeOf(token: string, length: number): readonly string[] {
  const refused = badRequest('continue: not a token of this list');
  if (token.length > MAX_TOKEN_CHARS) throw refused;
  try {
    const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (!Array.isArray(place) || place.length !== length) throw refused;
    return place.map(String);
  } catch {
    throw refused;
  }
}
