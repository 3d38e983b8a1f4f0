import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** A project as small as can be, with this project's launcher and an npm that only notes that it was called. */
let root: string;
let children: ChildProcess[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'realign-run-'));
  children = [];
  cpSync(join(PROJECT, 'setup'), join(root, 'setup'), {
    recursive: true,
    filter: (path) => !path.includes('/setup/go'),
  });
  cpSync(join(PROJECT, 'bin'), join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"name":"small","type":"module"}');
  writeLock('1.0.0');
  write('fake/npm', `#!/bin/sh\necho "$1" >> "${root}/npm-calls"\nmkdir -p node_modules\n`, 0o755);
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

test('packages are installed once, and again when the lock file changes', async () => {
  write('hello.ts', 'console.log("hello", process.argv[2] satisfies string | undefined);');
  const first = await run(['hello.ts', 'you']);
  expect(first).toMatchObject({ code: 0, stdout: 'hello you\n' });
  expect(first.stderr).toMatch(/npm packages …\n.*npm packages: done in/s);
  expect((await run(['hello.ts'])).stderr).toBe('');
  expect(npmCalls()).toEqual(['ci']);
  writeLock('1.0.1');
  await run(['hello.ts']);
  expect(npmCalls()).toEqual(['ci', 'ci']);
});

test('what somebody installed by hand is left alone', async () => {
  write('hello.ts', 'console.log("hello");');
  write('node_modules/.package-lock.json', readFileSync(join(root, 'package-lock.json'), 'utf8'));
  expect(await run(['hello.ts'])).toMatchObject({ code: 0, stdout: 'hello\n' });
  expect(npmCalls()).toEqual([]);
});

test('an installation that fails says why, and counts for nothing', async () => {
  write(
    'fake/npm',
    '#!/bin/sh\nmkdir -p node_modules/half\necho "registry is away" >&2\nexit 1\n',
    0o755,
  );
  const { code, stderr } = await run(['hello.ts']);
  expect(code).toBe(1);
  expect(stderr).toContain('registry is away');
  expect(existsSync(join(root, 'node_modules/.realign-stamp'))).toBe(false);
});

test('an interrupted installation leaves no stamp and no npm', async () => {
  write('fake/npm', `#!/bin/sh\necho $$ > "${root}/npm-pid"\nexec sleep 60\n`, 0o755);
  const child = start(['hello.ts']);
  const pid = await eventually(() => Number(readFileSync(join(root, 'npm-pid'), 'utf8')) || false, {
    what: 'npm has started',
  });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([143, null]);
  await eventually(() => !isAlive(pid), { what: 'npm is gone' });
  expect(existsSync(join(root, 'node_modules/.realign-stamp'))).toBe(false);
});

test('the exit code is that of the script', async () => {
  write('seven.ts', 'process.exit(7);');
  expect((await run(['seven.ts'])).code).toBe(7);
});

test('signals reach the script, which may take its time', async () => {
  write(
    'patient.ts',
    `process.on('SIGTERM', () => setTimeout(() => { console.log('bye'); process.exit(3); }, 50));
     console.log('ready'); setInterval(() => {}, 1000);`,
  );
  const child = start(['patient.ts']);
  const output = collect(child);
  await eventually(() => output.stdout.includes('ready'), { what: 'the script runs' });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([3, null]);
  expect(output.stdout).toContain('bye');
});

test('a script ends with a launcher that was killed and could not say so', async () => {
  write(
    'watchful.ts',
    `import { watchRunner } from ${JSON.stringify(join(PROJECT, 'stack/runner-watch.ts'))};
     watchRunner(() => process.exit(0));
     console.log(process.pid); setInterval(() => {}, 1000);`,
  );
  const child = start(['watchful.ts']);
  const output = collect(child);
  const pid = await eventually(() => Number(output.stdout) || false, { what: 'the script runs' });
  child.kill('SIGKILL');
  await eventually(() => !isAlive(pid), { what: 'the script has ended' });
});

test('the launcher works through a symbolic link, in the directory of its caller', async () => {
  write('cli/main.ts', 'console.log(process.cwd(), ...process.argv.slice(2));');
  mkdirSync(join(root, 'elsewhere'));
  symlinkSync('../bin/realign', join(root, 'elsewhere/realign'));
  const child = spawn('./realign', ['up', '--now'], {
    cwd: join(root, 'elsewhere'),
    env: environment(),
  });
  const output = collect(child);
  await once(child, 'close');
  expect(output.stdout).toBe(`${join(root, 'elsewhere')} up --now\n`);
});

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'setup/run.mjs'), ...args], {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function run(
  args: readonly string[],
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = start(args);
  const output = collect(child);
  const [code] = await once(child, 'close');
  return { code, ...output };
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk;
  });
  return output;
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${join(root, 'fake')}:${join(process.execPath, '..')}:/usr/bin:/bin`,
  };
}

function write(name: string, text: string, mode = 0o644): void {
  mkdirSync(join(root, name, '..'), { recursive: true });
  writeFileSync(join(root, name), text);
  chmodSync(join(root, name), mode);
}

function writeLock(version: string): void {
  const packages = { '': {}, 'node_modules/thing': { version } };
  write('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages }, null, 2));
}

function npmCalls(): string[] {
  const file = join(root, 'npm-calls');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
