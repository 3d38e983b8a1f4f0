import { type CompareContext, compare } from '../drift/compare/compare.ts';
import { type CompiledDesired, compileDesired } from '../drift/compare/compile.ts';
import { applyIgnoreRules, compileIgnoreRules } from '../drift/compare/ignore.ts';
import type { RuleSubject } from '../drift/compare/ignore-rule.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import type { Pair } from './compare-objects.ts';
import { percentile } from './statistics.ts';

const WARM_UP_MS = 500;
/** Asking the clock is not part of the comparison. */
const NOW_MS = Date.now();
export const MEASURE_MS = 2_000;
const ALLOCATION_BURSTS = 50;
/** Few enough that one round of the largest objects ends well within the measured time. */
const LATENCY_SAMPLES = 2_000;

/** Rules as people write them; none of them fits the cases, whose verdicts are those without rules. */
const RULES = compileIgnoreRules([
  {
    id: 'mesh',
    match: { kinds: ['apps/Deployment', 'apps/StatefulSet'] },
    paths: ['spec.template.metadata.annotations["sidecar.istio.io/status"]'],
    by: { managers: ['istio*'] },
    effect: 'expected',
    reason: 'the mesh writes its status',
  },
  {
    id: 'scaled',
    match: { labels: 'tier=batch' },
    paths: ['spec.replicas'],
    bounds: { min: 2, max: 9 },
    effect: 'expected',
    reason: 'scaled by the batch system',
  },
  {
    id: 'sandbox',
    match: { namespaces: ['sandbox-*'] },
    paths: ['**'],
    effect: 'observe',
    reason: 'people try things out there',
    expires: '2100-01-01',
  },
]);

/** A pair ready to be compared any number of times, as the watcher has it once a unit was read. */
export type Prepared = {
  readonly name: string;
  readonly desired: CompiledDesired;
  readonly live: KubeObject | undefined;
  readonly context: CompareContext;
  readonly expected: readonly string[];
};

export type Speed = {
  readonly pairs: number;
  readonly pairs_per_s: number;
  /** Of all threads of the process: the collector of garbage is paid for. */
  readonly pairs_per_cpu_s: number;
  readonly bytes_per_pair: number;
};

export function prepare(pair: Pair): Prepared {
  const base = pair.lastApplied ? { base: compileDesired(pair.lastApplied) } : {};
  return {
    name: pair.name,
    desired: compileDesired(pair.desired),
    live: pair.live ?? undefined,
    context: { appliers: ['confighub'], unexplained: 'rewritten', collectExcused: true, ...base },
    expected: (pair.expect ?? []).map(
      ({ path, type }) => `${type} ${path === '(object)' ? '' : path}`,
    ),
  };
}

/** Compares all pairs, rules applied, again and again on one thread. Throws INTERNAL at the first wrong verdict. */
export function measureSpeed(pairs: readonly Prepared[]): Speed {
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

/** The time of single comparisons of one pair, in milliseconds. */
export function measureLatency(pair: Prepared): {
  readonly p50_ms: number;
  readonly p99_ms: number;
} {
  runFor([pair], WARM_UP_MS);
  const samplesMs: number[] = [];
  for (let sample = 0; sample < LATENCY_SAMPLES; sample++) {
    const before = performance.now();
    compareChecked(pair);
    samplesMs.push(performance.now() - before);
  }
  return {
    p50_ms: Number(percentile(samplesMs, 0.5).toFixed(3)),
    p99_ms: Number(percentile(samplesMs, 0.99).toFixed(3)),
  };
}

/** One comparison whose verdict is checked, so that no speed is bought with wrong answers. */
function compareChecked(pair: Prepared): void {
  const found = compare(pair.desired, pair.live, pair.context);
  const { changes } = applyIgnoreRules(found, RULES, () => subjectOf(pair.desired.object), NOW_MS);
  const isRight =
    changes.length === pair.expected.length &&
    changes.every(({ op, path }) => pair.expected.includes(`${op} ${path}`));
  if (!isRight) {
    const found = changes.map(({ op, path }) => `${op} ${path}`).join(', ');
    throw new AppError('INTERNAL', `wrong verdict for ${pair.name}: found "${found}"`);
  }
}

function subjectOf(object: KubeObject): RuleSubject {
  const { labels = {}, annotations = {} } = object.metadata;
  return {
    ...refOf('bench', object),
    unit: 'bench',
    labels: labels ?? {},
    annotations: annotations ?? {},
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
  for (let burst = 0; burst < ALLOCATION_BURSTS; burst++) {
    const before = process.memoryUsage().heapUsed;
    for (const pair of pairs) compareChecked(pair);
    const growth = process.memoryUsage().heapUsed - before;
    if (growth >= 0) growths.push(growth / pairs.length);
  }
  return Math.round(percentile(growths, 0.5));
}
