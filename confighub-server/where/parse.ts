import { badRequest } from '../hub-error.ts';
import { type Token, tokenize } from './tokens.ts';

export type Literal =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean };

export type AttributeName = { readonly name: string; readonly column: number };

export type Operator =
  | '='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | 'LIKE'
  | 'NOT LIKE'
  | 'ILIKE'
  | '~'
  | '~*'
  | '!~'
  | '!~*'
  | '?';

export type Comparison =
  | { readonly kind: 'compare'; readonly operator: Operator; readonly right: Literal }
  | {
      readonly kind: 'compare-attributes';
      readonly operator: Operator;
      readonly right: AttributeName;
    }
  | { readonly kind: 'in'; readonly negated: boolean; readonly values: readonly Literal[] }
  | { readonly kind: 'null'; readonly negated: boolean };

export type Term = {
  readonly left: AttributeName;
  /** `LEN(attribute)` */
  readonly length: boolean;
  readonly comparison: Comparison;
  readonly column: number;
  /** `… IS TRUE`, `IS NOT FALSE`, …: how SQL's unknown is read. */
  readonly truth?: { readonly negated: boolean; readonly value: boolean };
};

const MAX_TERMS = 64;
const MAX_LIST = 1000;

const OPERATOR_OF: Readonly<Record<string, Operator>> = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  LIKE: 'LIKE',
  ILIKE: 'ILIKE',
  '~~': 'LIKE',
  '!~~': 'NOT LIKE',
  '~': '~',
  '~*': '~*',
  '!~': '!~',
  '!~*': '!~*',
  '?': '?',
};

type Cursor = { readonly tokens: readonly Token[]; at: number };

/** Parses ConfigHub's flat AND grammar. An empty expression gives no terms; anything wrong is a 400 with its column. */
export function parseWhere(expression: string): readonly Term[] {
  const cursor: Cursor = { tokens: tokenize(expression), at: 0 };
  const terms: Term[] = [];
  if (peek(cursor).kind === 'end') return terms;
  for (;;) {
    terms.push(parseTerm(cursor));
    if (terms.length > MAX_TERMS) throw badRequest(`where: more than ${MAX_TERMS} terms`);
    const token = next(cursor);
    if (token.kind === 'end') return terms;
    if (!isWord(token, 'AND')) throw unexpected(token, 'AND');
  }
}

function parseTerm(cursor: Cursor): Term {
  const column = peek(cursor).column;
  const length = isWord(peek(cursor), 'LEN') && peek(cursor, 1).text === '(';
  if (length) {
    cursor.at += 2;
    const left = parseAttribute(cursor);
    expect(cursor, ')');
    return withTruth(cursor, { left, length, comparison: parseComparison(cursor), column });
  }
  const left = parseAttribute(cursor);
  return withTruth(cursor, { left, length, comparison: parseComparison(cursor), column });
}

function parseAttribute(cursor: Cursor): AttributeName {
  const token = next(cursor);
  if (token.kind !== 'word') {
    throw badRequest(
      `where: column ${token.column}: invalid attribute name ${JSON.stringify(token.text)}`,
    );
  }
  return { name: token.text, column: token.column };
}

function parseComparison(cursor: Cursor): Comparison {
  const token = next(cursor);
  if (isWord(token, 'IS')) return parseNullTest(cursor);
  if (isWord(token, 'IN')) return { kind: 'in', negated: false, values: parseList(cursor) };
  if (isWord(token, 'NOT')) {
    const after = next(cursor);
    if (isWord(after, 'IN')) return { kind: 'in', negated: true, values: parseList(cursor) };
    if (isWord(after, 'LIKE')) return parseRight(cursor, 'NOT LIKE');
    throw unexpected(after, 'IN or LIKE');
  }
  const operator = Object.hasOwn(OPERATOR_OF, token.text) ? OPERATOR_OF[token.text] : undefined;
  if (operator === undefined || token.kind === 'string') throw unexpected(token, 'an operator');
  return parseRight(cursor, operator);
}

function parseRight(cursor: Cursor, operator: Operator): Comparison {
  const literal = literalOf(peek(cursor));
  if (literal !== undefined) {
    cursor.at += 1;
    return { kind: 'compare', operator, right: literal };
  }
  return { kind: 'compare-attributes', operator, right: parseAttribute(cursor) };
}

function parseNullTest(cursor: Cursor): Comparison {
  const negated = takeWord(cursor, 'NOT');
  const token = next(cursor);
  if (!isWord(token, 'NULL')) throw unexpected(token, 'NULL');
  return { kind: 'null', negated };
}

function withTruth(cursor: Cursor, term: Term): Term {
  if (!takeWord(cursor, 'IS')) return term;
  const negated = takeWord(cursor, 'NOT');
  const token = next(cursor);
  const value = token.text.toUpperCase();
  if (token.kind !== 'word' || (value !== 'TRUE' && value !== 'FALSE')) {
    throw unexpected(token, 'TRUE or FALSE');
  }
  return { ...term, truth: { negated, value: value === 'TRUE' } };
}

function parseList(cursor: Cursor): readonly Literal[] {
  expect(cursor, '(');
  const values: Literal[] = [];
  for (;;) {
    const token = next(cursor);
    const literal = literalOf(token);
    if (literal === undefined) throw unexpected(token, 'a value');
    values.push(literal);
    if (values.length > MAX_LIST) throw badRequest(`where: more than ${MAX_LIST} values in a list`);
    const separator = next(cursor);
    if (separator.text === ')' && separator.kind === 'punctuation') return values;
    if (separator.text !== ',') throw unexpected(separator, ', or )');
  }
}

function literalOf(token: Token): Literal | undefined {
  if (token.kind === 'string') return { kind: 'string', value: token.text };
  if (token.kind === 'integer') return { kind: 'integer', value: Number(token.text) };
  if (isWord(token, 'true')) return { kind: 'boolean', value: true };
  if (isWord(token, 'false')) return { kind: 'boolean', value: false };
  return undefined;
}

function peek(cursor: Cursor, ahead = 0): Token {
  return cursor.tokens[cursor.at + ahead] ?? { kind: 'end', text: '', column: 0 };
}

function next(cursor: Cursor): Token {
  const token = peek(cursor);
  cursor.at += 1;
  return token;
}

function takeWord(cursor: Cursor, word: string): boolean {
  if (!isWord(peek(cursor), word)) return false;
  cursor.at += 1;
  return true;
}

function expect(cursor: Cursor, punctuation: string): void {
  const token = next(cursor);
  if (token.kind !== 'punctuation' || token.text !== punctuation) {
    throw unexpected(token, punctuation);
  }
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'word' && token.text === word;
}

function unexpected(token: Token, wanted: string): Error {
  const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.text);
  return badRequest(`where: column ${token.column}: expected ${wanted}, found ${found}`);
}
