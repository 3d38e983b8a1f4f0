/**
 * `node setup/run.mjs [--binaries] [SCRIPT [ARGUMENTS…]]`: sees to npm packages (and binaries), then runs the script, a path
 * from the project's root, under Node 24 in the caller's directory. Runs itself on Node 20 with nothing installed.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBinaries } from './binaries.mjs';
import { ensurePackages } from './packages.mjs';

const NODE_MAJOR = 24;
const PARENT_POLL_MS = 500;
const BINARIES = ['temporal', 'etcd', 'kube-apiserver'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wantsBinaries = process.argv[2] === '--binaries';
const [script, ...args] = process.argv.slice(wantsBinaries ? 3 : 2);

// A signal's default would end us without the exit event that ends npm and go.
const interrupt = (signal) => process.exit(128 + constants.signals[signal]);
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
for (const signal of SIGNALS) process.once(signal, interrupt);
try {
  // Side by side: one waits for the network while the other compiles.
  await Promise.all([ensurePackages(root), wantsBinaries ? ensureBinaries(BINARIES) : undefined]);
} catch (error) {
  process.stderr.write(`\nSet-up failed. ${error.message}\n`);
  process.exit(1);
}
for (const signal of SIGNALS) process.removeListener(signal, interrupt);
if (script !== undefined) run(script, args);

function run(path, rest) {
  const child = spawn(nodeBinary(), [join(root, path), ...rest], {
    stdio: 'inherit',
    // Lets the script end when we are killed and cannot tell it; see stack/runner-watch.ts.
    env: { ...process.env, REALIGN_RUNNER_PID: String(process.pid) },
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // At a terminal Ctrl-C reaches the child by itself, and twice would mean "at once".
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  endWithNpm(child);
  child.once('error', (error) => {
    process.stderr.write(`Node cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.once('exit', (code, signal) =>
    process.exit(signal ? 128 + constants.signals[signal] : code),
  );
}

/** npm passes on every signal but the one that cannot be caught; between it and us stands a shell that outlives it. */
function endWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const npm = parentOf(parent);
  const isGone = () => process.ppid !== parent || parentOf(parent) !== npm;
  setInterval(() => isGone() && child.kill('SIGTERM'), PARENT_POLL_MS).unref();
}

/** Linux tells it in /proc; elsewhere only our own parent is watched. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  } catch {
    return undefined;
  }
}

function nodeBinary() {
  const packaged = join(root, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  process.stderr.write(
    `There is no Node ${NODE_MAJOR} for ${process.platform} on npm; install it and run again.\n`,
  );
  process.exit(1);
}
