import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

type CheckOptions = OutputOptions & { readonly live?: true };

/** `realign config check`: reads the configuration as the processes would, and says what they would see. */
export function registerConfig(program: Command): void {
  const config = program.command('config').description('look at the configuration');
  config
    .command('check')
    .description('report every problem of the configuration at once')
    .argument('[file]', 'instead of --config, REALIGN_CONFIG or ./realign.yaml')
    .option('--live', 'ask the running Realign which ignore rules decide nothing any more')
    .addOption(outputOption())
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const { checkConfig } = await import('../check-config.ts');
      const { output, config: named, live } = optionsOf<CheckOptions>(command);
      if (live) {
        const { checkRules } = await import('../check-rules.ts');
        process.exitCode = await checkRules(output);
        return;
      }
      process.exitCode = checkConfig({ file: file ?? named, output });
    });
}
