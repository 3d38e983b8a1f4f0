import { type Command, Option } from 'commander';
import { SEVERITIES } from '../../drift/field-change.ts';
import { limitOption, type OutputOptions, optionsOf, outputOption } from '../options.ts';

type Options = OutputOptions & {
  readonly status: 'active' | 'resolved' | 'none' | 'all';
  readonly environment?: string;
  readonly namespace?: string;
  readonly kind?: string;
  readonly severity?: string;
  readonly limit: string;
};

/** `realign drifts`: the records of the api, those with open drift by default. */
export function registerDrifts(program: Command): void {
  program
    .command('drifts')
    .description('list drift')
    .addOption(
      new Option('-s, --status <status>', 'which records')
        .choices(['active', 'resolved', 'none', 'all'])
        .default('active'),
    )
    .option('-e, --environment <name>', 'only this environment')
    .option('-n, --namespace <name>', 'only this namespace')
    .option('-k, --kind <kind>', 'only this kind, e.g. Deployment')
    .addOption(new Option('--severity <severity>', 'only this severity').choices(SEVERITIES))
    .addOption(limitOption())
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { listRecords } = await import('../records.ts');
      const { createRest } = await import('../rest.ts');
      const { writeNote, writeResult } = await import('../output.ts');
      const { renderRecords } = await import('../records.ts');
      const { output, status, ...query } = optionsOf<Options>(command);
      const answer = await listRecords(createRest(process.env), {
        environment: query.environment,
        namespace: query.namespace,
        kind: query.kind,
        severity: query.severity,
        status: status === 'all' ? undefined : status,
        limit: query.limit,
      });
      writeResult(output, answer, () => renderRecords(answer.drift_records));
      if (answer.next_cursor) writeNote(`There are more; narrow the list or raise --limit.`);
    });
}
