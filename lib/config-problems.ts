import { type Document, isMap, isNode, isPair, isScalar, type LineCounter, type Pair } from 'yaml';
import type { z } from 'zod';
import { configSchema } from './config-schema.ts';
import { didYouMean } from './nearest-name.ts';

/** One thing wrong with the configuration. `key` is dotted (`policies[2].match.kinds`) or names an environment variable. */
export type ConfigProblem = {
  readonly key: string;
  readonly message: string;
  /** 1-based line of realign.yaml; absent for what comes from elsewhere. */
  readonly line?: number;
};

export type Path = readonly (string | number)[];

/** realign.yaml as parsed: plain data, and where each key stands. */
export type YamlSource = {
  readonly data: unknown;
  lineOf(path: Path): number | undefined;
};

/** `line 3: environments[0].clutser: unknown key; did you mean "cluster"?` */
export function describeProblem(problem: ConfigProblem): string {
  const line = problem.line === undefined ? '' : `line ${problem.line}: `;
  return `${line}${problem.key}: ${problem.message}`;
}

export function problemAt(source: YamlSource, path: Path, message: string): ConfigProblem {
  const line = source.lineOf(path);
  return { key: formatPath(path), message, ...(line === undefined ? {} : { line }) };
}

/** What the schema refused, one problem for each unknown key. */
export function schemaProblems(source: YamlSource, error: z.ZodError): readonly ConfigProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    if (issue.code !== 'unrecognized_keys') return [problemAt(source, path, plain(issue))];
    return issue.keys.map((key) =>
      problemAt(source, [...path, key], `unknown key${didYouMean(key, keysAt(path))}`),
    );
  });
}

/** Line of the innermost node on the path that exists, so that a missing key points at its parent. */
export function lineFinder(document: Document, lines: LineCounter) {
  return (path: Path): number | undefined => {
    let node: unknown = document.contents;
    let offset = isNode(node) ? node.range?.[0] : undefined;
    for (const part of path) {
      const pair = isMap(node)
        ? node.items.find((item) => keyOf(item) === String(part))
        : undefined;
      const next = pair ? pair.value : isNode(node) && 'get' in node ? node.get(part, true) : null;
      const place = pair && isScalar(pair.key) ? pair.key : next;
      if (!isNode(place)) break;
      offset = place.range?.[0] ?? offset;
      node = next;
    }
    return offset === undefined ? undefined : lines.linePos(offset).line;
  };
}

function keyOf(item: unknown): string | undefined {
  if (!isPair(item)) return undefined;
  const key: Pair['key'] = item.key;
  return isScalar(key) ? String(key.value) : undefined;
}

export function formatPath(path: Path): string {
  const text = path.reduce<string>(
    (sofar, part) =>
      typeof part === 'number' ? `${sofar}[${part}]` : sofar === '' ? part : `${sofar}.${part}`,
    '',
  );
  return text === '' ? '(the file)' : text;
}

function plain(issue: z.core.$ZodIssue): string {
  return issue.message
    .replace(/^Invalid (input|option|string): /, '')
    .replace(/, received undefined$/, '; the key is missing');
}

/** Keys that the schema knows at a place of the file. */
function keysAt(path: Path): readonly string[] {
  let shape: unknown = configSchema;
  for (const part of path) {
    const inner = unwrap(shape);
    shape = typeof part === 'number' ? inner.element : inner.shape?.[part];
  }
  return Object.keys(unwrap(shape).shape ?? {});
}

type Inner = { readonly shape?: Readonly<Record<string, unknown>>; readonly element?: unknown };

/** Through `default`, `prefault` and `exactOptional` to the object or array inside. */
function unwrap(schema: unknown): Inner {
  let inner: unknown = schema;
  while (
    typeof inner === 'object' &&
    inner !== null &&
    'unwrap' in inner &&
    !('element' in inner)
  ) {
    if (typeof inner.unwrap !== 'function') break;
    inner = inner.unwrap();
  }
  return typeof inner === 'object' && inner !== null ? inner : {};
}
