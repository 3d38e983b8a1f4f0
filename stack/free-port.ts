import { createServer } from 'node:net';
import { AppError } from '../lib/errors.ts';

// Below the range from which the kernel takes ports for outgoing connections (32768 on Linux, 49152 on macOS), so that
// nobody is given the port between our look and the server's start.
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const MAX_TRIES = 100;

/** A port of 127.0.0.1 that nobody listens on, chosen at random so that stacks starting at once seldom meet. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) return port;
  }
  throw new AppError(
    'SETUP_FAILED',
    `no free port between ${FIRST_PORT} and ${LAST_PORT} after ${MAX_TRIES} tries`,
  );
}

/** Several different ones. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/**
 * Refuses a port that cannot be listened on (SETUP_FAILED), before anything else is started for it. Port 0 is any free one.
 */
export async function requireFreePort(host: string, port: number): Promise<void> {
  const problem = await whyTaken(port, host);
  if (problem === undefined) return;
  throw new AppError('SETUP_FAILED', `cannot listen on ${host}:${port}: ${problem.message}`, {
    cause: problem,
    details: {
      repair:
        'Set PORT or `api.port` to a free port, or end what listens there: maybe another `realign up`.',
    },
  });
}

async function isFree(port: number): Promise<boolean> {
  return (await whyTaken(port, '127.0.0.1')) === undefined;
}

function whyTaken(port: number, host: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
