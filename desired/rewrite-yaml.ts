import { type Document, isMap, isScalar, isSeq, type Node, Scalar, visit } from 'yaml';
import { sameJson } from '../drift/compare/equal.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../drift/json.ts';
import {
  renderBehind,
  renderFlow,
  renderKey,
  renderScalar,
  type YamlStyle,
} from './render-yaml.ts';
import {
  beforeLineEnd,
  type Collection,
  columnOf,
  contentEnd,
  type Entry,
  entriesOf,
  lineEnd,
  lineStart,
  MAX_ALIASES,
  readDocuments,
} from './yaml-source.ts';

/** Far beyond any real difference; every edit costs one parse of the document. */
const MAX_EDITS = 500;

type Splice = { readonly start: number; readonly end: number; readonly insert: string };

type Work = {
  readonly text: string;
  readonly document: Document.Parsed;
  readonly style: YamlStyle;
};

/**
 * The text of one YAML document changed so that it means `wanted`. Only the places that differ are written: all else stays
 * byte for byte, comments, order, quotes, indentation and line ends included. Undefined where that cannot be done (explicit
 * keys, a field that comes from a `<<` merge and should go, more than 500 edits).
 */
export function rewriteYaml(source: string, wanted: JsonValue): string | undefined {
  let text = source;
  for (let edits = 0; edits <= MAX_EDITS; edits++) {
    const [document] = readDocuments(text);
    if (!document || document.errors.length > 0) return undefined;
    const work = { text, document, style: styleOf(document, text) };
    const root = document.contents;
    if (!root) return undefined;
    if (isSame(work, root, wanted)) return text;
    const splices = difference(work, { node: root, start: 0, leadEnd: 0 }, wanted, false);
    if (splices.length === 0) return undefined;
    // From the back, so that the offsets of those before stay true.
    for (const { start, end, insert } of splices.toSorted((a, b) => b.start - a.start)) {
      text = text.slice(0, start) + insert + text.slice(end);
    }
  }
  return undefined;
}

/**
 * Edits that bring an entry nearer to what is wanted; none if none is possible. Those inside different entries of a map do not
 * touch each other and come together; an entry that comes or goes moves its neighbours, so it comes alone.
 */
function difference(
  work: Work,
  entry: Entry,
  wanted: JsonValue,
  inFlow: boolean,
): readonly Splice[] {
  const { node } = entry;
  if (isSame(work, node, wanted)) return [];
  const isFlow = inFlow || ((isMap(node) || isSeq(node)) && node.flow === true);
  const canStay = isMap(node) || isSeq(node) ? node.items.length > 0 || inFlow : false;
  if (canStay && isMap(node) && isJsonObject(wanted)) {
    if (Object.keys(wanted).length === 0) return some(emptied(work, entry, '{}'));
    return mapDifference(work, node, entry, wanted, isFlow);
  }
  if (canStay && isSeq(node) && Array.isArray(wanted)) {
    if (wanted.length === 0) return some(emptied(work, entry, '[]'));
    return listDifference(work, node, entry, wanted, isFlow);
  }
  return some(inFlow ? replacedInFlow(work, entry, wanted) : replaced(work, entry, wanted));
}

function some(splice: Splice | undefined): readonly Splice[] {
  return splice ? [splice] : [];
}

function mapDifference(
  work: Work,
  map: Collection,
  parent: Entry,
  wanted: JsonObject,
  inFlow: boolean,
): readonly Splice[] {
  const entries = entriesOf(map);
  if (!entries) return [];
  const own = entries.map(({ key = '' }) => key);
  const isKept = (key: string) => Object.hasOwn(wanted, key);
  const inside = entries.flatMap((entry, at) => {
    const value = isMergeKey(work, entry) ? undefined : wanted[own[at] ?? ''];
    return value === undefined || !isKept(own[at] ?? '')
      ? []
      : difference(work, entry, value, inFlow);
  });
  if (inside.length > 0) return inside;
  const gone = entries.findIndex((entry, at) => !isMergeKey(work, entry) && !isKept(own[at] ?? ''));
  if (gone >= 0) return some(removed(work, entries, gone, parent, inFlow));
  // What a merge gives may be overridden by a key of its own.
  const present = plainOf(work, map);
  const declared = new Set(own);
  const missing = Object.entries(wanted).find(
    ([key, value]) =>
      !declared.has(key) &&
      !(isJsonObject(present) && Object.hasOwn(present, key) && sameJson(present[key], value)),
  );
  if (!missing) return [];
  const [key, value] = missing;
  return some(inserted(work, map, entries, { at: entries.length, key, value }, inFlow));
}

function listDifference(
  work: Work,
  list: Collection,
  parent: Entry,
  wanted: readonly JsonValue[],
  inFlow: boolean,
): readonly Splice[] {
  const entries = entriesOf(list);
  const have = plainOf(work, list);
  if (!entries || !Array.isArray(have)) return [];
  const shorter = Math.min(have.length, wanted.length);
  let at = 0;
  while (at < shorter && sameJson(have[at], wanted[at])) at++;
  let same = 0;
  while (same < shorter - at && sameJson(have.at(-1 - same), wanted.at(-1 - same))) same++;
  const [old, value, entry] = [have[at], wanted[at], entries[at]];
  const surplus = have.length - wanted.length;
  const isOther = !isNamesake(old, value);
  const isGone = wanted.length - same <= at || (isOther && (surplus > 0 || isAlone(old, wanted)));
  if (isGone) return some(removed(work, entries, at, parent, inFlow));
  if (value === undefined) return [];
  const isNew = have.length - same <= at || (isOther && (surplus < 0 || isAlone(value, have)));
  if (isNew || !entry) return some(inserted(work, list, entries, { at, value }, inFlow));
  return difference(work, entry, value, inFlow);
}

/** What tells list items apart in Kubernetes, in the order in which they are looked for. */
const NAMES = ['name', 'containerPort', 'port', 'mountPath', 'key', 'id'];

/** Has a name that no item of the other list has: it came or went as a whole. */
function isAlone(item: unknown, others: readonly unknown[]): boolean {
  return isNamesake(item, item) && !others.some((one) => isNamesake(item, one));
}

function isNamesake(left: unknown, right: unknown): boolean {
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const name = NAMES.find((one) => left[one] !== undefined);
  return name !== undefined && left[name] === right[name];
}

function inserted(
  work: Work,
  collection: Collection,
  entries: readonly Entry[],
  { at, key, value }: { at: number; key?: string; value: JsonValue },
  inFlow: boolean,
): Splice | undefined {
  const { text, style } = work;
  const before = entries[at - 1];
  const next = entries[at];
  if (inFlow)
    return insertedInFlow(work, collection, entries, {
      at,
      value,
      ...(key === undefined ? {} : { key }),
    });
  const neighbour = before ?? next;
  if (!neighbour) return undefined;
  const column = columnOf(text, neighbour.start);
  const lead = key === undefined ? '-' : `${renderKey(key, false)}:`;
  const body = lead + renderBehind(key === undefined ? 'dash' : 'key', value, column, style);
  if (!before) {
    const start = neighbour.start;
    return { start, end: start, insert: body + style.lineEnd + ' '.repeat(column) };
  }
  const start = lineEnd(text, contentEnd(before.node));
  const line = ' '.repeat(column) + body;
  if (text[start - 1] === '\n') return { start, end: start, insert: line + style.lineEnd };
  // The last line had no end. A block scalar needs one to keep its value, all else does without as before.
  const end = body.includes('\n') ? style.lineEnd : '';
  return { start, end: start, insert: style.lineEnd + line + end };
}

function insertedInFlow(
  { text, style }: Work,
  collection: Collection,
  entries: readonly Entry[],
  { at, key, value }: { at: number; key?: string; value: JsonValue },
): Splice | undefined {
  const { range } = collection;
  if (!range) return undefined;
  const isQuoted = entries.some(
    (entry) =>
      text[entry.start] === '"' || (isScalar(entry.node) && entry.node.type === 'QUOTE_DOUBLE'),
  );
  const type = isQuoted ? 'QUOTE_DOUBLE' : 'PLAIN';
  const lead = key === undefined ? '' : `${renderScalar(key, type, true)}: `;
  const body = lead + renderFlow(value, isQuoted);
  const before = entries[at - 1];
  const next = entries[at];
  if (!before) {
    if (next) return { start: next.start, end: next.start, insert: `${body}, ` };
    return { start: range[0] + 1, end: range[1] - 1, insert: body };
  }
  const start = contentEnd(before.node);
  const margin = text.slice(lineStart(text, before.start), before.start);
  const isOwnLine = margin.trim() === '' && lineStart(text, before.start) > range[0];
  return {
    start,
    end: start,
    insert: isOwnLine ? `,${style.lineEnd}${margin}${body}` : `, ${body}`,
  };
}

function removed(
  work: Work,
  entries: readonly Entry[],
  at: number,
  parent: Entry,
  inFlow: boolean,
): Splice | undefined {
  const { text } = work;
  const entry = entries[at];
  if (!entry) return undefined;
  const [before, next] = [entries[at - 1], entries[at + 1]];
  if (!before && !next) return emptied(work, parent, entry.key === undefined ? '[]' : '{}');
  if (inFlow) {
    if (next) return { start: entry.start, end: next.start, insert: '' };
    return { start: before ? contentEnd(before.node) : 0, end: contentEnd(entry.node), insert: '' };
  }
  const margin = lineStart(text, entry.start);
  if (text.slice(margin, entry.start).trim() !== '') {
    // The first entry behind a dash: the next one takes its place.
    return next && { start: entry.start, end: next.start, insert: '' };
  }
  const end = lineEnd(text, contentEnd(entry.node));
  const start = commentStart(text, margin, entry.start - margin);
  const isLastWithoutEnd = end === text.length && text[end - 1] !== '\n';
  return { start: isLastWithoutEnd ? beforeLineEnd(text, start) : start, end, insert: '' };
}

/** The comment lines directly above an entry, as far in as itself, are about it and go with it. */
function commentStart(text: string, margin: number, column: number): number {
  let start = margin;
  while (start > 0) {
    const above = lineStart(text, start - 1);
    const line = text.slice(above, start);
    if (line.search(/\S/) !== column || line[column] !== '#') break;
    start = above;
  }
  return start;
}

/** A collection that loses its last entry says so: nothing behind the colon would mean null. */
function emptied({ text }: Work, { node, leadEnd }: Entry, brackets: string): Splice | undefined {
  const { range } = node;
  if (!range) return undefined;
  if ((isMap(node) || isSeq(node)) && node.flow === true) {
    return { start: range[0], end: range[1], insert: brackets };
  }
  const end = beforeLineEnd(text, lineEnd(text, contentEnd(node)));
  return { start: leadEnd, end, insert: ` ${brackets}${headComment(text, leadEnd, node)}` };
}

/** The comment on the line of the key or dash, if the value only starts below it. */
function headComment(text: string, leadEnd: number, node: Node): string {
  const end = beforeLineEnd(text, lineEnd(text, leadEnd));
  const from = node.range?.[0] ?? 0;
  if (isScalar(node) && node.type?.startsWith('BLOCK')) {
    return / +#.*$/.exec(text.slice(leadEnd, end))?.[0] ?? '';
  }
  return from > end ? text.slice(leadEnd, end) : '';
}

function replaced(work: Work, entry: Entry, wanted: JsonValue): Splice | undefined {
  const { text, style } = work;
  const { node, leadEnd, start } = entry;
  const { range } = node;
  if (!range) return undefined;
  const isBlockText = isScalar(node) && node.type?.startsWith('BLOCK') === true;
  const isLine = typeof wanted !== 'object' || wanted === null;
  const isMultiLine = typeof wanted === 'string' && wanted.includes('\n');
  if (
    isLine &&
    !isMultiLine &&
    !isBlockText &&
    range[1] > range[0] &&
    (isScalar(node) || (!isMap(node) && !isSeq(node)))
  ) {
    const type = isScalar(node) ? (node.type ?? null) : null;
    return { start: range[0], end: range[1], insert: renderScalar(wanted, type, false) };
  }
  const column = columnOf(text, start);
  const step = isBlockText ? bodyIndent(text, range[0], column) : undefined;
  const lead = entry.key === undefined ? 'dash' : 'key';
  const type =
    isBlockText && isScalar(node)
      ? (node.type ?? undefined)
      : isMultiLine
        ? Scalar.BLOCK_LITERAL
        : undefined;
  const body = renderBehind(lead, wanted, column, step ? { ...style, step } : style, type);
  // An empty value stands behind the comment that follows it.
  const isEmpty = range[0] === range[1];
  const end = isEmpty ? leadEnd : beforeLineEnd(text, contentEnd(node));
  const above = isEmpty ? '' : headComment(text, leadEnd, node);
  const tail = beforeLineEnd(text, lineEnd(text, end));
  const [first = '', ...others] = body.split(style.lineEnd);
  if (others.length === 0)
    return {
      start: leadEnd,
      end,
      insert: first + above,
    };
  // A comment behind the old value moves to the first line: behind the last one it could become part of a text.
  const comment = above + text.slice(end, tail);
  const insert = [first + comment, ...others].join(style.lineEnd);
  return {
    start: leadEnd,
    end: tail,
    insert: tail === text.length ? insert + style.lineEnd : insert,
  };
}

function replacedInFlow({ text }: Work, { node }: Entry, wanted: JsonValue): Splice | undefined {
  const { range } = node;
  if (!range) return undefined;
  const type = isScalar(node) ? (node.type ?? null) : null;
  const isLine = typeof wanted !== 'object' || wanted === null;
  const insert = isLine
    ? renderScalar(wanted, type, true)
    : renderFlow(wanted, text.trimStart().startsWith('{'));
  return { start: range[0], end: range[1], insert: range[0] === range[1] ? ` ${insert}` : insert };
}

/** How far in the lines of a block scalar stand, seen from their key. */
function bodyIndent(text: string, from: number, column: number): number | undefined {
  const line = /^ *(?=\S)/m.exec(text.slice(lineEnd(text, from)))?.[0];
  const step = (line?.length ?? 0) - column;
  return step > 0 && step < 10 ? step : undefined;
}

function styleOf(document: Document.Parsed, text: string): YamlStyle {
  let step: number | undefined;
  let indentsLists: boolean | undefined;
  visit(document, {
    Pair: (_key, pair) => {
      const { key, value } = pair;
      if (!isScalar(key) || !key.range || !(isMap(value) || isSeq(value)) || value.flow) return;
      const first = entriesOf(value)?.[0];
      if (!first) return;
      const further = columnOf(text, first.start) - columnOf(text, key.range[0]);
      if (isSeq(value)) indentsLists ??= further > 0;
      else step ??= further;
      return step !== undefined && indentsLists !== undefined ? visit.BREAK : undefined;
    },
  });
  const isCrlf = text.includes('\r\n');
  return {
    step: step !== undefined && step > 0 && step < 10 ? step : 2,
    indentsLists: indentsLists ?? true,
    lineEnd: isCrlf ? '\r\n' : '\n',
  };
}

function isMergeKey({ text }: Work, entry: Entry): boolean {
  return text.startsWith('<<', entry.start);
}

function plainOf({ document }: Work, node: Node): unknown {
  return node.toJS(document, { maxAliasCount: MAX_ALIASES });
}

function isSame(work: Work, node: Node | null, wanted: JsonValue): boolean {
  return node !== null && sameJson(plainOf(work, node), wanted);
}
