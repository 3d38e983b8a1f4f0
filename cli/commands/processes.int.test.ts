import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningCommand, startCommand } from '../../testing/running-command.ts';

// A process that cannot start ends, so that whoever runs it (a shell, a Deployment) hears of it.

const REALIGN = fileURLToPath(new URL('../../bin/realign', import.meta.url));
const START_TIMEOUT_MS = 60_000;
/** From the message to the end. */
const END_TIMEOUT_MS = 5_000;

let taken: Server;
let port: number;
const commands: RunningCommand[] = [];

beforeAll(async () => {
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  ({ port } = taken.address() as AddressInfo);
});
afterAll(async () => {
  await Promise.all(commands.map((command) => command.kill()));
  taken.close();
});

test.each(['api', 'worker', 'all'])(
  '`realign %s` ends with an error when its port is taken',
  async (name) => {
    const { PATH, HOME } = process.env;
    const command = startCommand(REALIGN, [name], {
      cwd: tmpdir(),
      env: { PATH, HOME, PORT: String(port), CUB_TOKEN: 'nobody-is-asked' },
    });
    commands.push(command);
    await command.printed(/cannot listen on 127\.0\.0\.1:\d+/, START_TIMEOUT_MS);
    const late = AbortSignal.timeout(END_TIMEOUT_MS);
    const code = await Promise.race([command.ended, once(late, 'abort').then(() => 'still runs')]);
    expect(code, command.stderr()).toBe(2);
  },
  START_TIMEOUT_MS + 2 * END_TIMEOUT_MS,
);
