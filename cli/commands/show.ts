import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

/** `realign show RESOURCE`: one record with every differing field. */
export function registerShow(program: Command): void {
  program
    .command('show')
    .description('show one resource: its drift, field by field')
    .argument('<resource>', 'Kind/namespace/name or environment/Kind/namespace/name')
    .addOption(outputOption())
    .action(async (resource: string, _options: unknown, command: Command) => {
      const { createRest } = await import('../rest.ts');
      const { toResourceId } = await import('../resource-name.ts');
      const { recordSchema } = await import('../wire.ts');
      const { renderRecord } = await import('../record.ts');
      const { writeResult } = await import('../output.ts');
      const id = encodeURIComponent(toResourceId(resource));
      const record = await createRest(process.env).get(`/api/v1/drift-records/${id}`, recordSchema);
      writeResult(optionsOf<OutputOptions>(command).output, record, () => renderRecord(record));
    });
}
