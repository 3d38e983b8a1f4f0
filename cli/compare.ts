import { readFile } from 'node:fs/promises';
import { parseManifests, toKubeObject } from '../desired/manifests.ts';
import { type CompareContext, type Comparison, compare } from '../drift/compare.ts';
import { type CompiledDesired, compileDesired } from '../drift/compile.ts';
import { schemasAmong } from '../drift/crd-schema.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { isJsonObject, type JsonValue } from '../drift/json.ts';
import { DEFAULT_APPLIERS } from '../drift/managers.ts';
import { redactChanges, renderChange } from '../drift/redact.ts';
import { formatResource, type KubeObject, refOf } from '../drift/resource-ref.ts';
import type { Struct } from '../drift/schema.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import { type OutputFormat, renderTable } from './output.ts';
import { EXIT } from './report-error.ts';

export type CompareOptions = {
  /** Files of YAML or JSON; `-` is stdin. `cases` replaces the others. */
  readonly desired?: string;
  readonly live?: string;
  readonly applied?: string;
  readonly applier?: readonly string[];
  readonly cases?: string;
  readonly output: OutputFormat;
};

/** Where a command reads and writes, so that tests need no process. */
export type CompareIo = {
  readonly readFile: (file: string) => Promise<string>;
  readonly readStdin: () => Promise<string>;
  readonly stdout: (line: string) => void;
  readonly stderr: (line: string) => void;
};

type ShownChange = {
  readonly resource: string;
  readonly path: string;
  readonly op: string;
  readonly desired: JsonValue;
  readonly live: JsonValue;
  readonly type: string;
  readonly severity: string;
  readonly who: string;
  /** The change in words: `changed, 24 → 32 bytes`. */
  readonly text: string;
};

/** Compares and prints; resolves to the exit code: 0 nothing differs, 1 drift, 2 error. With `cases` 0 unless they are bad. */
export async function runCompare(options: CompareOptions, io: CompareIo): Promise<number> {
  try {
    if (options.cases !== undefined) return await compareCases(options.cases, options, io);
    return await compareFiles(options, io);
  } catch (error) {
    const failure = fromUnknown(error, 'INVALID_INPUT');
    io.stderr(`realign: ${failure.message}`);
    io.stderr(`  ${failure.repair}`);
    return EXIT.error;
  }
}

async function compareFiles(options: CompareOptions, io: CompareIo): Promise<number> {
  const { desired, live, applied } = options;
  if (desired === undefined || live === undefined) {
    throw new AppError('INVALID_INPUT', 'compare needs --desired and --live, or --cases');
  }
  if ([desired, live, applied].filter((file) => file === '-').length > 1) {
    throw new AppError('INVALID_INPUT', 'only one of the files can be stdin');
  }
  const declared = await readObjects(desired, io);
  const found = await readObjects(live, io);
  const bases = applied === undefined ? [] : await readObjects(applied, io);
  if (declared.length === 0) throw new AppError('INVALID_INPUT', `${desired} declares no object`);
  // What is live comes last: it is the definition that the server works by.
  const schemaOf = schemasAmong([...declared, ...found]);
  const changes: ShownChange[] = [];
  let rewritten = 0;
  for (const object of declared) {
    const pair = {
      object,
      live: counterpartOf(object, found),
      applied: counterpartOf(object, bases),
    };
    const comparison = compareOne(pair, options, schemaOf(object));
    rewritten += comparison.serverRewritten;
    changes.push(...shownChanges(object, comparison));
  }
  io.stdout(options.output === 'json' ? JSON.stringify({ changes }) : renderChanges(changes));
  if (rewritten > 0) io.stderr(rewrittenNote(rewritten));
  return changes.length === 0 ? EXIT.ok : EXIT.found;
}

async function compareCases(file: string, options: CompareOptions, io: CompareIo): Promise<number> {
  const cases: unknown = parseJson(await readText(file, io), file);
  if (!Array.isArray(cases)) throw new AppError('INVALID_INPUT', `${file} is no array of cases`);
  let rewritten = 0;
  for (const [index, one] of cases.entries()) {
    const { name, desired, live, lastApplied } = readCase(one, `${file}[${index}]`);
    const comparison = compareOne({ object: desired, live, applied: lastApplied }, options);
    rewritten += comparison.serverRewritten;
    io.stdout(JSON.stringify({ name, changes: shownChanges(desired, comparison) }));
  }
  if (rewritten > 0) io.stderr(rewrittenNote(rewritten));
  return EXIT.ok;
}

type Compared = {
  readonly object: KubeObject;
  readonly live: KubeObject | undefined;
  readonly applied: KubeObject | undefined;
};

function compareOne(
  { object, live, applied }: Compared,
  options: CompareOptions,
  schema?: Struct,
): Comparison {
  const desired = compileDesired(object, schema);
  const base: CompiledDesired | undefined = applied && compileDesired(applied, schema);
  const context: CompareContext = {
    appliers: options.applier ?? DEFAULT_APPLIERS,
    unexplained: 'rewritten',
    ...(base && { base }),
  };
  return compare(desired, live, context);
}

function shownChanges(object: KubeObject, comparison: Comparison): readonly ShownChange[] {
  const resource = formatResource(refOf('', object));
  return redactChanges(comparison.changes, object.kind).map((change: FieldChange) => ({
    resource,
    path: change.path,
    op: change.op,
    desired: change.desired ?? null,
    live: change.live ?? null,
    type: change.type,
    severity: change.severity,
    who: change.who,
    text: renderChange(change),
  }));
}

function renderChanges(changes: readonly ShownChange[]): string {
  if (changes.length === 0) return 'No drift.';
  return renderTable(changes, [
    { title: 'RESOURCE', value: (change) => change.resource },
    { title: 'SEVERITY', value: (change) => change.severity },
    { title: 'TYPE', value: (change) => change.type },
    { title: 'WHO', value: (change) => change.who },
    { title: 'FIELD', value: (change) => change.path || '(object)' },
    { title: 'CHANGE', value: (change) => change.text },
  ]);
}

function rewrittenNote(count: number): string {
  const fields = count === 1 ? '1 field differs' : `${count} fields differ`;
  return `${fields} and belong to the applier alone: taken as rewritten by admission (--applied FILE would tell)`;
}

/** The object of the same group, kind and name; the namespace counts where both say one. */
function counterpartOf(object: KubeObject, among: readonly KubeObject[]): KubeObject | undefined {
  const wanted = refOf('', object);
  return among.find((candidate) => {
    const ref = refOf('', candidate);
    const isSame =
      ref.group === wanted.group && ref.kind === wanted.kind && ref.name === wanted.name;
    const isElsewhere = ref.namespace !== wanted.namespace && ref.namespace && wanted.namespace;
    return isSame && !isElsewhere;
  });
}

async function readObjects(file: string, io: CompareIo): Promise<readonly KubeObject[]> {
  return parseManifests(await readText(file, io), file === '-' ? 'stdin' : file);
}

async function readText(file: string, io: CompareIo): Promise<string> {
  if (file === '-') return io.readStdin();
  try {
    return await io.readFile(file);
  } catch (error) {
    throw new AppError('INVALID_INPUT', `cannot read ${file}: ${String(error)}`, { cause: error });
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError('INVALID_INPUT', `${file} is no JSON: ${String(error)}`, { cause: error });
  }
}

type Case = {
  readonly name: string;
  readonly desired: KubeObject;
  readonly live: KubeObject | undefined;
  readonly lastApplied: KubeObject | undefined;
};

function readCase(value: unknown, place: string): Case {
  if (!isJsonObject(value) || typeof value['name'] !== 'string') {
    throw new AppError('INVALID_INPUT', `${place} is no case: it lacks a name`);
  }
  const desired = readObject(value['desired'], `${place}.desired`);
  if (!desired) throw new AppError('INVALID_INPUT', `${place} is no case: it lacks desired`);
  return {
    name: value['name'],
    desired,
    live: readObject(value['live'], `${place}.live`),
    lastApplied: readObject(value['lastApplied'], `${place}.lastApplied`),
  };
}

function readObject(value: JsonValue | undefined, place: string): KubeObject | undefined {
  if (value === undefined || value === null) return undefined;
  return toKubeObject(value, place);
}

/** Files, stdin, stdout and stderr of this process. */
export const PROCESS_IO: CompareIo = {
  readFile: (file) => readFile(file, 'utf8'),
  readStdin,
  stdout: (line) => process.stdout.write(`${line}\n`),
  stderr: (line) => process.stderr.write(`${line}\n`),
};

async function readStdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += chunk;
  return text;
}
