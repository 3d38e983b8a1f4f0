import { expect, test } from 'vitest';
import { importCircles } from './import-circles.ts';
import {
  type ImportedModule,
  longFunctions,
  parseSource,
  readSourceFiles,
  type SourceFile,
} from './source-files.ts';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const EVERYTHING = ['*'];

type Rule = {
  /** Folders, or paths of single files without extension, beside the folder itself. */
  readonly imports: readonly string[];
  /** The same, but for types alone: nothing of it is loaded. */
  readonly types?: readonly string[];
  /** npm packages and `node:` modules; absent = any. */
  readonly packages?: readonly RegExp[];
};

/** Who may import whom. Arrows point down to `drift/`; wiring happens in `workers/` alone, and nobody imports that but the CLI. */
const TABLE: Readonly<Record<string, Rule>> = {
  drift: { imports: [], packages: [] },
  lib: { imports: ['drift'] },
  clients: { imports: ['drift', 'lib'] },
  store: { imports: ['drift', 'lib'] },
  slack: { imports: ['drift', 'lib'] },
  desired: { imports: ['drift', 'lib', 'clients'] },
  'confighub-server': { imports: ['drift', 'lib', 'clients'] },
  // Their bundle runs in a sandbox: no Node, no packages, no activity code.
  workflows: {
    imports: ['drift'],
    types: ['activities'],
    packages: [/^@temporalio\/(workflow|common)$/],
  },
  // Of others they load pure functions only; everything that talks is handed to them.
  activities: {
    imports: ['drift', 'lib', 'desired', 'slack/render', 'clients/confighub/where'],
    types: ['clients', 'slack', 'store', 'workflows'],
  },
  watcher: { imports: ['drift', 'lib'], types: ['clients', 'desired', 'store', 'workflows'] },
  api: { imports: ['drift', 'lib', 'store', 'slack', 'workflows/messages'], types: ['clients'] },
  workers: { imports: EVERYTHING },
  // Of Slack it draws messages as people see them there; it never talks to it.
  cli: {
    imports: [
      ...['workers', 'stack', 'confighub-server', 'desired', 'drift', 'lib', 'clients'],
      ...['examples', 'package', 'slack/render', 'slack/terminal'],
    ],
  },
  examples: { imports: ['drift', 'lib', 'clients'] },
  stack: { imports: ['lib', 'setup', 'clients/kubernetes'] },
  deploy: { imports: ['lib'] },
  setup: { imports: [] },
  dashboard: { imports: [], packages: [] },
  testing: { imports: EVERYTHING },
  bench: { imports: EVERYTHING },
  // Tests alone, of everything together.
  e2e: { imports: EVERYTHING },
  '': { imports: EVERYTHING },
};

const files = readSourceFiles();

test('every folder with code is in the table', () => {
  const unknown = new Set(files.map((file) => file.folder).filter((name) => !TABLE[name]));
  expect([...unknown]).toEqual([]);
});

test('every import is allowed by the table', () => {
  expect(files.filter((file) => !file.isTest).flatMap(forbiddenImports)).toEqual([]);
});

test('only tests and benchmarks import testing/', () => {
  const importers = files.filter(
    (file) =>
      !file.isTest &&
      !['testing', 'bench', 'e2e', ''].includes(file.folder) &&
      file.imports.some((one) => one.isRelative && one.module.startsWith('testing/')),
  );
  expect(importers.map((file) => file.path)).toEqual([]);
});

test('imports inside drift/ point one way', () => {
  const drift = files.filter((file) => file.folder === 'drift' && !file.isTest);
  expect(importCircles(drift)).toEqual([]);
  const upward = drift.flatMap(({ path, imports }) =>
    imports
      .filter((one) => one.isRelative && levelOf(one.module) > levelOf(path))
      .map((one) => `${path} imports ${one.module}`),
  );
  expect(upward).toEqual([]);
});

/** The folders of drift/, each of which imports only what stands before it; the words themselves stand in none. */
const LEVELS = ['compare', 'secrets', 'patch', 'decide', 'message', 'advice'];

function levelOf(path: string): number {
  return LEVELS.indexOf(path.split('/')[1] ?? '');
}

test('no file and no function is too long', () => {
  const longFiles = files
    .filter((file) => !file.isTest && !isGenerated(file) && file.lines.length > MAX_FILE_LINES)
    .map((file) => `${file.path}: ${file.lines.length} lines`);
  const long = files.flatMap((file) =>
    longFunctions(file, MAX_FUNCTION_LINES).map(
      ({ line, length }) => `${file.path}:${line}: a function of ${length} lines`,
    ),
  );
  expect([...longFiles, ...long]).toEqual([]);
});

test('no test is left out, and none replaces our own modules', () => {
  const forbidden = /\b(it|test|describe)\.(only|skip|todo|skipIf|runIf)\b|\bvi\.(mock|doMock)\(/;
  const found = files
    .filter((file) => file.isTest && file.path !== 'testing/architecture.test.ts')
    .flatMap((file) =>
      file.lines.flatMap((line, at) => (forbidden.test(line) ? [`${file.path}:${at + 1}`] : [])),
    );
  expect(found).toEqual([]);
});

test('the checks themselves find what they look for', () => {
  const body = Array.from({ length: 80 }, () => '  work();').join('\n');
  const bad = parseSource(
    'drift/bad.ts',
    `import { readFileSync } from 'node:fs';\nimport type { A } from '../lib/a.ts';\nexport function f() {\n${body}\n}\n`,
  );
  expect(forbiddenImports(bad)).toHaveLength(2);
  expect(longFunctions(bad, MAX_FUNCTION_LINES)).toEqual([{ line: 3, length: 82 }]);
});

test('a circle of imports is found, and only its members', () => {
  const circle = ['a', 'b', 'c', 'd'].map((name, at, names) =>
    parseSource(
      `drift/${name}.ts`,
      `import type { X } from './${names[at === 2 ? 0 : at + 1]}.ts';`,
    ),
  );
  expect(importCircles(circle)).toEqual([['drift/a.ts', 'drift/b.ts', 'drift/c.ts']]);
});

test.each([
  ['a signature of several lines', 'export function f(\n  a: string,\n): void {', '}'],
  ['a literal type as parameter', 'export function createF(deps: {\n  a: string;\n}): F {', '}'],
  ['a literal type as result', 'function f(a: string): {\n  b: string;\n} {', '}'],
  ['an arrow function', 'const f = async (\n  a: string,\n): Promise<void> => {', '};'],
  ['an arrow function that gives an object', 'export const createF = (): F => ({', '});'],
  ['a generator', 'async function* f() {', '}'],
  ['a test', "test('f', async () => {", '});'],
])('the length is counted of %s', (_what, signature, end) => {
  const head = signature.split('\n').length;
  const bodyOf = (lines: number) =>
    parseSource('lib/f.ts', `${signature}\n${'  work(),\n'.repeat(lines)}${end}\n`);
  const atLimit = MAX_FUNCTION_LINES - head - 1;
  expect(longFunctions(bodyOf(atLimit), MAX_FUNCTION_LINES)).toEqual([]);
  expect(longFunctions(bodyOf(atLimit + 1), MAX_FUNCTION_LINES)).toEqual([
    { line: 1, length: MAX_FUNCTION_LINES + 1 },
  ]);
});

test.each([
  ['a condition', 'if (\n  first &&\n  second\n) {', '}'],
  ['an attempt', 'try {\n  work();\n} catch {', '}'],
  ['a group of tests', "describe('f', () => {", '});'],
])('%s is no function', (_what, head, end) => {
  const file = parseSource('lib/f.ts', `${head}\n${'  work();\n'.repeat(80)}${end}\n`);
  expect(longFunctions(file, MAX_FUNCTION_LINES)).toEqual([]);
});

function forbiddenImports(file: SourceFile): string[] {
  const rule = TABLE[file.folder];
  if (rule === undefined) return [];
  return file.imports
    .filter((one) => !isAllowed(rule, file.folder, one))
    .map((one) => `${file.path} imports ${one.isTypeOnly ? 'types of ' : ''}${one.module}`);
}

function isGenerated(file: SourceFile): boolean {
  return file.lines.slice(0, 5).some((line) => /\bgenerated\b/i.test(line));
}

function isAllowed(rule: Rule, folder: string, imported: ImportedModule): boolean {
  if (!imported.isRelative) {
    return rule.packages?.some((pattern) => pattern.test(imported.module)) ?? true;
  }
  const allowed = [folder, ...rule.imports, ...(imported.isTypeOnly ? (rule.types ?? []) : [])];
  return allowed.some(
    (one) =>
      one === '*' ||
      imported.module.startsWith(`${one}/`) ||
      imported.module.replace(/\.\w+$/, '') === one,
  );
}
