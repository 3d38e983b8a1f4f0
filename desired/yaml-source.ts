import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  type Node,
  type Pair,
  parseAllDocuments,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { isJsonObject } from '../drift/json.ts';
import { KUBERNETES_YAML } from '../lib/kubernetes-yaml.ts';

export const MAX_ALIASES = 100;

/** One `key: value` or `- value`, and where it stands in the text (offsets in UTF-16 code units). */
export type Entry = {
  readonly node: Node;
  /** Of the key or the dash, with what belongs before it (an anchor). */
  readonly start: number;
  /** Behind the colon or the dash, and behind the value's anchor and tag. */
  readonly leadEnd: number;
  readonly key?: string;
};

export type Collection = YAMLMap | YAMLSeq;

/**
 * The documents of a text as Kubernetes tools read them: YAML 1.1 booleans and octal numbers, `<<` merges, dates are texts.
 * Nodes keep their source tokens and ranges.
 */
export function readDocuments(text: string): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, {
    keepSourceTokens: true,
    prettyErrors: false,
    ...KUBERNETES_YAML,
  });
  return Array.isArray(documents) ? documents : [];
}

/** Where a collection's entries stand; undefined where one has no simple place (explicit keys, a lone key in a flow map). */
export function entriesOf(collection: Collection): readonly Entry[] | undefined {
  const entries = isMap(collection)
    ? collection.items.map(pairEntry)
    : collection.items.map((item, at) => itemEntry(collection, item, at));
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

/** Behind the last character of a node, comments and line ends apart. A block scalar ends behind its last line end. */
export function contentEnd(node: Node): number {
  if (isCollection(node) && node.flow !== true) {
    const last: unknown = node.items.at(-1);
    const value = isJsonObject(last) && 'key' in last ? (last['value'] ?? last['key']) : last;
    if (isNode(value)) return contentEnd(value);
  }
  return node.range?.[1] ?? 0;
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Behind the line end of the line that `offset` stands in or just ended. */
export function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

/** `offset` without a line end directly before it. */
export function beforeLineEnd(text: string, offset: number): number {
  if (text[offset - 1] !== '\n') return offset;
  return text[offset - 2] === '\r' ? offset - 2 : offset - 1;
}

/** How far in the entries of a block collection stand. */
export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

export function isNode(value: unknown): value is Node {
  return isScalar(value) || isCollection(value) || (isJsonObject(value) && 'source' in value);
}

type Token = { readonly type: string; readonly offset: number; readonly source: string };

function pairEntry(pair: Pair): Entry | undefined {
  const { key, value, srcToken } = pair;
  if (!isScalar(key) || !isNode(value) || !key.range) return undefined;
  const lead = lastOf(srcToken?.sep, ['map-value-ind', 'anchor', 'tag']);
  if (!lead || srcToken?.start.some((token) => token.type === 'explicit-key-ind')) return undefined;
  const props = srcToken?.start.find((token) => token.type === 'anchor' || token.type === 'tag');
  return {
    node: value,
    start: (props as Token | undefined)?.offset ?? key.range[0],
    leadEnd: lead.offset + lead.source.length,
    key: keyText(key.value),
  };
}

function itemEntry(seq: YAMLSeq, item: unknown, at: number): Entry | undefined {
  if (!isNode(item) || !item.range) return undefined;
  if (seq.flow === true) return { node: item, start: item.range[0], leadEnd: item.range[0] };
  const token = seq.srcToken;
  const start = token && 'items' in token ? token.items[at]?.start : undefined;
  const dash = lastOf(start, ['seq-item-ind']);
  const lead = lastOf(start, ['seq-item-ind', 'anchor', 'tag']);
  if (!dash || !lead) return undefined;
  return { node: item, start: dash.offset, leadEnd: lead.offset + lead.source.length };
}

function lastOf(tokens: readonly unknown[] | undefined, types: readonly string[]) {
  return (tokens as readonly Token[] | undefined)?.findLast((token) => types.includes(token.type));
}

/** The name that the key has in plain data. */
function keyText(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}
