import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { largeObjects, type Pair, typicalDeployment, wideDeployment } from './compare-objects.ts';
import { MEASURE_MS, measureLatency, measureSpeed, prepare } from './compare-speed.ts';
import { buildPeer, type PeerRun, runPeer } from './peer.ts';
import { percentile } from './statistics.ts';

const CASES = new URL('../drift/compare/fixtures/diff-cases.json', import.meta.url);
const PEER_ROUNDS = 3;

type PairSet = { readonly set: string; readonly pairs: readonly Pair[] };

/**
 * `bench compare [--cases FILE] [--peer] [-o json]`: pairs per second and per CPU second on one thread, attribution, type,
 * severity and ignore rules included, every verdict checked while timing: first of the cases, then of single objects from
 * small to large, then the p99 of a wide Deployment. One line each. `--peer` builds the comparison of Argo CD's
 * gitops-engine (once, some minutes) and runs both by turns on the same pairs.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string' },
      peer: { type: 'boolean', default: false },
      output: { type: 'string', short: 'o', default: 'table' },
    },
  });
  const print = (row: object) =>
    console.log(values.output === 'json' ? JSON.stringify(row) : line(row));
  const sets = readSets(values.cases ?? CASES);
  if (values.peer) {
    const program = await buildPeer();
    for (const one of sets) print({ bench: 'compare', ...(await againstPeer(one, program)) });
    return;
  }
  for (const { set, pairs } of sets) {
    print({ bench: 'compare', set, ...measureSpeed(pairs.map(prepare)) });
  }
  const wide = wideDeployment();
  print({ bench: 'compare', set: wide.name, ...measureLatency(prepare(wide)) });
}

function readSets(file: string | URL): readonly PairSet[] {
  const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly Pair[];
  const single = [typicalDeployment(), ...largeObjects()];
  return [
    { set: `${cases.length} cases`, pairs: cases },
    ...single.map((pair) => ({ set: pair.name, pairs: [pair] })),
  ];
}

/** Both by turns, so that whatever else the machine does meets both; the middle of the rounds counts. */
async function againstPeer({ set, pairs }: PairSet, program: string): Promise<object> {
  const prepared = pairs.map(prepare);
  const ours: number[] = [];
  const theirs: PeerRun[] = [];
  for (let round = 0; round < PEER_ROUNDS; round++) {
    ours.push(measureSpeed(prepared).pairs_per_cpu_s);
    theirs.push(await runPeer(program, pairs, MEASURE_MS / 1_000));
  }
  const ratios = theirs.map((one, round) => (ours[round] ?? Number.NaN) / one.pairsPerCpuS);
  const [first] = theirs;
  return {
    set,
    pairs_per_cpu_s: Math.round(percentile(ours, 0.5)),
    peer_pairs_per_cpu_s: Math.round(
      percentile(
        theirs.map((one) => one.pairsPerCpuS),
        0.5,
      ),
    ),
    ratio: Math.round(percentile(ratios, 0.5)),
    ratio_min: Math.round(Math.min(...ratios)),
    ratio_max: Math.round(Math.max(...ratios)),
    peer_bytes_per_pair: first?.bytesPerPair,
    // Ours are all right, or the run ends with an error.
    peer_right_verdicts: pairs.filter((pair) => first?.modified.has(pair.name) === isDrift(pair))
      .length,
  };
}

function isDrift(pair: Pair): boolean {
  return (pair.expect ?? []).length > 0;
}

function line(row: object): string {
  return Object.entries(row)
    .map(([key, value]) => `${key}=${value}`)
    .join('  ');
}
