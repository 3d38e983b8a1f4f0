import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fromUnknown } from '../lib/errors.ts';
import { type Kubernetes, type Stack, startStack } from '../stack/index.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

/** Every part can be asked for by name; the answer is what a test needs to reach it. */
export type PartAnswers = {
  readonly postgres: { readonly url: string };
  readonly temporal: { readonly address: string; readonly uiUrl: string };
  readonly kubernetes: Omit<Kubernetes, 'stop' | 'crash' | 'recover'>;
};
export type PartName = keyof PartAnswers;

const PARTS: readonly PartName[] = ['postgres', 'temporal', 'kubernetes'];

/**
 * A tiny HTTP server in the test runner's own process: `GET /<part>` starts the part the first time and answers where it is;
 * `POST /status-player/pause` and `/resume` stall and release the embedded cluster's controllers for all files.
 */
export async function createPartBroker(): Promise<{ url: string; stop(): Promise<void> }> {
  const stacks = new Map<PartName, Promise<Stack>>();
  const stackOf = (part: PartName): Promise<Stack> => {
    const known = stacks.get(part);
    if (known) return known;
    const starting = startStack({
      without: PARTS.filter((other) => other !== part),
      searchAttributes: SEARCH_ATTRIBUTES,
      onFailure: (error) => console.error(error.message),
    });
    stacks.set(part, starting);
    return starting;
  };
  const server = createServer((request, response) => {
    answer(stackOf, request.url ?? '/').then(
      (body) => send(response, 200, body),
      (error: unknown) => send(response, 500, { message: fromUnknown(error).message }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.close();
      const started = await Promise.allSettled(stacks.values());
      await Promise.all(started.map((one) => one.status === 'fulfilled' && one.value.stop()));
    },
  };
}

async function answer(stackOf: (part: PartName) => Promise<Stack>, path: string): Promise<unknown> {
  switch (path) {
    case '/postgres':
      return { url: (await stackOf('postgres')).postgresUrl } satisfies PartAnswers['postgres'];
    case '/temporal':
      return (await stackOf('temporal')).temporal;
    case '/kubernetes':
      return (await stackOf('kubernetes')).kubernetes;
    case '/status-player/pause':
      (await stackOf('kubernetes')).kubernetes?.statusPlayer.pause();
      return {};
    case '/status-player/resume':
      (await stackOf('kubernetes')).kubernetes?.statusPlayer.resume();
      return {};
    default:
      throw new Error(`there is no part at ${path}`);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
