import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { createConfighubClient } from '../../clients/confighub/index.ts';
import { createLog } from '../../lib/log.ts';
import { startCommand } from '../../testing/running-command.ts';
import { testPostgres } from '../../testing/stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = `
  import { Command } from 'commander';
  import { registerConfighub } from './cli/commands/confighub.ts';
  const program = new Command('realign');
  registerConfighub(program);
  await program.parseAsync(process.argv.slice(1), { from: 'user' });`;

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

async function serve(...args: readonly string[]) {
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      PROGRAM,
      '--',
      'confighub',
      'serve',
      '--port',
      '0',
      '--token',
      't',
      ...args,
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  running.add(child);
  const [url] = (await once(createInterface(child.stdout), 'line', {
    signal: AbortSignal.timeout(60_000),
  })) as [string];
  return {
    hub: createConfighubClient({ url, token: 't', log: createLog('fatal') }),
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = (await ended) as [number | null];
      running.delete(child);
      return code;
    },
  };
}

it('serves from a directory of its own, stops in good order and finds its spaces again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'confighub-serve-'));
  try {
    const first = await serve('--data', directory);
    expect(await first.hub.me()).toMatchObject({ username: 'developer' });
    await first.hub.createSpace({ slug: 'kept' });
    expect(await first.stop()).toBe(0);
    const second = await serve('--data', directory);
    expect(await second.hub.findSpace('kept')).toBeDefined();
    expect(await second.stop()).toBe(0);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 120_000);

it('says what stands in the way: a taken port, a database that is away', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const { url } = await testPostgres();
  const refusalOf = async (...args: readonly string[]) => {
    const all = ['confighub', 'serve', '--token', 't', ...args];
    const command = startCommand(join(ROOT, 'bin/realign'), all, { cwd: ROOT, env: process.env });
    const code = await command.ended;
    return `${code} ${command.stderr()}`;
  };
  try {
    expect(await refusalOf('--port', port, '--database', url)).toMatch(
      /^2 realign: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n {2}Choose another port/,
    );
    const away = 'postgres://nobody@127.0.0.1:1/none';
    expect(await refusalOf('--port', '0', '--database', away)).toMatch(
      /^2 realign: the database cannot be opened: .*ECONNREFUSED.*\n {2}Check that Postgres runs/,
    );
  } finally {
    taken.close();
  }
}, 120_000);
