import { readFile } from 'node:fs/promises';
import { parseManifests, toKubeObject } from '../desired/manifests.ts';
import { type CompareContext, type Comparison, compare } from '../drift/compare/compare.ts';
import { type CompiledDesired, compileDesired } from '../drift/compare/compile.ts';
import { schemasAmong } from '../drift/compare/crd-schema.ts';
import type { RuledComparison } from '../drift/compare/ignore.ts';
import { DEFAULT_APPLIERS } from '../drift/compare/managers.ts';
import type { Struct } from '../drift/compare/schema.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { isJsonObject, type JsonValue } from '../drift/json.ts';
import { formatResource, type KubeObject, refOf } from '../drift/resource-ref.ts';
import { redactChanges, renderChange } from '../drift/secrets/redact.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import { type ByRules, createByRules } from './compare-rules.ts';
import { type OutputFormat, renderTable } from './output.ts';
import { EXIT } from './report-error.ts';

export type CompareOptions = {
  /** Files of YAML or JSON; `-` is stdin. `cases` replaces the others. */
  readonly desired?: string;
  readonly live?: string;
  readonly applied?: string;
  readonly applier?: readonly string[];
  readonly cases?: string;
  /** realign.yaml with the rules to apply. */
  readonly config?: string;
  /** Where the objects are said to stand, for rules that name environments or units. */
  readonly environment?: string;
  readonly unit?: string;
  /** Also shows what rules hide, and which rule it was. */
  readonly explain?: true;
  readonly output: OutputFormat;
};

/** Where a command reads and writes, so that tests need no process. */
type CompareIo = {
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

/** A difference that is no drift, and the rule that says so. */
type ShownIgnored = ShownChange & {
  readonly rule: string;
  readonly effect: string;
  readonly reason: string;
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
  const byRules = await readRules(options, declared, io);
  const changes: ShownChange[] = [];
  const ignored: ShownIgnored[] = [];
  let rewritten = 0;
  for (const object of declared) {
    const pair = {
      object,
      live: counterpartOf(object, found),
      applied: counterpartOf(object, bases),
    };
    const comparison = byRules(object, compareOne(pair, options, schemaOf(object)));
    rewritten += comparison.serverRewritten;
    changes.push(...shownChanges(object, comparison.changes));
    ignored.push(...shownIgnored(object, comparison));
    for (const problem of comparison.problems ?? []) io.stderr(`${shownName(object)}: ${problem}`);
  }
  io.stdout(render(changes, options.explain ? ignored : undefined, options.output));
  if (rewritten > 0) io.stderr(rewrittenNote(rewritten));
  return changes.length === 0 ? EXIT.ok : EXIT.found;
}

async function compareCases(file: string, options: CompareOptions, io: CompareIo): Promise<number> {
  const cases: unknown = parseJson(await readText(file, io), file);
  if (!Array.isArray(cases)) throw new AppError('INVALID_INPUT', `${file} is no array of cases`);
  const byRules = await readRules(options, [], io);
  let rewritten = 0;
  for (const [index, one] of cases.entries()) {
    const { name, desired, live, lastApplied } = readCase(one, `${file}[${index}]`);
    const found = compareOne({ object: desired, live, applied: lastApplied }, options);
    const comparison = byRules(desired, found);
    rewritten += comparison.serverRewritten;
    const ignored = options.explain && { ignored: shownIgnored(desired, comparison) };
    const changes = shownChanges(desired, comparison.changes);
    io.stdout(JSON.stringify({ name, changes, ...ignored }));
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
    collectExcused: true,
    ...(base && { base }),
  };
  return compare(desired, live, context);
}

async function readRules(
  { config: file, environment, unit }: CompareOptions,
  declared: readonly KubeObject[],
  io: CompareIo,
): Promise<ByRules> {
  const config = file === undefined ? undefined : { text: await readText(file, io), file };
  return createByRules(
    {
      ...(config && { config }),
      ...(environment !== undefined && { environment }),
      ...(unit !== undefined && { unit }),
    },
    declared,
  );
}

function shownName(object: KubeObject): string {
  return formatResource(refOf('', object));
}

function shownIgnored(object: KubeObject, { ignored = [] }: RuledComparison) {
  return ignored.flatMap(({ change, rule, effect, reason }) =>
    shownChanges(object, [change]).map(
      (shown): ShownIgnored => ({ ...shown, rule, effect, reason }),
    ),
  );
}

function shownChanges(object: KubeObject, changes: readonly FieldChange[]): readonly ShownChange[] {
  const resource = shownName(object);
  return redactChanges(changes, object.kind).map((change: FieldChange) => ({
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

function render(
  changes: readonly ShownChange[],
  ignored: readonly ShownIgnored[] | undefined,
  output: OutputFormat,
): string {
  if (output === 'json') return JSON.stringify({ changes, ...(ignored && { ignored }) });
  if (!ignored) return renderChanges(changes);
  return `${renderChanges(changes)}\n\n${renderIgnored(ignored)}`;
}

function renderIgnored(ignored: readonly ShownIgnored[]): string {
  if (ignored.length === 0) return 'No rule hides anything.';
  return renderTable(ignored, [
    { title: 'HIDDEN', value: (one) => one.resource },
    { title: 'FIELD', value: (one) => one.path || '(object)' },
    { title: 'CHANGE', value: (one) => one.text },
    { title: 'WHO', value: (one) => one.who },
    { title: 'RULE', value: (one) => one.rule },
    { title: 'REASON', value: (one) => one.reason },
  ]);
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
  const name = file === '-' ? 'stdin' : file;
  const objects = parseManifests(await readText(file, io), name);
  refuseDuplicates(objects, name);
  return objects;
}

/** Like a key that is there twice: whichever of the two was compared, the other one would be passed over. */
function refuseDuplicates(objects: readonly KubeObject[], file: string): void {
  const seen = new Set<string>();
  for (const object of objects) {
    const { group, kind, namespace, name } = refOf('', object);
    const identity = JSON.stringify([group, kind, namespace, name]);
    if (seen.has(identity)) {
      throw new AppError('MANIFEST_INVALID', `${file}: ${shownName(object)} is there twice`);
    }
    seen.add(identity);
  }
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
