import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import {
  type Process,
  type RunningCommand,
  startCommand,
  stillRunning,
} from '../../testing/running-command.ts';

// `npm run demo -- --once` as a stranger runs it, where nothing but this machine can be reached and nobody is logged in.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOWHERE = 'http://127.0.0.1:9';
const DEMO_TIMEOUT_MS = 240_000;
/** What the demo needs of its user: programs, and where downloaded binaries are. */
const KEPT = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'REALIGN_CACHE_DIR'];

const OUTCOMES = [
  'fixed',
  'partly-fixed',
  'accepted',
  'rejected',
  'snoozed',
  'waiting',
  'resolved',
  'failed',
] as const;

/** The contract that programs rely on. */
const resultSchema = z.looseObject({
  ok: z.literal(true),
  seconds: z.number().positive(),
  drifts: z.array(
    z.strictObject({
      environment: z.enum(['dev', 'staging', 'prod']),
      resource: z.string().regex(/^[A-Z]\w+\/acorn-bear-\w+\/[\w-]+$/),
      decision: z.enum(['auto', 'approve', 'reject', 'accept', 'snooze', 'none']),
      outcome: z.enum(OUTCOMES),
      seconds: z.number().positive(),
    }),
  ),
});

let temporary: string;
let demo: RunningCommand;
let processes: readonly Process[];
let code: number | null;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'realign-demo-'));
  demo = startCommand('npm', ['run', '--silent', 'demo', '--', '--once'], {
    cwd: ROOT,
    env: {
      ...Object.fromEntries(KEPT.map((name) => [name, process.env[name]])),
      TMPDIR: temporary,
      HTTP_PROXY: NOWHERE,
      HTTPS_PROXY: NOWHERE,
      http_proxy: NOWHERE,
      https_proxy: NOWHERE,
      npm_config_proxy: NOWHERE,
      npm_config_https_proxy: NOWHERE,
      npm_config_registry: NOWHERE,
      GOPROXY: 'off',
    },
  });
  await demo.printed(/Realign has compared everything once/, DEMO_TIMEOUT_MS);
  processes = await demo.processes();
  code = await demo.ended;
}, DEMO_TIMEOUT_MS);

afterAll(async () => {
  await demo?.kill();
  await rm(temporary, { recursive: true, force: true });
});

test('it ends well, and its one line on stdout is the contract', () => {
  expect(code, demo.stderr()).toBe(0);
  expect(demo.stdout()).toMatch(/^[^\n]+\n$/);
  const { drifts } = resultSchema.parse(JSON.parse(demo.stdout()));
  const counts = (decision: string) => drifts.filter((one) => one.decision === decision).length;
  expect(['auto', 'approve', 'reject', 'accept', 'none'].map(counts)).toEqual([3, 1, 1, 1, 1]);
});

test('it tells drift and fix in the words of the seed systems, one replica being one', () => {
  const lines = demo
    .stderr()
    .split('\n')
    .map((line) => line.trim());
  expect(lines).toContain('⚠️  DRIFT DETECTED: backend-api has 5 replicas, expected 3');
  expect(lines).toContain('⚠️  DRIFT DETECTED: frontend-web has 1 replica, expected 2');
  expect(lines).toContainEqual(
    expect.stringMatching(/^✅ Fixed: backend-api scaled to 3 replicas( \(.+ s\))?$/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^✅ Fixed: frontend-web scaled to 2 repl/));
  expect(demo.stderr()).toContain('Demo complete');
});

test('it shows what people see in Slack, before and after they decide, without colours in a file', () => {
  const lines = demo.stderr().split('\n');
  const drawn = lines.filter((line) => line.startsWith('   ┃'));
  for (const words of [
    '┃ 🟠 Drift · HIGH · Deployment/backend-api · prod',
    '▶\u00a0Approve\u00a0fix',
    '0 of 2',
    '┃ ✅ Fixed · HIGH · Deployment/backend-api · prod',
  ]) {
    expect(drawn.join('\n')).toContain(words);
  }
  const tooLong = drawn.filter((line) => line.length > 100 && !line.includes('http://'));
  expect(tooLong).toEqual([]);
  expect(demo.stderr()).not.toContain('\u001b');
});

test('it leaves no process and no file behind', async () => {
  // The launcher, the demo, its guardian, Postgres, Temporal, etcd and the API server at the least.
  expect(processes.length).toBeGreaterThanOrEqual(7);
  expect(await stillRunning(processes)).toEqual([]);
  const left = (await readdir(temporary)).filter((name) => name.startsWith('realign-'));
  expect(left).toEqual([]);
});
