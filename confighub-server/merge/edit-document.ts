import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  visit,
  type YAMLSeq,
} from 'yaml';
import type { JsonValue } from '../../drift/json.ts';
import type { Edit, Step } from './merge-node.ts';

/**
 * Carries out edits on a parsed YAML document and gives its text. Comments, key order and quoting of what is not edited
 * stay. The document is used up.
 */
export function editDocument(document: Document, text: string, edits: readonly Edit[]): string {
  const target = withoutAliases(document);
  const inner = edits.filter((edit) => edit.kind === 'set' || edit.kind === 'insert');
  // Lists are taken hold of before anything moves, so that every edit's indices mean what the merge meant.
  const shaping = listShapes(target, edits);
  for (const edit of inner) if (edit.kind === 'set') setAt(target, edit.path, edit.value);
  for (const edit of edits) {
    if (edit.kind === 'delete' && typeof edit.path.at(-1) === 'string') target.deleteIn(edit.path);
  }
  for (const shape of shaping) reshape(target, shape);
  return target.toString({
    lineWidth: 0,
    indentSeq: indentsSequences(text),
    flowCollectionPadding: !/\{[^\s}]/.test(text),
  });
}

type Shape = {
  readonly list: YAMLSeq;
  readonly items: readonly unknown[];
  readonly deleted: Set<number>;
  readonly inserts: Extract<Edit, { kind: 'insert' }>[];
  order?: readonly number[];
};

function listShapes(document: Document, edits: readonly Edit[]): readonly Shape[] {
  const shapes = new Map<string, Shape>();
  const shapeAt = (path: readonly Step[]): Shape | undefined => {
    const id = JSON.stringify(path);
    const known = shapes.get(id);
    if (known !== undefined) return known;
    const list = path.length === 0 ? document.contents : document.getIn(path, true);
    if (!isSeq(list)) return undefined;
    const shape: Shape = { list, items: [...list.items], deleted: new Set(), inserts: [] };
    shapes.set(id, shape);
    return shape;
  };
  for (const edit of edits) {
    const last = edit.path.at(-1);
    if (edit.kind === 'insert') shapeAt(edit.path)?.inserts.push(edit);
    else if (edit.kind === 'delete' && typeof last === 'number') {
      shapeAt(edit.path.slice(0, -1))?.deleted.add(last);
    } else if (edit.kind === 'order') {
      const shape = shapeAt(edit.path);
      if (shape !== undefined) shape.order = edit.order;
    }
  }
  return [...shapes.values()];
}

function reshape(document: Document, shape: Shape): void {
  const order = shape.order ?? [...shape.items.keys()].filter((index) => !shape.deleted.has(index));
  const added = (after: number) =>
    shape.inserts
      .filter((edit) => edit.after === after)
      .map((edit) => document.createNode(edit.value));
  shape.list.items = [
    ...added(-1),
    ...order.flatMap((index) => [shape.items[index], ...added(index)]),
  ];
  // An empty flow list (`[]`) that was filled reads better as a block.
  if (shape.items.length === 0) shape.list.flow = false;
}

function setAt(document: Document, path: readonly Step[], value: JsonValue): void {
  const present = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isScalar(present) && (typeof value !== 'object' || value === null)) {
    replaceScalar(present, value);
    return;
  }
  const node = document.createNode(value) as Node;
  if (isScalar(present) || isCollection(present)) {
    node.commentBefore = present.commentBefore ?? null;
    if (present.spaceBefore === true) node.spaceBefore = true;
  }
  if (path.length === 0) {
    document.contents = node;
    return;
  }
  // Reads `key: {}` as a block once something is in it.
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent) && parent.items.length === 0) parent.flow = false;
  document.setIn(path, node);
}

function replaceScalar(node: Scalar, value: JsonValue): void {
  // The written form belongs to the old value; the quotes only if the new one is a text too.
  if (typeof node.value !== 'string' || typeof value !== 'string') delete node.type;
  delete node.source;
  delete node.format;
  delete node.minFractionDigits;
  delete node.tag;
  node.value = value;
}

// An edit behind an anchor would change every place that refers to it.
function withoutAliases(document: Document): Document {
  let aliased = false;
  visit(document, {
    Alias: () => {
      aliased = true;
      return visit.BREAK;
    },
  });
  if (!aliased) return document;
  visit(document, {
    Alias: (_key, alias) => {
      const resolved = alias.resolve(document);
      return resolved === undefined ? undefined : (resolved.clone() as Node);
    },
  });
  visit(document, {
    Value: (_key, node) => {
      delete node.anchor;
    },
  });
  return document;
}

function indentsSequences(text: string): boolean {
  return !/^( *)[^\s#-][^\n]*:[ \t]*(#[^\n]*)?\n\1- /m.test(text);
}
