import { spawn } from 'node:child_process';
import { AppError } from '../lib/errors.ts';

const OUTPUT_LIMIT_CHARS = 4_000;

export type CommandSpec = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  readonly uid?: number;
  readonly gid?: number;
};

/** Runs a short command; fails with the end of its output unless it exits with 0 in time. */
export function runToEnd(spec: CommandSpec): Promise<void> {
  const child = spawn(spec.command, [...spec.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    timeout: spec.timeoutMs,
    killSignal: 'SIGKILL',
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.gid === undefined ? {} : { gid: spec.gid }),
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT_CHARS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new AppError('SETUP_FAILED', `${spec.name} cannot be run: ${cause.message}`, { cause }),
      ),
    );
    child.once('close', (code, signal) => {
      if (code === 0) return resolve();
      reject(
        new AppError(
          'SETUP_FAILED',
          `${spec.name} failed (${signal ?? `exit code ${code}`}):\n${output.trim()}`,
        ),
      );
    });
  });
}
