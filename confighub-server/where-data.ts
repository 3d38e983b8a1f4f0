import { RE2JS } from 're2js';
import type { JsonValue } from '../drift/json.ts';
import { type DataPath, findPlaces, parseDataPath } from './data-path.ts';
import { badRequest, HubError } from './hub-error.ts';
import { splitDocuments } from './merge/split-documents.ts';

type Condition = {
  readonly path: DataPath;
  readonly operator: string;
  readonly literal: string | number | boolean;
  readonly pattern?: RE2JS;
};

const MAX_EXPRESSION_CHARS = 4096;
// White space before the operator is needed: paths hold `=` themselves (`?name=api`).
const CONDITION =
  /^\s*(\S+)\s+(!~~|!~\*|!=|<=|>=|~~|~\*|!~|=|<|>|~|LIKE|ILIKE|NOT LIKE)\s*('[^'"\\]{0,255}'|\d{1,10}|true|false)\s*(?:\sAND\s|$)/;

/** A test of a unit's data by ConfigHub's `resource_type` (`apps/v1/Deployment`, '' for any) and `where_data`. */
export function compileWhereData(
  resourceType: string,
  expression: string,
): (data: string) => boolean {
  const conditions = parseConditions(expression);
  return (data) =>
    documentsOf(data).some(
      ({ key, value }) =>
        (resourceType === '' || key.startsWith(`${resourceType}/`)) &&
        conditions.every((condition) => holds(condition, value as JsonValue)),
    );
}

// Units of other formats, or with broken YAML, simply hold no such resource.
function documentsOf(data: string) {
  try {
    return splitDocuments(data);
  } catch (error) {
    if (error instanceof HubError) return [];
    throw error;
  }
}

function parseConditions(expression: string): readonly Condition[] {
  if (expression.length > MAX_EXPRESSION_CHARS) {
    throw badRequest(`where_data: longer than ${MAX_EXPRESSION_CHARS} characters`);
  }
  const conditions: Condition[] = [];
  let rest = expression;
  while (rest.trim() !== '') {
    const match = CONDITION.exec(rest);
    const [whole, path, operator, literal] = match ?? [];
    if (
      whole === undefined ||
      path === undefined ||
      operator === undefined ||
      literal === undefined
    ) {
      throw badRequest(
        `where_data: column ${expression.length - rest.length + 1}: expected path, operator, value`,
      );
    }
    conditions.push(conditionOf(path, operator, literal));
    rest = rest.slice(whole.length);
  }
  return conditions;
}

function conditionOf(path: string, operator: string, literal: string): Condition {
  const base = { path: parseDataPath(path), operator };
  if (literal === 'true' || literal === 'false') return { ...base, literal: literal === 'true' };
  if (!literal.startsWith("'")) return { ...base, literal: Number(literal) };
  const text = literal.slice(1, -1);
  const source = patternOf(operator, text);
  if (source === undefined) return { ...base, literal: text };
  try {
    const isFolded = operator.includes('*') || operator === 'ILIKE';
    return {
      ...base,
      literal: text,
      pattern: RE2JS.compile(source, isFolded ? RE2JS.CASE_INSENSITIVE : 0),
    };
  } catch {
    throw badRequest(`where_data: not a regular expression: ${text}`);
  }
}

function patternOf(operator: string, text: string): string | undefined {
  if (['LIKE', 'ILIKE', 'NOT LIKE', '~~', '!~~'].includes(operator)) {
    return `(?s)^${likePattern(text)}$`;
  }
  return operator.includes('~') ? text : undefined;
}

function likePattern(text: string): string {
  return text
    .replace(/[.*+?^${}()|[\]]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
}

function holds(condition: Condition, root: JsonValue): boolean {
  return findPlaces(root, condition.path).some(({ value }) => compare(condition, value));
}

function compare({ operator, literal, pattern }: Condition, value: JsonValue | undefined): boolean {
  if (pattern !== undefined) {
    if (typeof value !== 'string') return false;
    const isNegated = operator.startsWith('!') || operator.startsWith('NOT');
    return pattern.matcher(value).find() !== isNegated;
  }
  // `securityContext.runAsNonRoot != true` is meant to hold where the field is absent.
  if (operator === '!=') return value !== literal;
  if (operator === '=') return value === literal;
  if (typeof value !== typeof literal || typeof value === 'boolean') return false;
  const [left, right] = [value as string | number, literal as string | number];
  switch (operator) {
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    default:
      return left >= right;
  }
}
