import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

const RESOURCE = 'Kind/namespace/name or environment/Kind/namespace/name';

/** `realign plan RESOURCE` and `realign ask RESOURCE`: what would be done about a drift, and to be asked about it. */
export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description(
      'print what would be done about a drift: the plan of its question, or one worked out now',
    )
    .argument('<resource>', RESOURCE)
    .addOption(outputOption())
    .action(async (resource: string, _options: unknown, command: Command) => {
      const { printPlan } = await import('../plan.ts');
      await printPlan(resource, optionsOf<OutputOptions>(command).output);
    });
  program
    .command('ask')
    .description('be asked about a drift again, whatever was decided or says the rule')
    .argument('<resource>', RESOURCE)
    .addOption(outputOption())
    .action(async (resource: string, _options: unknown, command: Command) => {
      const { askAgain } = await import('../plan.ts');
      await askAgain(resource, optionsOf<OutputOptions>(command).output);
    });
}
