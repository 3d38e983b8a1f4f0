import { type Command, InvalidArgumentError, Option } from 'commander';
import type { OutputFormat } from './output.ts';

/** Options that every command understands, before or after its name. */
export type GlobalOptions = { readonly config?: string; readonly debug?: true };

export type OutputOptions = { readonly output: OutputFormat };

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print the result')
    .choices(['table', 'json'])
    .default('table');
}

/** As many as the api gives at once. */
const MAX_LIMIT = 1_000;

/** How long a list of the api may be; as text, which its query is. */
export function limitOption(): Option {
  return new Option('-l, --limit <count>', 'at most so many').argParser(parseCount).default('100');
}

function parseCount(text: string): string {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= MAX_LIMIT) return text;
  throw new InvalidArgumentError(`It is no number from 1 to ${MAX_LIMIT}.`);
}

/** The command's own options and the global ones. `T` must list what was declared; commander does not type it. */
export function optionsOf<T extends object>(command: Command): T & GlobalOptions {
  return command.optsWithGlobals<T & GlobalOptions>();
}
