import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AppError } from '../lib/errors.ts';
import { lastLines } from './last-lines.ts';
import { signalGroup } from './process-group.ts';

const STOP_TIMEOUT_MS = 5_000;
const LINES_SHOWN = 15;

export type ProcessSpec = {
  /** What people call it: `Temporal`, `etcd`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Gets stdout and stderr; appended to. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly stopSignal?: 'SIGTERM' | 'SIGINT';
  /** What ends it as a crash does; default SIGKILL. */
  readonly crashSignal?: 'SIGKILL' | 'SIGQUIT';
};

export type RunningProcess = {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Settles when the process has ended: with the failure if nobody had asked it to. Never rejects. */
  readonly ended: Promise<AppError | undefined>;
  /** The failure that names the part and shows the end of its log. */
  failure(what: string): AppError;
  /** Asks it to end, insists after 5 s, and returns when it is gone. */
  stop(): Promise<void>;
  /** Ends it without a chance to tidy up, and returns when it is gone. */
  crash(): Promise<void>;
};

/** Starts processes that cannot outlive this one. */
export type Keeper = {
  start(spec: ProcessSpec): RunningProcess;
  /** A directory to be removed if this process is killed before it can do so itself. */
  removeOnDeath(directory: string): void;
  /** Ends the guardian, and with it all that is still running. */
  close(): Promise<void>;
};

/** Children run in process groups of their own, so that a Ctrl-C reaches only us and they are stopped in order. */
export function createKeeper(): Keeper {
  const guardian = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('guardian.ts', import.meta.url)),
    ],
    { detached: true, stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const gone = new Promise<void>((resolve) => {
    guardian.once('exit', () => resolve());
    guardian.once('error', () => resolve());
  });
  guardian.stdin.on('error', () => {});
  const tell = (line: string) => guardian.stdin.write(`${line}\n`);
  return {
    start: (spec) => startProcess(spec, tell),
    removeOnDeath: (directory) => void tell(`dir ${directory}`),
    close: () => {
      guardian.stdin.end();
      return gone;
    },
  };
}

function startProcess(spec: ProcessSpec, tell: (line: string) => void): RunningProcess {
  const child = spawnLogged(spec);
  const pid = child.pid;
  if (pid === undefined) {
    // The cause arrives as an 'error' event on the next tick; without a listener it would end this process.
    child.on('error', () => {});
    throw new AppError(
      'SETUP_FAILED',
      `${spec.name} cannot be started: ${spec.command} does not run`,
    );
  }
  const stopSignal = spec.stopSignal ?? 'SIGTERM';
  tell(`+ ${pid} ${stopSignal}`);
  let stopping = false;
  const ended = new Promise<AppError | undefined>((resolve) => {
    child.once('exit', (code, signal) => {
      tell(`- ${pid}`);
      resolve(
        stopping ? undefined : describe(spec, `ended by itself (${signal ?? `exit code ${code}`})`),
      );
    });
  });
  const end = async (signal: NodeJS.Signals) => {
    stopping = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    signalGroup(pid, signal);
    const insist = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(insist);
  };
  return {
    name: spec.name,
    pid,
    logFile: spec.logFile,
    ended,
    failure: (what) => describe(spec, what),
    stop: () => end(stopSignal),
    crash: () => end(spec.crashSignal ?? 'SIGKILL'),
  };
}

function spawnLogged(spec: ProcessSpec): ChildProcess {
  const log = openSync(spec.logFile, 'a', 0o600);
  try {
    return spawn(spec.command, [...spec.args], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...spec.env },
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
  } finally {
    closeSync(log);
  }
}

function describe(spec: ProcessSpec, what: string): AppError {
  const lines = lastLines(spec.logFile, LINES_SHOWN);
  const log =
    lines.length === 0 ? 'Its log is empty.' : `The end of its log:\n  ${lines.join('\n  ')}`;
  return new AppError('SETUP_FAILED', `${spec.name} ${what}. ${log}`, {
    details: { part: spec.name, logFile: spec.logFile },
  });
}
