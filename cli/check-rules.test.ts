import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';

// Each test starts a process, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const DAY_MS = 24 * 3_600_000;

function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString();
}

function rule(id: string, hits: number, lastHit: string | null, expires: string | null = null) {
  return { id, effect: 'expected', reason: 'because', expires, hits, last_hit: lastHit };
}

async function check(rules: readonly object[], format: 'json' | 'table') {
  const server = createServer((request, response) => {
    const isRules = request.url === '/api/v1/ignore-rules';
    response.writeHead(isRules ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ignore_rules: rules, count: rules.length }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const env = { PATH: process.env['PATH'], REALIGN_URL: `http://127.0.0.1:${port}` };
  const args = [MAIN, 'config', 'check', '--live', '-o', format];
  try {
    return await new Promise<{ code: unknown; stdout: string }>((done) => {
      execFile(process.execPath, args, { env, timeout: 30_000 }, (error, stdout) =>
        done({ code: error ? error.code : 0, stdout }),
      );
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('rules that decide nothing any more, or have expired, are listed', async () => {
  const rules = [
    rule('busy', 7, daysAgo(1)),
    rule('old', 7, daysAgo(40)),
    rule('misspelt', 0, null),
    rule('over', 3, daysAgo(1), daysAgo(2)),
  ];
  const { code, stdout } = await check(rules, 'json');
  expect(code).toBe(1);
  const { stale } = JSON.parse(stdout) as { stale: { id: string; why: string }[] };
  expect(stale.map((one) => one.id)).toEqual(['old', 'misspelt', 'over']);
  expect(stale.map((one) => one.why)).toEqual([
    'decided nothing for 40 days',
    'never decided anything',
    expect.stringContaining('expired on'),
  ]);
});

test('all is well while every rule is in use', async () => {
  const { code, stdout } = await check([rule('busy', 7, daysAgo(1))], 'table');
  expect(code).toBe(0);
  expect(stdout).toContain('1 ignore rule, 0 of them worth a look.');
});
