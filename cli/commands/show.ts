import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

/** `realign show RESOURCE`: one record with every differing field, and its question. */
export function registerShow(program: Command): void {
  program
    .command('show')
    .description('show one resource: its drift, field by field')
    .argument(
      '<resource>',
      'Kind/namespace/name or environment/Kind/namespace/name, or the id of a question about it',
    )
    .addOption(outputOption())
    .action(async (resource: string, _options: unknown, command: Command) => {
      const { showDrift } = await import('../show.ts');
      await showDrift(resource, optionsOf<OutputOptions>(command).output);
    });
}
