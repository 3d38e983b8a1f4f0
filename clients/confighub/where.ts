import { AppError } from '../../lib/errors.ts';

/** A WHERE expression that only this file can make, so that no value ever becomes syntax. */
export type Where = { readonly expression: string; readonly [made]: true };

declare const made: unique symbol;

type Value = string | number | boolean;

// The grammar's limits (ConfigHub, August 2025): no escape syntax exists, so these characters cannot be sent.
const MAX_STRING_CHARS = 255;
const MAX_EXPRESSION_CHARS = 4096;
const FORBIDDEN_IN_STRING = /['"\\\p{Cc}]/u;
const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]([-_./A-Za-z0-9]*[A-Za-z0-9])?)*$/;

/** `attribute = value`. Attributes may go through a relation (`Space.Slug`) or name a label (`Labels.tier`). */
export function equals(attribute: string, value: Value): Where {
  return expression(`${named(attribute)} = ${literal(value)}`);
}

export function notEquals(attribute: string, value: Value): Where {
  return expression(`${named(attribute)} != ${literal(value)}`);
}

export function greaterThan(attribute: string, value: number | string): Where {
  return expression(`${named(attribute)} > ${literal(value)}`);
}

/** `first <= attribute <= last`, in the server's order of texts. */
export function between(attribute: string, first: string, last: string): Where {
  return expression(
    `${named(attribute)} >= ${literal(first)} AND ${named(attribute)} <= ${literal(last)}`,
  );
}

/** `left < right`, both attributes, e.g. `UpstreamRevisionNum` and `UpstreamUnit.HeadRevisionNum`. */
export function lessThanAttribute(left: string, right: string): Where {
  return expression(`${named(left)} < ${named(right)}`);
}

/** `attribute IN (…)`. The list must not be empty: an empty one would select nothing and hide a mistake. */
export function isIn(attribute: string, values: readonly Value[]): Where {
  if (values.length === 0) {
    throw new AppError('INVALID_INPUT', `no values to compare ${attribute} with`);
  }
  return expression(`${named(attribute)} IN (${values.map(literal).join(', ')})`);
}

export function isNull(attribute: string): Where {
  return expression(`${named(attribute)} IS NULL`);
}

export function isNotNull(attribute: string): Where {
  return expression(`${named(attribute)} IS NOT NULL`);
}

/** All of them; the grammar knows no OR. */
export function allOf(first: Where, ...rest: readonly Where[]): Where {
  return expression([first, ...rest].map((one) => one.expression).join(' AND '));
}

/** An expression that a person wrote as a whole (a Filter's `Where`, a command line option). Never join values into it. */
export function writtenByPerson(text: string): Where {
  return expression(text);
}

/** The names that an attribute has on a server of the release dialect, which numbers releases instead of applies. */
const RELEASE_NAMES = /\b(?:LiveRevisionNum|LastAppliedRevisionNum)\b/g;

/** The same expression as a release dialect server understands it; texts in quotes stay. */
export function inReleaseTerms(where: Where): Where {
  const parts = where.expression.split(/('[^']*')/);
  return expression(
    parts
      .map((part) =>
        part.startsWith("'") ? part : part.replace(RELEASE_NAMES, 'LastReleasedRevisionNum'),
      )
      .join(''),
  );
}

function expression(text: string): Where {
  if (text.length > MAX_EXPRESSION_CHARS) {
    throw new AppError(
      'INVALID_INPUT',
      `the WHERE expression has ${text.length} characters, ConfigHub takes ${MAX_EXPRESSION_CHARS}`,
    );
  }
  return { expression: text } as Where;
}

function named(attribute: string): string {
  if (!ATTRIBUTE.test(attribute)) {
    throw new AppError('INVALID_INPUT', `not an attribute of a WHERE expression: ${attribute}`);
  }
  return attribute;
}

function literal(value: Value): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0 || value > 9_999_999_999) {
      throw new AppError(
        'INVALID_INPUT',
        `ConfigHub compares with whole numbers only, not ${value}`,
      );
    }
    return String(value);
  }
  if (value.length > MAX_STRING_CHARS) {
    throw new AppError(
      'INVALID_INPUT',
      `a text of ${value.length} characters is too long for a WHERE expression (${MAX_STRING_CHARS})`,
    );
  }
  if (FORBIDDEN_IN_STRING.test(value)) {
    throw new AppError(
      'INVALID_INPUT',
      `a WHERE expression cannot hold quotes, backslashes or control characters: ${JSON.stringify(value)}`,
    );
  }
  return `'${value}'`;
}
