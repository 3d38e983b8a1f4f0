import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { AppError } from '../lib/errors.ts';
import { runChild } from '../setup/child.mjs';
import { cacheDirectory, findOnPath } from '../setup/locate.mjs';
import { step } from '../setup/step.mjs';
import type { Pair } from './compare-objects.ts';

const SOURCE = fileURLToPath(new URL('peers/gitops-engine/', import.meta.url));
/** Beyond the measured time: the peer compiles regular expressions, registers all types and reads the pairs. */
const START_MS = 60_000;
const ANSWER_MAX_BYTES = 2 ** 20;

/** What the peer did: pairs per CPU second of the whole process, and which pairs it calls different. */
export type PeerRun = {
  readonly pairsPerS: number;
  readonly pairsPerCpuS: number;
  readonly bytesPerPair: number;
  readonly modified: ReadonlySet<string>;
};

const answer = z
  .object({
    pairs_per_s: z.number(),
    pairs_per_cpu_s: z.number(),
    bytes_per_pair: z.number(),
    modified: z.array(z.string()),
  })
  .transform(
    (read): PeerRun => ({
      pairsPerS: read.pairs_per_s,
      pairsPerCpuS: read.pairs_per_cpu_s,
      bytesPerPair: read.bytes_per_pair,
      modified: new Set(read.modified),
    }),
  );

/** The path of the peer's program; builds it into the cache if its source is new there. Needs Go and a module proxy. */
export async function buildPeer(): Promise<string> {
  const program = join(cacheDirectory(), `gitops-engine-${sourceDigest()}`);
  if (existsSync(program)) return program;
  const go = findOnPath('go');
  if (go === undefined) {
    throw new AppError('INVALID_INPUT', '--peer needs Go 1.26 on PATH (https://go.dev/dl)');
  }
  mkdirSync(cacheDirectory(), { recursive: true });
  const partial = `${program}.${process.pid}.partial`;
  try {
    await step('gitops-engine (go build, about 180 s on two cores)', async (report) => {
      let packages = 0;
      await runChild('nice', ['-n', '10', go, 'build', '-v', '-trimpath', '-o', partial, '.'], {
        cwd: SOURCE,
        // Replaces the user's own flags, so that nothing turns off the check against go.sum.
        env: {
          ...process.env,
          CGO_ENABLED: '0',
          GOFLAGS: '-mod=readonly -buildvcs=false',
          GOWORK: 'off',
        },
        onComplaint: (text) => {
          if (!text.includes(' ')) packages += 1;
          report(`${packages} packages compiled`);
        },
      });
    });
    renameSync(partial, program);
  } finally {
    rmSync(partial, { force: true });
  }
  return program;
}

/** Runs the peer on the pairs for so long, on one thread. It ends with an error if a verdict is not always the same. */
export async function runPeer(
  program: string,
  pairs: readonly Pair[],
  seconds: number,
): Promise<PeerRun> {
  const directory = mkdtempSync(join(tmpdir(), 'realign-peer-'));
  try {
    const file = join(directory, 'pairs.json');
    writeFileSync(file, JSON.stringify(pairs));
    const { stdout } = await promisify(execFile)(program, [file, String(seconds)], {
      timeout: seconds * 1_000 + START_MS,
      maxBuffer: ANSWER_MAX_BYTES,
    });
    return answer.parse(JSON.parse(stdout));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function sourceDigest(): string {
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(SOURCE, name)));
  return hash.digest('hex').slice(0, 12);
}
