import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CompareContext, compare } from '../drift/compare.ts';
import { type CompiledDesired, compileDesired } from '../drift/compile.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { largeObjects, type Pair, wideDeployment } from './compare-objects.ts';

const CASES = new URL('../drift/fixtures/diff-cases.json', import.meta.url);
const WARM_UP_MS = 500;
const MEASURE_MS = 2_000;
/** Few enough that one round of the largest objects ends well within the measured time. */
const LATENCY_SAMPLES = 2_000;

type Prepared = {
  readonly name: string;
  readonly desired: CompiledDesired;
  readonly live: KubeObject | undefined;
  readonly context: CompareContext;
  readonly expected: readonly string[];
};

type Speed = {
  readonly pairs: number;
  readonly pairs_per_s: number;
  readonly pairs_per_cpu_s: number;
  readonly bytes_per_pair: number;
};

/**
 * `bench compare [--cases FILE] [-o json]`: pairs per second and per CPU second on one thread, attribution, type and severity
 * included, every verdict checked while timing; then single large objects and the p99 of a wide Deployment. One JSON line each.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'table' },
    },
  });
  const print = (row: object) =>
    console.log(values.output === 'json' ? JSON.stringify(row) : line(row));
  const cases = readCases(values.cases ?? CASES);
  print({ bench: 'compare', set: `${cases.length} cases`, ...measure(cases) });
  for (const pair of largeObjects()) {
    print({ bench: 'compare', set: pair.name, ...measure([prepare(pair)]) });
  }
  print({
    bench: 'compare',
    set: '10 containers of 200 env',
    ...latency(prepare(wideDeployment())),
  });
}

function line(row: object): string {
  return Object.entries(row)
    .map(([key, value]) => `${key}=${value}`)
    .join('  ');
}

function readCases(file: string | URL): readonly Prepared[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as readonly Pair[]).map(prepare);
}

function prepare(pair: Pair): Prepared {
  const base = pair.lastApplied ? { base: compileDesired(pair.lastApplied) } : {};
  return {
    name: pair.name,
    desired: compileDesired(pair.desired),
    live: pair.live ?? undefined,
    context: { appliers: ['confighub'], unexplained: 'rewritten', ...base },
    expected: (pair.expect ?? []).map(
      ({ path, type }) => `${type} ${path === '(object)' ? '' : path}`,
    ),
  };
}

/** One comparison whose verdict is checked, so that no speed is bought with wrong answers. */
function compareChecked(pair: Prepared): void {
  const { changes } = compare(pair.desired, pair.live, pair.context);
  const isRight =
    changes.length === pair.expected.length &&
    changes.every(({ op, path }) => pair.expected.includes(`${op} ${path}`));
  if (!isRight) {
    const found = changes.map(({ op, path }) => `${op} ${path}`).join(', ');
    throw new AppError('INTERNAL', `wrong verdict for ${pair.name}: found "${found}"`);
  }
}

function measure(pairs: readonly Prepared[]): Speed {
  runFor(pairs, WARM_UP_MS);
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const rounds = runFor(pairs, MEASURE_MS);
  const elapsedS = (performance.now() - before) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const count = rounds * pairs.length;
  return {
    pairs: count,
    pairs_per_s: Math.round(count / elapsedS),
    pairs_per_cpu_s: Math.round((count * 1e6) / (cpu.user + cpu.system)),
    bytes_per_pair: bytesPerPair(pairs),
  };
}

function runFor(pairs: readonly Prepared[], durationMs: number): number {
  const end = performance.now() + durationMs;
  let rounds = 0;
  do {
    for (const pair of pairs) compareChecked(pair);
    rounds++;
  } while (performance.now() < end);
  return rounds;
}

/** Heap growth over one small burst; bursts interrupted by a collection shrink the heap and are left out. */
function bytesPerPair(pairs: readonly Prepared[]): number {
  const growths: number[] = [];
  for (let burst = 0; burst < 50; burst++) {
    const before = process.memoryUsage().heapUsed;
    for (const pair of pairs) compareChecked(pair);
    const growth = process.memoryUsage().heapUsed - before;
    if (growth >= 0) growths.push(growth / pairs.length);
  }
  return Math.round(quantile(growths, 0.5));
}

function latency(pair: Prepared): object {
  runFor([pair], WARM_UP_MS);
  const samplesMs: number[] = [];
  for (let sample = 0; sample < LATENCY_SAMPLES; sample++) {
    const before = performance.now();
    compareChecked(pair);
    samplesMs.push(performance.now() - before);
  }
  return {
    p50_ms: Number(quantile(samplesMs, 0.5).toFixed(3)),
    p99_ms: Number(quantile(samplesMs, 0.99).toFixed(3)),
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
