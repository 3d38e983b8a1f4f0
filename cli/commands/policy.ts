import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

type Options = OutputOptions & {
  readonly drift: string;
  readonly filter?: readonly string[];
  readonly at?: string;
};

/** `realign policy test --drift FILE`: which rule decides about a drift, and why the others do not. */
export function registerPolicy(program: Command): void {
  const policy = program.command('policy').description('try the policies of the configuration');
  policy
    .command('test')
    .description('say which rule decides about a drift, and why the others do not')
    .requiredOption('--drift <file>', 'what `realign show RESOURCE -o json` printed; - for stdin')
    .option('--filter <slug...>', 'ConfigHub Filters that select the unit')
    .option('--at <time>', 'as if it were then: 2026-12-24T18:00:00Z')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { testPolicy } = await import('../test-policy.ts');
      await testPolicy(optionsOf<Options>(command));
    });
}
