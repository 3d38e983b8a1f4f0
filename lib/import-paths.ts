import { renderField, renderItem } from '../drift/field-path.ts';
import { compileTextPattern } from '../drift/text-pattern.ts';

/** Maps whose entries other tools walk like lists. */
const MAPS = new Set([
  'data',
  'binaryData',
  'labels',
  'annotations',
  'nodeSelector',
  'matchLabels',
]);

/**
 * A JSON Pointer (RFC 6901) as a field path pattern: `/metadata/annotations/a~1b` → `metadata.annotations.a/b`. Throws a
 * SyntaxError for indexes: they mean another item as soon as somebody inserts one.
 */
export function pathOfPointer(pointer: string): string {
  if (pointer === '') return '**';
  if (!pointer.startsWith('/')) throw new SyntaxError(`"${pointer}" is no JSON Pointer`);
  const names = pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return joined(
    names.map((name, at) => {
      if (name === '') throw new SyntaxError(`JSON Pointer "${pointer}" has an empty step`);
      const isIndex = /^(?:\d+|-)$/.test(name) && !MAPS.has(names[at - 1] ?? '');
      if (isIndex) throw byIndex(`JSON Pointer "${pointer}"`, name);
      return renderField(name);
    }),
  );
}

const FIELD = /^\.\s*([A-Za-z_$][A-Za-z0-9_$]*)/;
const QUOTED_FIELD = /^(?:\.\s*)?(?:\[\s*)?("(?:[^"\\]|\\.)*")(\s*\])?/;
const EVERY = /^\.?\[\s*\]/;
const INDEX = /^\.?\[\s*(-?\d+)\s*\]/;
const SELECT =
  /^\|\s*select\(\s*\.([A-Za-z0-9_]+)\s*(?:==\s*("(?:[^"\\]|\\.)*"|\d+)|\|\s*(startswith|test)\(\s*("(?:[^"\\]|\\.)*")\s*\))\s*\)/;

/**
 * The simple forms of a jq path expression as a field path pattern: fields, `["quoted"]`, `[]`, and `| select(.name == "x")`,
 * `startswith` or `test` behind `[]`. Throws a SyntaxError that names what cannot be said here.
 */
export function pathOfJq(expression: string): string {
  const pieces: string[] = [];
  let lastField = '';
  let rest = expression.trim();
  while (rest !== '') {
    const select = SELECT.exec(rest);
    if (select) {
      if (pieces.at(-1) !== '[*]') throw notSimple(expression, rest);
      pieces[pieces.length - 1] = itemPiece(select, expression);
    }
    const step = select ?? readStep(rest, expression);
    if (!select) {
      const { piece, field } = pieceOf(step, lastField, expression);
      pieces.push(piece);
      lastField = field;
    }
    rest = rest.slice(step[0].length).trimStart();
    if (rest.startsWith('?')) rest = rest.slice(1).trimStart();
    if (/^\|\s*\./.test(rest)) rest = rest.slice(1).trimStart();
  }
  if (pieces.length === 0) throw notSimple(expression, expression);
  return joined(pieces);
}

function readStep(rest: string, expression: string): RegExpExecArray {
  const index = INDEX.exec(rest);
  if (index) throw byIndex(`jq expression "${expression}"`, index[1] ?? '');
  const found = EVERY.exec(rest) ?? FIELD.exec(rest);
  if (found) return found;
  const quoted = QUOTED_FIELD.exec(rest);
  const isClosed = quoted?.[0].includes('[') === (quoted?.[2] !== undefined);
  const isStep = quoted && isClosed && /^[.[]/.test(rest);
  if (!isStep) throw notSimple(expression, rest);
  return quoted;
}

function pieceOf(
  step: RegExpExecArray,
  lastField: string,
  expression: string,
): { piece: string; field: string } {
  const name = step[1];
  if (name === undefined) return { piece: MAPS.has(lastField) ? '.*' : '[*]', field: '' };
  const field = name.startsWith('"') ? unquoted(name, expression) : name;
  return { piece: renderField(field), field };
}

function itemPiece(select: RegExpExecArray, expression: string): string {
  const [, key = '', equal, how, text = ''] = select;
  if (equal !== undefined) {
    const value = equal.startsWith('"') ? unquoted(equal, expression) : equal;
    if (value.startsWith('~')) throw notSimple(expression, equal);
    return renderItem([[key, value]]);
  }
  const argument = unquoted(text, expression);
  const pattern =
    how === 'test'
      ? argument
      : `^${argument.replaceAll(/[^A-Za-z0-9_/-]/g, (char) => `\\${char}`)}`;
  compileTextPattern(pattern);
  return renderItem([[key, `~${pattern}`]]);
}

function unquoted(text: string, expression: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw notSimple(expression, text);
  }
}

function joined(pieces: readonly string[]): string {
  const path = pieces.join('');
  return path.startsWith('.') ? path.slice(1) : path;
}

function notSimple(expression: string, at: string): SyntaxError {
  return new SyntaxError(
    `jq expression "${expression}" cannot be taken over at "${at.slice(0, 40)}": only fields, [], and select(.key == "value") can; write a rule with paths`,
  );
}

function byIndex(what: string, index: string): SyntaxError {
  return new SyntaxError(
    `${what} names an item by its index ${index}, which means another item after an insert; write a rule with the item's key, such as containers[name=app]`,
  );
}
