import type { Command } from 'commander';
import type { CompareOptions } from '../compare.ts';
import { optionsOf, outputOption } from '../options.ts';

/** `realign compare`: what differs between files, without a cluster or a server. */
export function registerCompare(program: Command): void {
  program
    .command('compare')
    .description('compare declared objects with live ones, both from files')
    .option('--desired <file>', 'what is declared, YAML or JSON, one or many objects (- for stdin)')
    .option('--live <file>', 'what the API server returned; null or nothing means missing')
    .option('--applied <file>', 'what was applied last, to tell pending changes from drift')
    .option('--applier <manager...>', 'field managers that apply the desired state')
    .option('--cases <file>', 'an array of {name, desired, live, lastApplied?}; one line each')
    .option('--explain', 'also list what rules hide, and which rule; --config names their file')
    .option('--environment <name>', 'environment of the objects, for rules that name one')
    .option('--unit <slug>', 'unit of the objects, for rules that name one')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { PROCESS_IO, runCompare } = await import('../compare.ts');
      process.exitCode = await runCompare(optionsOf<CompareOptions>(command), PROCESS_IO);
    });
}
