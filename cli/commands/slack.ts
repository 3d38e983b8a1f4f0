import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

/** `realign slack check`: tries tokens, scopes, channels, groups and people, and says how to repair what fails. */
export function registerSlack(program: Command): void {
  const slack = program.command('slack').description('look at the connection to Slack');
  slack
    .command('check')
    .description('try tokens, scopes, channels, groups and people; nothing is posted')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { loadConfig } = await import('../../lib/config.ts');
      const { examineSlack } = await import('../../workers/slack-check.ts');
      const { renderChecks } = await import('../checks.ts');
      const { writeResult } = await import('../output.ts');
      const { output, config: file } = optionsOf<OutputOptions>(command);
      const config = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
      const checks = await examineSlack(config);
      const ok = checks.every((check) => check.ok);
      writeResult(output, { ok, checks }, () => renderChecks(checks));
      process.exitCode = ok ? 0 : 1;
    });
}
