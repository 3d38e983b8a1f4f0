import { badRequest } from '../hub-error.ts';
import type { AttributeName, Comparison, Literal, Operator, Term } from './parse.ts';

export type AttributeType = 'string' | 'integer' | 'uuid' | 'boolean' | 'time' | 'map' | 'list';

/** An allowed attribute: its SQL over the alias of its table, and its type. */
export type Attribute = { readonly sql: (alias: string) => string; readonly type: AttributeType };

export type EntityModel = {
  /** PascalCase entity type; also the prefix that names the entity itself (`Unit.Slug`). */
  readonly name: string;
  readonly alias: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Related entities by name; joined under `alias`. */
  readonly relations: Readonly<
    Record<string, { readonly alias: string; readonly model: EntityModel }>
  >;
};

/** A condition with its parameters, and the relations that the statement must join. */
export type CompiledWhere = {
  readonly sql: string;
  readonly relations: ReadonlySet<string>;
};

type Column = { readonly sql: string; readonly type: AttributeType; readonly label: string };

type Compilation = {
  readonly model: EntityModel;
  readonly parameters: unknown[];
  readonly relations: Set<string>;
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const COMPARABLE: readonly Operator[] = ['=', '!=', '<', '>', '<=', '>='];
const EQUALITY: readonly Operator[] = ['=', '!='];

/**
 * Terms → SQL over the model's alias. Values only ever become parameters, appended to `parameters`; names only ever come
 * from the model. SQL's NULL logic is kept: a missing label matches nothing, `!=` included.
 */
export function compileWhere(
  model: EntityModel,
  terms: readonly Term[],
  parameters: unknown[],
): CompiledWhere {
  const compilation: Compilation = { model, parameters, relations: new Set() };
  const conditions = terms.map((term) => withTruth(compileTerm(compilation, term), term));
  return {
    sql: conditions.length === 0 ? 'true' : conditions.map((one) => `(${one})`).join(' AND '),
    relations: compilation.relations,
  };
}

function compileTerm(compilation: Compilation, term: Term): string {
  const named = resolve(compilation, term.left);
  const left = term.length ? lengthOf(named, term) : named;
  const { comparison } = term;
  switch (comparison.kind) {
    case 'null':
      return `${left.sql} IS ${comparison.negated ? 'NOT ' : ''}NULL`;
    case 'in':
      return compileIn(compilation, left, comparison, term);
    case 'compare':
      return compileCompare(compilation, left, comparison, term);
    case 'compare-attributes': {
      const right = resolve(compilation, comparison.right);
      checkOperator(left, comparison.operator, term);
      if (left.type !== right.type || left.type === 'map' || left.type === 'list') {
        throw badRequest(
          `where: column ${term.column}: ${left.label} (${left.type}) cannot be compared with ${right.label} (${right.type})`,
        );
      }
      return `${left.sql} ${sqlOperator(comparison.operator)} ${right.sql}`;
    }
  }
}

function withTruth(sql: string, term: Term): string {
  if (term.truth === undefined) return sql;
  const { negated, value } = term.truth;
  return `(${sql}) IS ${negated ? 'NOT ' : ''}${value ? 'TRUE' : 'FALSE'}`;
}

function compileCompare(
  compilation: Compilation,
  left: Column,
  comparison: Extract<Comparison, { kind: 'compare' }>,
  term: Term,
): string {
  checkOperator(left, comparison.operator, term);
  if (comparison.operator === '?') {
    if (comparison.right.kind !== 'string') throw wrongType(left, comparison.right, term);
    return `${left.sql} ? ${parameter(compilation, comparison.right.value)}::text`;
  }
  return `${left.sql} ${sqlOperator(comparison.operator)} ${typed(compilation, left, comparison.right, term)}`;
}

function compileIn(
  compilation: Compilation,
  left: Column,
  comparison: Extract<Comparison, { kind: 'in' }>,
  term: Term,
): string {
  if (!['string', 'integer', 'uuid'].includes(left.type)) {
    throw badRequest(`where: column ${term.column}: IN does not work on ${left.label}`);
  }
  const values = comparison.values.map((value) => typed(compilation, left, value, term));
  return `${left.sql} ${comparison.negated ? 'NOT IN' : 'IN'} (${values.join(', ')})`;
}

function lengthOf(column: Column, term: Term): Column {
  const label = `LEN(${column.label})`;
  switch (column.type) {
    case 'list':
      return { sql: `jsonb_array_length(${column.sql})`, type: 'integer', label };
    case 'map':
      return {
        sql: `(SELECT count(*) FROM jsonb_object_keys(${column.sql}))`,
        type: 'integer',
        label,
      };
    case 'string':
      return { sql: `char_length(${column.sql})`, type: 'integer', label };
    default:
      throw badRequest(`where: column ${term.column}: LEN does not work on ${column.label}`);
  }
}

function checkOperator(left: Column, operator: Operator, term: Term): void {
  const allowed: Readonly<Record<AttributeType, (operator: Operator) => boolean>> = {
    string: (one) => one !== '?',
    integer: (one) => COMPARABLE.includes(one),
    time: (one) => COMPARABLE.includes(one),
    uuid: (one) => EQUALITY.includes(one),
    boolean: (one) => EQUALITY.includes(one),
    list: (one) => one === '?',
    map: (one) => one === '?',
  };
  if (!allowed[left.type](operator)) {
    throw badRequest(
      `where: column ${term.column}: operator ${operator} does not work on ${left.label} (${left.type})`,
    );
  }
}

// `~` reaches Postgres's own engine: the grammar knows no backslash, so no back-reference, which is what makes it slow.
function sqlOperator(operator: Operator): string {
  return operator === '!=' ? '<>' : operator;
}

function typed(compilation: Compilation, left: Column, literal: Literal, term: Term): string {
  switch (left.type) {
    case 'integer':
      if (literal.kind !== 'integer') throw wrongType(left, literal, term);
      return `${parameter(compilation, literal.value)}::bigint`;
    case 'boolean':
      if (literal.kind !== 'boolean') throw wrongType(left, literal, term);
      return `${parameter(compilation, literal.value)}::boolean`;
    case 'uuid':
      if (literal.kind !== 'string' || !UUID.test(literal.value)) {
        throw wrongType(left, literal, term);
      }
      return `${parameter(compilation, literal.value)}::uuid`;
    case 'time':
      if (literal.kind !== 'string' || Number.isNaN(Date.parse(literal.value))) {
        throw wrongType(left, literal, term);
      }
      return `${parameter(compilation, new Date(withZone(literal.value)).toISOString())}::timestamptz`;
    default:
      if (literal.kind !== 'string') throw wrongType(left, literal, term);
      return `${parameter(compilation, literal.value)}::text`;
  }
}

// Times without a zone are UTC, as in ConfigHub's own examples.
function withZone(time: string): string {
  return /T.*(Z|[+-]\d\d:?\d\d)$/.test(time) || !time.includes('T') ? time : `${time}Z`;
}

function parameter(compilation: Compilation, value: unknown): string {
  compilation.parameters.push(value);
  return `$${compilation.parameters.length}`;
}

function resolve(compilation: Compilation, attribute: AttributeName): Column {
  const { model } = compilation;
  const own = attributeOf(model, model.alias, attribute.name, compilation);
  if (own !== undefined) return { ...own, label: attribute.name };
  const dot = attribute.name.indexOf('.');
  const prefix = dot < 0 ? '' : attribute.name.slice(0, dot);
  const rest = attribute.name.slice(dot + 1);
  const relation =
    prefix === model.name
      ? { alias: model.alias, model }
      : Object.hasOwn(model.relations, prefix)
        ? model.relations[prefix]
        : undefined;
  const related =
    relation === undefined
      ? undefined
      : attributeOf(relation.model, relation.alias, rest, compilation);
  if (related === undefined) {
    throw badRequest(
      `where: column ${attribute.column}: invalid attribute name ${JSON.stringify(attribute.name)} for ${model.name}`,
    );
  }
  if (prefix !== model.name) compilation.relations.add(prefix);
  return { ...related, label: attribute.name };
}

function attributeOf(
  model: EntityModel,
  alias: string,
  name: string,
  compilation: Compilation,
): Omit<Column, 'label'> | undefined {
  if (Object.hasOwn(model.attributes, name)) {
    const attribute = model.attributes[name];
    if (attribute !== undefined) return { sql: attribute.sql(alias), type: attribute.type };
  }
  const dot = name.indexOf('.');
  const map = name.slice(0, Math.max(dot, 0));
  const key = name.slice(dot + 1);
  if (key === '' || !Object.hasOwn(model.attributes, map)) return undefined;
  const attribute = model.attributes[map];
  if (attribute?.type !== 'map') return undefined;
  const value = `(${attribute.sql(alias)} ->> ${parameter(compilation, key)}::text)`;
  return map === 'ApplyGates'
    ? { sql: `${value}::boolean`, type: 'boolean' }
    : { sql: value, type: 'string' };
}

function wrongType(left: Column, literal: Literal, term: Term): Error {
  return badRequest(
    `where: column ${term.column}: ${left.label} is of type ${left.type}, ${JSON.stringify(literal.value)} is not`,
  );
}
