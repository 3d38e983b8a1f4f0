import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

// npm says what is wrong first, go last.
const FIRST_LINES = 12;
const LAST_LINES = 12;

/**
 * Runs a command to its end; returns the lines of its stdout. Fails with the last lines of stderr. It and all that it
 * starts form a process group of their own, which ends when we do.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, onComplaint?: (line: string) => void}} options
 * @returns {Promise<string[]>}
 */
export function runChild(command, args, { cwd, env = process.env, onComplaint }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It has ended by itself.
      }
    };
    process.once('exit', end);
    const lines = [];
    const complaints = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    createInterface({ input: child.stderr }).on('line', (line) => {
      onComplaint?.(line);
      complaints.push(line);
      if (complaints.length > FIRST_LINES + LAST_LINES) complaints.splice(FIRST_LINES, 1);
    });
    const what = `${command} ${args[0]}`;
    child.once('error', (error) => reject(new Error(`${what} cannot be run: ${error.message}`)));
    child.once('close', (code, signal) => {
      process.removeListener('exit', end);
      if (code === 0) resolve(lines);
      else
        reject(
          new Error(
            `${what} failed (${signal ?? `exit code ${code}`}):\n    ${complaints.join('\n    ')}`,
          ),
        );
    });
  });
}
