import { listOf, type Selection } from './list-query.ts';
import { type Page, type Paged, pageSql } from './paging.ts';
import type { HubRequest } from './request.ts';
import { unitStatement } from './unit-list.ts';

/** Fields that a poll asks for → their columns: numbers, and texts that need no escapes in JSON. */
const NUMBERS: Readonly<Record<string, string>> = {
  Version: 'version',
  HeadRevisionNum: 'head_revision_num',
  LiveRevisionNum: 'live_revision_num',
  LastAppliedRevisionNum: 'last_applied_revision_num',
  PreviousLiveRevisionNum: 'previous_live_revision_num',
  LastReleasedRevisionNum: 'last_released_revision_num',
  UpstreamRevisionNum: 'upstream_revision_num',
};
const TEXTS: Readonly<Record<string, string>> = { DataHash: 'data_hash' };
/** Always sent; those that may be missing are left out then. */
const IDS: Readonly<Record<string, string>> = {
  UnitID: 'unit_id',
  SpaceID: 'space_id',
  OrganizationID: 'organization_id',
  Slug: 'slug',
};
const OPTIONAL_IDS: Readonly<Record<string, string>> = {
  TargetID: 'target_id',
  ChangeSetID: 'change_set_id',
  UpstreamUnitID: 'upstream_unit_id',
  UpstreamSpaceID: 'upstream_space_id',
};
const FIELDS = { ...NUMBERS, ...TEXTS, ...IDS, ...OPTIONAL_IDS };

/** Whether a list asks for so little that Postgres can write its JSON: thousands of units, polled every few seconds. */
export function isPoll({ query }: HubRequest, { dataTests = [] }: Selection): boolean {
  const selected = listOf(query['select']);
  const include = [...listOf(query['include'])].filter((name) => name !== 'SpaceID');
  const isPolled = (name: string) => Object.hasOwn(FIELDS, name) || name === 'Space.Slug';
  return (
    selected.size > 0 &&
    include.length === 0 &&
    dataTests.length === 0 &&
    [...selected].every(isPolled)
  );
}

/** The envelopes of such a list, each as JSON text. */
export async function listPolled(
  request: HubRequest,
  selection: Selection,
  page: Page | undefined,
): Promise<readonly Paged<{ readonly json: string }>[]> {
  const { sql, query, dialect } = request;
  const withSpace = listOf(query['include']).has('SpaceID');
  const { from, where, parameters } = unitStatement(dialect, selection, withSpace ? ['Space'] : []);
  const { condition, column, tail } = pageSql(page, 'unit.slug, unit.unit_id', parameters);
  const selected = listOf(query['select']);
  // Concatenated: building the same with json_build_object takes twice as long.
  const numbers = entries(NUMBERS, selected).map(([name, one]) => `',"${name}":', unit.${one}`);
  const texts = entries({ ...TEXTS, ...IDS }, new Set([...selected, ...Object.keys(IDS)])).map(
    ([name, one]) => `',"${name}":"', unit.${one}, '"'`,
  );
  const optional = Object.entries(
    dialect === 'bridge' ? { ...OPTIONAL_IDS, SetID: 'set_id' } : OPTIONAL_IDS,
  ).map(([name, one]) => `',"${name}":"' || unit.${one} || '"'`);
  const space = withSpace
    ? `, ',"Space":{"SpaceID":"', space.space_id, '","Slug":"', space.slug, '"}'`
    : '';
  // The official CLI needs the list even where it is empty.
  const first = dialect === 'bridge' ? '"MutationSources":[]' : '"EntityType":"Unit"';
  return sql.rows<Paged<{ json: string }>>(
    `SELECT concat('{"Unit":{${first}', ${[...texts, ...optional, ...numbers].join(', ')}, '}'${space}, '}') AS json${column}
     FROM ${from} WHERE ${where} AND ${condition} ${tail}`,
    parameters,
  );
}

function entries(
  columns: Readonly<Record<string, string>>,
  names: ReadonlySet<string>,
): readonly (readonly [string, string])[] {
  return Object.entries(columns).filter(([name]) => names.has(name));
}
