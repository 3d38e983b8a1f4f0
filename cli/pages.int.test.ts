import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENVIRONMENT_VARIABLES } from '../lib/config-environment.ts';
import { freePort } from '../stack/free-port.ts';
import { ROOT, readPages } from '../testing/documents.ts';
import { eventually } from '../testing/eventually.ts';
import { type PageStep, stepsOf } from '../testing/page-steps.ts';
import { type RunningCommand, startCommand } from '../testing/running-command.ts';

// docs/quickstart.md and docs/workflow.md from top to bottom, as somebody follows them who has nothing; at last the part of the
// first that takes everything away.

const START_TIMEOUT_MS = 120_000;
const STEP_TIMEOUT_MS = 90_000;
const pageOf = (path: string) => {
  const page = readPages().find((one) => one.path === path);
  if (!page) throw new Error(`there is no ${path}`);
  return stepsOf(page);
};
const quickstart = pageOf('docs/quickstart.md');
const steps = [...quickstart.slice(0, -1), ...pageOf('docs/workflow.md'), ...quickstart.slice(-1)];

let directory: string;
let port: number;
let up: RunningCommand | undefined;
/** What later shells have to know: where it all is. */
const known: string[] = [];
let failed = false;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'realign-pages-'));
  port = await freePort();
  for (const tool of ['kubectl', 'cub']) {
    const file = join(directory, tool);
    const program = join(ROOT, 'testing/stand-in-tools.ts');
    await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${program}" ${tool} "$@"\n`);
    await chmod(file, 0o755);
  }
});
afterAll(async () => {
  up?.interrupt();
  await up?.ended;
  await up?.kill();
  await rm(directory, { recursive: true, force: true });
});

test.each(steps.map((step) => [step.lines.at(-1) ?? '', step] as const))(
  '%s',
  async (_last, step) => {
    // Each step needs those before it.
    expect(failed, 'an earlier step').toBe(false);
    failed = true;
    await take(step);
    failed = false;
  },
  START_TIMEOUT_MS,
);

async function take(step: PageStep): Promise<void> {
  if (step.lines[0] === '# your own values') return checkVariables(step);
  const lines = step.lines.map(inPlace);
  if (lines.some((line) => line.includes('realign up'))) return startUp(lines);
  known.push(...lines.filter((line) => /^(?:source|export) /.test(line)));
  const commands = lines.filter((line) => !known.includes(line));
  const last = commands.pop();
  let printed = '';
  for (const command of commands) printed += await run(command);
  if (last !== undefined) await conclude(last, step, printed);
}

/** What looks is asked until it shows what the page says, as people do; everything else is done once. */
async function conclude(command: string, { prints }: PageStep, before: string): Promise<void> {
  const isLook = /realign (?:questions|show)\b/.test(command);
  const missing = async () => {
    const printed = before + (await run(command));
    return prints.filter((pattern) => !pattern.test(printed)).map((one) => `${one}\n${printed}`);
  };
  if (!isLook) return expect(await missing()).toEqual([]);
  await eventually(async () => (await missing()).length === 0, {
    what: `${command} prints ${prints.join(', ')}`,
    timeoutMs: STEP_TIMEOUT_MS,
  });
}

async function startUp(lines: readonly string[]): Promise<void> {
  up = startCommand('bash', ['-c', `exec ${lines.join('\n')}`], {
    cwd: directory,
    env: { ...environment(), PORT: String(port) },
  });
  await up.printed(/Everything has been compared once/, START_TIMEOUT_MS);
}

/** In a shell that knows what the page has exported so far. Returns all that was printed. */
async function run(command: string): Promise<string> {
  const script = [...known, command.replaceAll('QUESTION', '$(newest_question)')];
  const newest = `newest_question() { ${join(ROOT, 'bin/realign')} questions -o json | tr ',{' '\\n\\n' | sed -n 's/^ *"id": "\\(.*\\)"$/\\1/p' | head -1; }`;
  const shell = startCommand('bash', ['-ec', [newest, ...script].join('\n')], {
    cwd: directory,
    env: environment(),
  });
  const code = await shell.ended;
  const printed = shell.stdout() + shell.stderr();
  expect(code, `${command}\n${printed}`).toBe(0);
  return printed;
}

/** A page is read in the clone; its commands run elsewhere. */
function inPlace(line: string): string {
  return line.replaceAll(/(^|[\s=])(bin|examples)\//g, `$1${ROOT}$2/`);
}

function environment(): NodeJS.ProcessEnv {
  const { PATH = '', HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR } = process.env;
  return { HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR, PATH: directory + delimiter + PATH };
}

function checkVariables({ lines }: PageStep): void {
  const names = lines.flatMap((line) => /^export (\w+)=/.exec(line)?.[1] ?? []);
  expect(names.length).toBeGreaterThan(3);
  expect(names.filter((name) => !Object.hasOwn(ENVIRONMENT_VARIABLES, name))).toEqual([]);
}
