/** `npm run check`: format and lint, types and fast tests side by side; what failed is shown at the end, in full. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT_KEPT_CHARS = 200_000;

type Check = { readonly name: string; readonly script: string; readonly args: readonly string[] };

const CHECKS: readonly Check[] = [
  { name: 'format and lint', script: '@biomejs/biome/bin/biome', args: ['check', '.'] },
  { name: 'types', script: 'typescript/bin/tsc', args: ['--noEmit'] },
  { name: 'fast tests', script: 'vitest/vitest.mjs', args: ['run', '--project', 'fast'] },
];

// `check types` runs one of them: .ci/run has no use for the fast tests, because it runs all of them afterwards.
const wanted = process.argv.slice(2);
const checks = CHECKS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const outcomes = await Promise.all(checks.map(run));
for (const { name, ok, output } of outcomes)
  if (!ok) console.error(`\n── ${name}\n${output.trim()}`);
process.exitCode = outcomes.every((one) => one.ok) ? 0 : 1;

async function run(check: Check): Promise<{ name: string; ok: boolean; output: string }> {
  const startedAt = Date.now();
  const child = spawn(process.execPath, [join(ROOT, 'node_modules', check.script), ...check.args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_KEPT_CHARS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.error(`${code === 0 ? '✓' : '✗'} ${check.name} (${seconds} s)`);
  return { name: check.name, ok: code === 0, output };
}
