import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';

// Each test starts processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), 'realign-check-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(yaml: string): string {
  const file = join(directory, 'realign.yaml');
  writeFileSync(file, yaml);
  return file;
}

it('prints what the processes will see, without a secret', () => {
  const file = fileOf(
    'confighub: { token: sesame-1 }\ndatabase: { url: "postgres://u:sesame-2@h/d?password=sesame-3" }\nredaction: { key: sesame-4-sesame-4 }\naudit: { token: sesame-6-sesame-6 }\n',
  );
  const env = { CLAUDE_API_KEY: 'sesame-5' };
  for (const format of ['json', 'table']) {
    const out = execFileSync(process.execPath, [MAIN, 'config', 'check', file, '-o', format], {
      env,
    });
    expect(String(out)).toContain('acorn-bear-qa');
    expect(String(out)).not.toContain('sesame');
  }
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
