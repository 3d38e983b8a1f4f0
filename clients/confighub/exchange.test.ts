import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { exchange } from './exchange.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serving(
  answer: (response: ServerResponse, seen: { body: string; port: number }) => void,
): Promise<URL> {
  const started = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => answer(response, { body, port: request.socket.remotePort ?? 0 }));
  });
  server = started;
  started.listen(0, '127.0.0.1');
  await once(started, 'listening');
  const address = started.address();
  return new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`);
}

const GET = { method: 'GET', headers: {}, timeoutMs: 30_000 };

test('sends a body, and reads an answer with its headers', async () => {
  const url = await serving((response, { body }) => {
    response.writeHead(201, 'Made', { etag: '"1"' }).end(body.toUpperCase());
  });
  const answer = await exchange(url, { ...GET, method: 'POST', body: '{"größe":1}' });
  expect(answer).toMatchObject({ status: 201, statusText: 'Made', text: '{"GRÖSSE":1}' });
  expect([answer.header('etag'), answer.header('retry-after')]).toEqual(['"1"', '']);
});

test('reads what a server has zipped', async () => {
  const url = await serving((response) => {
    response.setHeader('content-encoding', 'gzip').end(gzipSync('[1, 2, 3]'));
  });
  expect((await exchange(url, GET)).text).toBe('[1, 2, 3]');
});

test('asks again over the same connection', async () => {
  const ports = new Set<number>();
  const url = await serving((response, { port }) => {
    ports.add(port);
    response.end('ok');
  });
  for (let turn = 0; turn < 3; turn += 1) await exchange(url, GET);
  expect(ports.size).toBe(1);
});

test('follows no redirect', async () => {
  const url = await serving((response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  });
  expect((await exchange(url, GET)).status).toBe(302);
});

test('fails where an answer is cut short, does not come in time, or is not waited for', async () => {
  const cut = await serving((response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half');
    setImmediate(() => response.destroy());
  });
  await expect(exchange(cut, GET)).rejects.toThrow(/abort|closed/);
  server?.close();
  const silent = await serving((response) => {
    response.writeHead(200).write('half');
  });
  await expect(exchange(silent, { ...GET, timeoutMs: 50 })).rejects.toThrow(
    'no answer within 50 ms',
  );
  const signal = AbortSignal.timeout(50);
  await expect(exchange(silent, { ...GET, signal })).rejects.toThrow(/abort/i);
});
