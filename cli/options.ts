import { type Command, Option } from 'commander';
import type { OutputFormat } from './output.ts';

/** Options that every command understands, before or after its name. */
export type GlobalOptions = { readonly config?: string; readonly debug?: true };

export type OutputOptions = { readonly output: OutputFormat };

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print the result')
    .choices(['table', 'json'])
    .default('table');
}

/** The command's own options and the global ones. `T` must list what was declared; commander does not type it. */
export function optionsOf<T extends object>(command: Command): T & GlobalOptions {
  return command.optsWithGlobals<T & GlobalOptions>();
}
