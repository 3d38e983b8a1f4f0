import { type Command, Option } from 'commander';
import { SEVERITIES, type Severity } from '../../drift/field-change.ts';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

type Options = OutputOptions & {
  readonly wait?: true;
  readonly failOn?: Severity;
  readonly allowEmpty?: true;
  readonly timeout: string;
  readonly environment?: string;
  readonly namespace?: string;
  readonly resource?: string;
};

/** `realign analyze [--wait] [--fail-on SEVERITY]`: compare everything now; in pipelines, fail on what is open. */
export function registerAnalyze(program: Command): void {
  program
    .command('analyze')
    .description('compare all desired resources now')
    .option('-w, --wait', 'until the run has ended')
    .addOption(
      new Option(
        '--fail-on <severity>',
        'wait, then exit 1 if drift at or above it is open',
      ).choices(SEVERITIES),
    )
    .option('--allow-empty', 'with --fail-on: exit 0 even if there was nothing to compare')
    .option('--timeout <duration>', 'how long to wait at most', '10m')
    .option('-e, --environment <name>', 'only this environment')
    .option('-n, --namespace <name>', 'only this namespace')
    .option('-r, --resource <resource>', 'only Kind/namespace/name')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { analyze } = await import('../analyze.ts');
      process.exitCode = await analyze(optionsOf<Options>(command));
    });
}
