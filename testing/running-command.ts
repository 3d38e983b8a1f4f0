import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';

export type RunningCommand = {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Waits until what was printed on either stream matches; fails with it if the command ends before. */
  printed(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>;
  /** The command with all processes below it, as they run now. */
  processes(): Promise<readonly Process[]>;
  interrupt(): void;
  /** Resolves with the exit code when the command has ended and both streams are closed. */
  readonly ended: Promise<number | null>;
  /** Ends it and all that is below it, whatever they do. */
  kill(): Promise<void>;
};

export type Process = { readonly pid: number; readonly parent: number; readonly args: string };

/** A command of ours as a process, for tests that look at it from outside. */
export function startCommand(
  command: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): RunningCommand {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  let hasEnded = false;
  const ended = once(child, 'close').then(([code]) => {
    hasEnded = true;
    return code as number | null;
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    ended,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    async printed(pattern, timeoutMs) {
      const found = await eventually(
        () => pattern.exec(output.stdout) ?? pattern.exec(output.stderr) ?? (hasEnded && 'ended'),
        { what: `${command} ${args.join(' ')} prints ${pattern}`, timeoutMs },
      );
      if (found === 'ended') throw new Error(`the command ended:\n${output.stderr}`);
      return found;
    },
    processes: async () => below(pid, await allProcesses()),
    interrupt: () => void child.kill('SIGINT'),
    async kill() {
      if (hasEnded) return;
      for (const one of below(pid, await allProcesses())) endAtOnce(one.pid);
      await ended;
    },
  };
}

/** Those of `processes` that still run; a number that was given to another program since does not count. */
export async function stillRunning(processes: readonly Process[]): Promise<readonly Process[]> {
  const now = await allProcesses();
  return processes.filter((one) =>
    now.some((other) => other.pid === one.pid && other.args === one.args),
  );
}

async function allProcesses(): Promise<readonly Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=,args='], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }];
  });
}

function endAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended since it was listed.
  }
}

function below(pid: number, all: readonly Process[]): readonly Process[] {
  const own = all.filter((one) => one.pid === pid);
  const children = all.filter((one) => one.parent === pid && !one.args.startsWith('ps '));
  return [...own, ...children.flatMap((one) => below(one.pid, all))];
}
