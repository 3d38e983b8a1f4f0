import { badRequest } from '../hub-error.ts';

/** `column` counts from 1, for messages. */
export type Token = {
  readonly kind: 'word' | 'string' | 'integer' | 'operator' | 'punctuation' | 'end';
  readonly text: string;
  readonly column: number;
};

const MAX_EXPRESSION_CHARS = 4096;
const MAX_STRING_CHARS = 255;
const MAX_INTEGER_DIGITS = 10;

// Longest first. White space is optional around operators: the official CLI sends `UnitID='…'`.
const OPERATORS = ['!~~', '!~*', '!=', '<=', '>=', '~~', '~*', '!~', '=', '<', '>', '~', '?'];
// A word is an attribute with its relations and label key, or a keyword. `-` and `/` occur in label and gate names.
const WORD = /[A-Za-z0-9_][A-Za-z0-9_.\-/]*/y;
const STRING = /'([^'"\\]*)'/y;
const SPACE = /[ \t]+/y;

/** Splits a WHERE expression; 400 naming the column where it cannot. */
export function tokenize(expression: string): readonly Token[] {
  if (expression.length > MAX_EXPRESSION_CHARS) {
    throw badRequest(`where: longer than ${MAX_EXPRESSION_CHARS} characters`);
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < expression.length) {
    const space = match(SPACE, expression, at);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = tokenAt(expression, at);
    tokens.push(token);
    at += token.kind === 'string' ? token.text.length + 2 : token.text.length;
  }
  tokens.push({ kind: 'end', text: '', column: expression.length + 1 });
  return tokens;
}

function tokenAt(expression: string, at: number): Token {
  const column = at + 1;
  const first = expression.charAt(at);
  if (first === "'") {
    const quoted = match(STRING, expression, at);
    if (quoted === undefined) {
      throw badRequest(
        `where: column ${column}: text is not closed, or holds a quote or a backslash`,
      );
    }
    if (quoted.length - 2 > MAX_STRING_CHARS) {
      throw badRequest(`where: column ${column}: text longer than ${MAX_STRING_CHARS} characters`);
    }
    return { kind: 'string', text: quoted.slice(1, -1), column };
  }
  if (first === '(' || first === ')' || first === ',')
    return { kind: 'punctuation', text: first, column };
  const operator = OPERATORS.find((one) => expression.startsWith(one, at));
  if (operator !== undefined) return { kind: 'operator', text: operator, column };
  const word = match(WORD, expression, at);
  if (word === undefined) {
    throw badRequest(`where: column ${column}: unexpected character ${JSON.stringify(first)}`);
  }
  if (/^[0-9]+$/.test(word)) {
    if (word.length > MAX_INTEGER_DIGITS) {
      throw badRequest(`where: column ${column}: number longer than ${MAX_INTEGER_DIGITS} digits`);
    }
    return { kind: 'integer', text: word, column };
  }
  return { kind: 'word', text: word, column };
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
