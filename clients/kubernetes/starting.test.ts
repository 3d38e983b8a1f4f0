import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Credentials } from './credentials.ts';
import { createHttp } from './http.ts';
import { createStartingCheck } from './starting.ts';

describe('an API server that refuses', () => {
  let server: http.Server;
  let isReady: boolean;
  /** The statuses of the following requests; 200 after the last. */
  let answers: number[];
  let asked: string[];

  beforeEach(async () => {
    [isReady, answers, asked] = [true, [], []];
    server = http.createServer((request, response) => {
      asked.push(request.url ?? '');
      const status = request.url === '/readyz' ? (isReady ? 200 : 403) : (answers.shift() ?? 200);
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  function get(): Promise<unknown> {
    const agent = new http.Agent();
    const { port } = server.address() as AddressInfo;
    const credentials: Credentials = {
      server: new URL(`http://127.0.0.1:${port}`),
      context: 'test',
      access: async () => ({ headers: {}, agent, watchAgent: agent }),
      close: () => agent.destroy(),
    };
    const client = createHttp(credentials, { timeoutMs: 5_000, userAgent: 'test' });
    return client.json({ method: 'GET', path: '/api', repeatable: true, what: 'get /api' });
  }

  test('means it when it is ready, and is asked once more before', async () => {
    answers = [403, 403];
    await expect(get()).rejects.toMatchObject({ code: 'KUBERNETES_FORBIDDEN' });
    expect(asked).toEqual(['/api', '/readyz', '/api']);
  });

  test('is unavailable while it starts', async () => {
    isReady = false;
    answers = [403];
    await expect(get()).rejects.toMatchObject({
      code: 'KUBERNETES_UNAVAILABLE',
      message: expect.stringContaining('is starting'),
    });
  });

  test('answers when it became ready in between', async () => {
    answers = [403];
    await expect(get()).resolves.toEqual({});
  });
});

describe('a server that never says that it is ready', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is believed after half a minute, and counts as starting again after a calm minute', async () => {
    const isStarting = createStartingCheck(async () => false);
    expect(await isStarting()).toBe(true);
    vi.advanceTimersByTime(29_000);
    expect(await isStarting()).toBe(true);
    vi.advanceTimersByTime(2_000);
    expect(await isStarting()).toBe(false);
    vi.advanceTimersByTime(61_000);
    expect(await isStarting()).toBe(true);
  });
});
