import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_OURS = new Set(['node_modules', '.git', '.realign', 'coverage', 'histories', 'fixtures']);

export type SourceFile = {
  /** From the project's root, with slashes. */
  readonly path: string;
  /** First folder of the path; '' at the root. */
  readonly folder: string;
  readonly isTest: boolean;
  readonly lines: readonly string[];
  readonly imports: readonly ImportedModule[];
};

export type ImportedModule = {
  /** As written, or from the project's root for a relative one. */
  readonly module: string;
  readonly isRelative: boolean;
  readonly isTypeOnly: boolean;
};

/** Every TypeScript and JavaScript file of the project. */
export function readSourceFiles(): SourceFile[] {
  return filesBelow(ROOT)
    .filter((file) => /\.(ts|mts|mjs)$/.test(file) && !file.endsWith('.d.mts'))
    .map((file) => parseSource(relative(ROOT, file), readFileSync(file, 'utf8')));
}

/** The path is taken from the project's root. */
export function parseSource(path: string, text: string): SourceFile {
  const [first = '', ...rest] = path.split('/');
  return {
    path,
    folder: rest.length === 0 ? '' : first,
    isTest: /\.test\.ts$/.test(path),
    lines: text.trimEnd().split('\n'),
    imports: importsOf(path, text),
  };
}

export type LongFunction = { readonly line: number; readonly length: number };

/**
 * Functions of more lines than `limit`, their signatures and the functions inside them included. Trusts the formatter: a
 * function starts and ends on lines that stand equally far left. Groups of tests are no functions.
 */
export function longFunctions(file: SourceFile, limit: number): LongFunction[] {
  return file.lines.flatMap((line, index) => {
    if (!endsSignature(line)) return [];
    const start = startOf(file.lines, index);
    if (NO_FUNCTION.test(file.lines[start] ?? '')) return [];
    const length = endOf(file.lines, index) - start + 1;
    return length > limit ? [{ line: start + 1, length }] : [];
  });
}

const NO_FUNCTION = /^\s*((if|for|while|do|switch|try)\b|(describe|suite)[.(])/;
const CLOSING = /^\s*[)}\]]/;

function endsSignature(line: string): boolean {
  return (
    /=> [{[(]+$/.test(line) ||
    /^\s*(export )?(async )?function\b.* \{$/.test(line) ||
    /^\s*((async|get|set) )*\*?[\w$]+\(.*\)(: .+)? \{$/.test(line) ||
    // Of several lines: `): Reflector {`, `}): Reflector {`.
    (CLOSING.test(line) && line.endsWith(' {'))
  );
}

/** The line in which begins what ends or goes on in line `index`: the nearest above that stands as far left and does not close. */
function startOf(lines: readonly string[], index: number): number {
  const indent = indentOf(lines[index]);
  return lines.findLastIndex(
    (line, at) => at <= index && line !== '' && indentOf(line) === indent && !CLOSING.test(line),
  );
}

function endOf(lines: readonly string[], index: number): number {
  const indent = indentOf(lines[index]);
  return lines.findIndex(
    (line, at) => at > index && CLOSING.test(line) && indentOf(line) === indent,
  );
}

function indentOf(line = ''): number {
  return line.length - line.trimStart().length;
}

function importsOf(path: string, text: string): ImportedModule[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, type, from, bare, dynamic]) => {
    const written = from ?? bare ?? dynamic ?? '';
    const isRelative = written.startsWith('.');
    return {
      module: isRelative ? posix.join(posix.dirname(path), written) : written,
      isRelative,
      isTypeOnly: type !== undefined,
    };
  });
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
