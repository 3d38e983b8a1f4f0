import type { Sql } from './database.ts';
import type { Dialect } from './dialect.ts';
import { badRequest } from './hub-error.ts';
import { containsSql, fieldSelector, listOf, type Selection } from './list-query.ts';
import { unitModel } from './models.ts';
import { type Page, type Paged, pageSql } from './paging.ts';
import type { HubRequest } from './request.ts';
import type { RevisionRow } from './revisions.ts';
import {
  type FullUnitRow,
  type UnitParts,
  type UnitRow,
  unitColumns,
  WHOLE_UNIT,
} from './unit-row.ts';
import { whereSql } from './where/index.ts';
import {
  type EventRow,
  eventJson,
  type ItemRow,
  itemJson,
  organizationJson,
  revisionJson,
  type SpaceRow,
  spaceJson,
  unitJson,
  unitStatusJson,
} from './wire.ts';

const JOINS: Readonly<Record<string, string>> = {
  Space: 'JOIN spaces space ON space.space_id = unit.space_id',
  UpstreamUnit: 'LEFT JOIN units upstream_unit ON upstream_unit.unit_id = unit.upstream_unit_id',
  UpstreamSpace:
    'LEFT JOIN spaces upstream_space ON upstream_space.space_id = unit.upstream_space_id',
  Target: 'LEFT JOIN items target ON target.item_id = unit.target_id',
  Set: 'LEFT JOIN items unit_set ON unit_set.item_id = unit.set_id',
  ChangeSet: 'LEFT JOIN items change_set ON change_set.item_id = unit.change_set_id',
};

type Statement = { readonly from: string; readonly where: string; readonly parameters: unknown[] };

/** FROM and WHERE of a list of units; `joined` names relations that are needed beside those of the expressions. */
export function unitStatement(
  dialect: Dialect,
  selection: Selection,
  joined: readonly string[] = [],
): Statement {
  const parameters: unknown[] = [];
  const { sql, relations } = whereSql(unitModel(dialect), selection.expressions, parameters);
  const contains = containsSql('unit', selection.contains, parameters);
  const joins = [...new Set([...relations, ...joined])].map((name) => JOINS[name] ?? '');
  return { from: `units unit ${joins.join(' ')}`, where: `${sql} AND ${contains}`, parameters };
}

/** Units by slug, with data and live state only where asked. */
export async function listUnits(
  { sql, dialect }: Pick<HubRequest, 'sql' | 'dialect'>,
  selection: Selection,
  parts: UnitParts,
  page?: Page,
): Promise<readonly Paged<UnitRow>[]> {
  const { from, where, parameters } = unitStatement(dialect, selection);
  const tests = selection.dataTests ?? [];
  const columns = unitColumns('unit', { ...parts, data: parts.data || tests.length > 0 });
  const { condition, column, tail } = pageSql(page, 'unit.slug, unit.unit_id', parameters);
  const units = await sql.rows<Paged<UnitRow>>(
    `SELECT ${columns}${column} FROM ${from} WHERE ${where} AND ${condition} ${tail}`,
    parameters,
  );
  return units.filter((unit) => passes(unit, tests));
}

/** Default order of a paged list. */
export const UNIT_ORDER = { tieBreak: 'unit_id', defaults: 'Slug' };

function passes(unit: UnitRow, tests: readonly ((data: string) => boolean)[]): boolean {
  if (tests.length === 0) return true;
  const data = unit.data?.toString('utf8') ?? '';
  return tests.every((test) => test(data));
}

/**
 * The selected units, locked in one order everywhere, so that two bulk calls cannot block each other. They are selected
 * anew after the lock: somebody may have changed them while this waited.
 */
export async function lockUnits(
  { sql, dialect }: Pick<HubRequest, 'sql' | 'dialect'>,
  selection: Selection,
): Promise<readonly FullUnitRow[]> {
  const { from, where, parameters } = unitStatement(dialect, selection);
  const found = await sql.rows<{ unit_id: string }>(
    `SELECT unit.unit_id FROM ${from} WHERE ${where}`,
    parameters,
  );
  const ids = found.map((row) => row.unit_id);
  await sql.rows('SELECT 1 FROM units WHERE unit_id = ANY($1) ORDER BY unit_id FOR UPDATE', [ids]);
  const units = await sql.rows<FullUnitRow>(
    `SELECT ${unitColumns('unit', WHOLE_UNIT)} FROM ${from}
     WHERE ${where} AND unit.unit_id = ANY($${parameters.length + 1}) ORDER BY unit.slug, unit.unit_id`,
    [...parameters, ids],
  );
  return units.filter((unit) => passes(unit, selection.dataTests ?? []));
}

/** Extended envelopes: `{Unit, Space?, UpstreamUnit?, …}` by the `include` and `select` of the query. */
export async function extendUnits(
  { sql, dialect, query }: HubRequest,
  units: readonly UnitRow[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const include = listOf(query['include']);
  const select = fieldSelector('Unit', query['select']);
  const spaces = await neighbours(
    sql,
    'spaces',
    'space_id',
    [
      ...(include.has('SpaceID') ? units.map((unit) => unit.space_id) : []),
      ...(include.has('UpstreamSpaceID') ? units.map((unit) => unit.upstream_space_id) : []),
    ],
    (row: SpaceRow) => spaceJson(row, dialect),
  );
  const upstreams = include.has('UpstreamUnitID')
    ? await upstreamUnits({ sql, dialect }, units, query['select'] === undefined)
    : new Map<string, object>();
  const items = await neighbours(
    sql,
    'items',
    'item_id',
    [
      ...(include.has('TargetID') ? units.map((unit) => unit.target_id) : []),
      ...(include.has('SetID') ? units.map((unit) => unit.set_id) : []),
      ...(include.has('ChangeSetID') ? units.map((unit) => unit.change_set_id) : []),
    ],
    itemJson,
  );
  const events = include.has('UnitEventID') ? await latestEvents(sql, units) : undefined;
  const revisions = await includedRevisions({ sql, dialect }, units, include);
  return units.map((unit) => {
    const latest = events?.get(unit.unit_id);
    const envelope = {
      Unit: unitJson(unit, dialect),
      ...(include.has('SpaceID') ? { Space: spaces.get(unit.space_id) } : {}),
      ...some('UpstreamUnit', upstreams.get(unit.upstream_unit_id ?? '')),
      ...some(
        'UpstreamSpace',
        include.has('UpstreamSpaceID') ? spaces.get(unit.upstream_space_id ?? '') : undefined,
      ),
      ...some('Target', items.get(unit.target_id ?? '')),
      ...some('Set', items.get(unit.set_id ?? '')),
      ...some('ChangeSet', items.get(unit.change_set_id ?? '')),
      ...some('Organization', include.has('OrganizationID') ? organizationJson() : undefined),
      ...some('LatestUnitEvent', latest === undefined ? undefined : eventJson(latest)),
      ...some(
        'UnitStatus',
        events === undefined || dialect === 'release' ? undefined : unitStatusJson(unit, latest),
      ),
      ...revisions(unit),
    };
    return select(envelope);
  });
}

/** The parts of the units that the `select` of the query leaves in. */
export function selectedParts({ query, dialect }: HubRequest): UnitParts {
  const selected = listOf(query['select']);
  const isBridge = dialect === 'bridge';
  for (const name of isBridge ? [] : NOT_SELECTABLE) {
    if (selected.has(name))
      throw badRequest(`select: ${name} is not a field of this server's units`);
  }
  const wants = (field: string) =>
    selected.size === 0 || selected.has(field) || selected.has(`Unit.${field}`);
  return {
    data: isBridge && wants('Data'),
    liveState: isBridge && wants('LiveState'),
    mutations: isBridge && wants('MutationSources'),
    metadata: METADATA_FIELDS.some(wants),
  };
}

const NOT_SELECTABLE = ['Data', 'MutationSources', 'LiveState', 'LiveRevisionNum'] as const;
const METADATA_FIELDS = [
  'Labels',
  'Annotations',
  'ApplyGates',
  'ApprovedBy',
  'DisplayName',
  'LastChangeDescription',
  'Conflicts',
] as const;

async function neighbours<Row extends SpaceRow | ItemRow>(
  sql: Sql,
  table: 'spaces' | 'items',
  column: 'space_id' | 'item_id',
  ids: readonly (string | null)[],
  json: (row: Row) => object,
): Promise<ReadonlyMap<string, object>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  if (wanted.length === 0) return new Map();
  const rows = await sql.rows<Row & { key: string }>(
    `SELECT *, ${column} AS key FROM ${table} WHERE ${column} = ANY($1)`,
    [wanted],
  );
  return new Map(rows.map((row) => [row.key, json(row)]));
}

async function upstreamUnits(
  { sql, dialect }: Pick<HubRequest, 'sql' | 'dialect'>,
  units: readonly UnitRow[],
  whole: boolean,
): Promise<ReadonlyMap<string, object>> {
  const ids = [...new Set(units.flatMap((unit) => unit.upstream_unit_id ?? []))];
  if (ids.length === 0) return new Map();
  const rows = await sql.rows<UnitRow>(
    `SELECT ${unitColumns('unit', { data: whole, liveState: whole, metadata: true, mutations: false })} FROM units unit WHERE unit_id = ANY($1)`,
    [ids],
  );
  return new Map(rows.map((row) => [row.unit_id, unitJson(row, dialect)]));
}

async function latestEvents(
  sql: Sql,
  units: readonly UnitRow[],
): Promise<ReadonlyMap<string, EventRow>> {
  const rows = await sql.rows<EventRow>(
    `SELECT DISTINCT ON (unit_id) * FROM unit_events WHERE unit_id = ANY($1) ORDER BY unit_id, sequence DESC`,
    [units.map((unit) => unit.unit_id)],
  );
  return new Map(rows.map((row) => [row.unit_id, row]));
}

const REVISION_INCLUDES = {
  HeadRevisionNum: { field: 'HeadRevision', column: 'head_revision_num' },
  LiveRevisionNum: { field: 'LiveRevision', column: 'live_revision_num' },
  LastAppliedRevisionNum: { field: 'LastAppliedRevision', column: 'last_applied_revision_num' },
  LastReleasedRevisionNum: { field: 'LastReleasedRevision', column: 'last_released_revision_num' },
} as const;

async function includedRevisions(
  { sql, dialect }: Pick<HubRequest, 'sql' | 'dialect'>,
  units: readonly UnitRow[],
  include: ReadonlySet<string>,
): Promise<(unit: UnitRow) => Readonly<Record<string, unknown>>> {
  const wanted = Object.entries(REVISION_INCLUDES).filter(([name]) => include.has(name));
  if (wanted.length === 0) return () => ({});
  const rows = await sql.rows<RevisionRow>(
    `SELECT r.* FROM revisions r JOIN units u ON u.unit_id = r.unit_id
     WHERE r.unit_id = ANY($1) AND r.revision_num IN (${wanted.map(([, one]) => `u.${one.column}`).join(', ')})`,
    [units.map((unit) => unit.unit_id)],
  );
  const byNumber = new Map(
    rows.map((row) => [`${row.unit_id}/${row.revision_num}`, revisionJson(row, dialect)]),
  );
  return (unit) =>
    Object.assign(
      {},
      ...wanted.map(([, one]) =>
        some(one.field, byNumber.get(`${unit.unit_id}/${unit[one.column]}`)),
      ),
    );
}

function some(name: string, value: object | undefined): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value };
}
