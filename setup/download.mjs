import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';

const CHECKSUMS_MAX_BYTES = 1024 * 1024;
const PROGRAM_MAX_BYTES = 1024 * 1024 * 1024;
const TAR_TIMEOUT_MS = 120_000;

/** How long a release host may take to answer at all, and to send nothing while it sends. */
export const DOWNLOAD_LIMITS = { answerMs: 5_000, stallMs: 10_000 };

/**
 * Fetches a release, checks it against the published SHA-256, and leaves the program at `target`. Nothing else is left, and
 * nothing at all if any step fails.
 * @param {import('./tools.mjs').Release} release
 * @param {string} target   where the program is written; its directory exists
 * @param {(progress: string) => void} report
 */
export async function download(release, target, report, limits = DOWNLOAD_LIMITS) {
  const file = `${target}.download`;
  try {
    // The small file first: a host that is not there is known before the large one is asked for.
    const expected = await checksumOf(release, limits);
    const actual = await save(release.url, file, report, limits);
    if (actual !== expected) {
      throw new Error(
        `${basename(release.url)} has the checksum ${actual}, published is ${expected}`,
      );
    }
    if (release.member === undefined) await rename(file, target);
    else await unpack(file, release.member, target);
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  } finally {
    await rm(file, { force: true });
  }
}

async function checksumOf(release, limits) {
  let text = '';
  for await (const chunk of bytesOf(release.checksums, CHECKSUMS_MAX_BYTES, limits))
    text += chunk.toString('utf8');
  const name = basename(release.url);
  for (const line of text.split('\n')) {
    const [hash = '', file] = line.trim().split(/\s+\*?/);
    if (/^[0-9a-f]{64}$/i.test(hash) && (file === undefined || file === name))
      return hash.toLowerCase();
  }
  throw new Error(`${release.checksums} has no SHA-256 of ${name}`);
}

async function save(url, file, report, limits) {
  const hash = createHash('sha256');
  const output = createWriteStream(file, { mode: 0o600 });
  let received = 0;
  try {
    for await (const chunk of bytesOf(url, PROGRAM_MAX_BYTES, limits)) {
      hash.update(chunk);
      received += chunk.length;
      report(`${Math.round(received / 1e6)} MB`);
      if (!output.write(chunk)) await once(output, 'drain');
    }
  } finally {
    output.end();
    await once(output, 'close');
  }
  return hash.digest('hex');
}

/** The body in pieces; fails when the host does not answer, falls silent, ends too early or sends too much. */
async function* bytesOf(url, maxBytes, limits) {
  const abort = new AbortController();
  let timer = setTimeout(
    () => abort.abort(new Error(`${new URL(url).host} does not answer`)),
    limits.answerMs,
  );
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => abort.abort(new Error(`${new URL(url).host} has fallen silent`)),
      limits.stallMs,
    );
  };
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null)
      throw new Error(`${url} answers ${response.status}`);
    const announced = Number(response.headers.get('content-length') ?? Number.NaN);
    let received = 0;
    watch();
    for await (const chunk of response.body) {
      watch();
      received += chunk.length;
      if (received > maxBytes) throw new Error(`${url} is larger than ${maxBytes} bytes`);
      yield Buffer.from(chunk);
    }
    const isEncoded = response.headers.has('content-encoding');
    if (!isEncoded && announced > received)
      throw new Error(`${url} ended after ${received} of ${announced} bytes`);
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : plain(error);
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** fetch says only "fetch failed" and hides why in the cause. */
function plain(error) {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error
    ? new Error(`${error.message}: ${cause.message}`, { cause: error })
    : error;
}

/** `tar` is on every Linux and macOS; the one of macOS reads zip files too. */
async function unpack(archive, member, target) {
  const output = openSync(target, 'w', 0o600);
  try {
    const tar = spawn('tar', ['-xOf', archive, member], {
      stdio: ['ignore', output, 'ignore'],
      timeout: TAR_TIMEOUT_MS,
    });
    const code = await new Promise((resolve, reject) => {
      tar.once('error', reject);
      tar.once('close', resolve);
    });
    if (code !== 0) throw new Error(`tar finds no ${member} in ${basename(archive)}`);
  } finally {
    closeSync(output);
  }
}
