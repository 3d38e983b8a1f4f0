import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { SECRET_KEYS } from './without-secrets.ts';

// Each test starts processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const CODEC_KEY = Buffer.alloc(32, 'sesame-14').toString('base64');
const ROUTING_KEY = '0123456789abcdef0123456789abcdef';
const MAIN = new URL('./main.ts', import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), 'realign-check-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(yaml: string): string {
  const file = join(directory, 'realign.yaml');
  writeFileSync(file, yaml);
  return file;
}

it('prints what the processes will see, without a secret', () => {
  const file = fileOf(`
confighub: { token: sesame-1 }
database: { url: "postgres://u:sesame-2@h/d?password=sesame-3" }
redaction: { key: sesame-4-sesame-4 }
audit: { token: sesame-6-sesame-6 }
temporal: { codec: { keys: [{ id: one, key: "${CODEC_KEY}" }], token: sesame-7-sesame-7-sesame-7-sesame-7 } }
slack: { channel: C0123456789, signingSecret: sesame-8 }
notifications:
  smtp: { host: mail.example.com, user: realign, password: sesame-9, from: realign@example.com }
  receivers:
    - { name: pager, pagerduty: { routingKey: ${ROUTING_KEY} } }
    - { name: chat, webhook: { url: "https://chat.example.com/hooks/sesame-10", secret: sesame-11-sesame-11 } }
    - { name: mail, email: { to: [team@example.com] } }
`);
  // A key of the codec is bytes once it is read.
  const bytes = JSON.stringify(Buffer.from(CODEC_KEY, 'base64').toJSON().data.slice(0, 4));
  for (const tokens of [{ SLACK_APP_TOKEN: 'xapp-sesame-12' }, {}]) {
    const env = { CLAUDE_API_KEY: 'sesame-5', SLACK_BOT_TOKEN: 'xoxb-sesame-13', ...tokens };
    for (const format of ['json', 'table']) {
      const out = String(
        execFileSync(process.execPath, [MAIN, 'config', 'check', file, '-o', format], { env }),
      );
      expect(out).toContain('acorn-bear-qa');
      expect(out).toContain('pager');
      expect(out).not.toContain('sesame');
      for (const secret of [CODEC_KEY, ROUTING_KEY]) expect(out).not.toContain(secret);
      expect(out.replaceAll(/"\d+": /g, '').replaceAll(/\s/g, '')).not.toContain(
        bytes.slice(1, -1),
      );
    }
  }
});

it('knows every key that can be read from a file of its own as a secret', () => {
  const folder = new URL('../lib/', import.meta.url);
  const named = readdirSync(folder)
    .filter((name) => name.startsWith('config-schema'))
    .flatMap((name) => [
      ...readFileSync(new URL(name, folder), 'utf8').matchAll(/^\s+(\w+)File:/gm),
    ])
    .map(([, key = '']) => key);
  expect(named.length).toBeGreaterThan(8);
  // A URL keeps its host; certificates are for everybody to see.
  const shown = ['url', 'ca', 'cert'];
  expect(named.filter((key) => !shown.includes(key) && !SECRET_KEYS.has(key))).toEqual([]);
});

it('lists every problem and exits 1', () => {
  const file = fileOf('polices: []\napi: { prot: 1 }\n');
  const run = spawnSync(process.execPath, [MAIN, '-c', file, 'config', 'check'], { env: {} });
  expect(run.status).toBe(1);
  expect(String(run.stderr)).toContain('line 1: polices: unknown key; did you mean "policies"?');
  expect(String(run.stderr)).toContain('line 2: api.prot: unknown key; did you mean "port"?');
  const json = spawnSync(process.execPath, [MAIN, 'config', 'check', file, '-o', 'json'], {
    env: {},
  });
  expect(JSON.parse(String(json.stdout))).toMatchObject({
    ok: false,
    problems: [
      { key: 'polices', line: 1 },
      { key: 'api.prot', line: 2 },
    ],
  });
});
