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
 * Functions of more lines than `limit`. Trusts the formatter: a body ends at the first closing brace that stands as far left
 * as the line that opened it. Groups of tests are no functions.
 */
export function longFunctions(file: SourceFile, limit: number): LongFunction[] {
  const found: LongFunction[] = [];
  for (const [index, line] of file.lines.entries()) {
    if (!opensFunction(line)) continue;
    const indent = line.length - line.trimStart().length;
    const end = file.lines.findIndex(
      (later, at) => at > index && later.startsWith(`${' '.repeat(indent)}}`),
    );
    if (end - index + 1 > limit) found.push({ line: index + 1, length: end - index + 1 });
  }
  return found;
}

function opensFunction(line: string): boolean {
  if (/^\s*(describe|suite)[.(]/.test(line)) return false;
  if (/^\s*(if|for|while|switch|catch|else|\})\b/.test(line)) return false;
  return (
    /^\s*(export )?(async )?function\b/.test(line) ||
    /=> \{$/.test(line) ||
    /^\s*\).* \{$/.test(line) ||
    /^\s*(async )?[\w$]+\(.*\)(: .+)? \{$/.test(line)
  );
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
