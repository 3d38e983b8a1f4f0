import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

/** `realign doctor`: asks everything that Realign depends on, and says how to repair what fails. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check Node, clusters, ConfigHub, Postgres and Temporal')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { loadConfig } = await import('../../lib/config.ts');
      const { examine } = await import('../../workers/doctor.ts');
      const { renderChecks } = await import('../checks.ts');
      const { writeResult } = await import('../output.ts');
      const { output, config: file } = optionsOf<OutputOptions>(command);
      const config = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
      const checks = await examine(config);
      const ok = checks.every((check) => check.ok);
      writeResult(output, { ok, checks }, () => renderChecks(checks));
      process.exitCode = ok ? 0 : 1;
    });
}
