import { CommanderError } from 'commander';
import { fromUnknown } from '../lib/errors.ts';
import { printable, writeNote } from './output.ts';

/** 0 = well, 1 = found something or an expectation failed, 2 = wrong use or an error. */
export const EXIT = { ok: 0, found: 1, error: 2 } as const;

/** What went wrong and what to do, on stderr; the stack only for `--debug`. Returns the exit code. */
export function reportError(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.error;
  const failure = fromUnknown(error);
  const [first = '', ...rest] = failure.message.split('\n');
  writeNote([`realign: ${printable(first)}`, ...rest.map(printable)].join('\n'));
  writeNote(`  ${printable(failure.repair)}`);
  if (debug) writeNote(String(failure.stack) + describeCause(failure.cause));
  return EXIT.error;
}

function describeCause(cause: unknown): string {
  if (cause === undefined) return '';
  return `\ncaused by: ${cause instanceof Error ? cause.stack : String(cause)}`;
}
