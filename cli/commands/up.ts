import type { Command } from 'commander';
import { optionsOf } from '../options.ts';

type UpOptions = { readonly data: string; readonly kubeconfig?: string; readonly context?: string };

/** `realign up`: the embedded stack and all processes, without demo data. */
export function registerUp(program: Command): void {
  program
    .command('up')
    .description('start the embedded stack and all processes; data stays between runs')
    .option('--data <directory>', 'where data is kept', '.realign')
    .option('--kubeconfig <file>', 'use this cluster instead of the embedded API server')
    .option('--context <name>', 'context of the kubeconfig')
    .action(async (_options: unknown, command: Command) => {
      const { runUp } = await import('../up.ts');
      process.exitCode = await runUp(optionsOf<UpOptions>(command));
    });
}
