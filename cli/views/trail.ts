import { z } from 'zod';
import {
  formatAge,
  type OutputFormat,
  printable,
  renderTable,
  writeNote,
  writeResult,
} from '../output.ts';
import { createRest } from '../rest.ts';
import { readLimit } from './reader.ts';

type PageOptions = {
  readonly output: OutputFormat;
  readonly limit: string;
  readonly cursor?: string;
};

const operation = z.looseObject({
  id: z.string(),
  type: z.string(),
  status: z.string(),
  description: z.string(),
  affected_units: z.number(),
  units: z.array(z.string()),
  started_at: z.string(),
});
const operationList = z.looseObject({
  operations: z.array(operation),
  next_cursor: z.string().nullish(),
});
const touched = z.array(z.looseObject({ unit: z.string(), revision: z.number().nullish() }));
const operationDetail = operation.extend({
  patched_units: touched,
  upgrades_applied: touched,
  downstream_spaces: z.array(z.string()),
  applied_units: touched,
  restored_units: touched,
  failures: z.array(z.looseObject({ unit: z.string(), step: z.string(), message: z.string() })),
});
const auditTrail = z.looseObject({
  entries: z.array(
    z.looseObject({ at: z.string(), user: z.string(), action: z.string(), details: z.string() }),
  ),
  next_cursor: z.string().nullish(),
});

/** `realign operations`, newest first */
export async function showOperations(options: PageOptions): Promise<void> {
  const page = await createRest(process.env).get(
    '/api/v1/operations',
    operationList,
    pageOf(options),
  );
  writeResult(options.output, page, () =>
    renderTable(page.operations, [
      { title: 'OPERATION-ID', value: (one) => one.id },
      { title: 'TYPE', value: (one) => one.type },
      { title: 'STATUS', value: (one) => one.status },
      { title: 'AFFECTED-UNITS', value: (one) => String(one.affected_units) },
      { title: 'AGE', value: (one) => formatAge(one.started_at) },
      { title: 'DESCRIPTION', value: (one) => one.description },
    ]),
  );
  noteNext(page.next_cursor);
}

/** `realign operations show ID` */
export async function showOperation(id: string, output: OutputFormat): Promise<void> {
  const path = `/api/v1/operations/${encodeURIComponent(id)}`;
  const found = await createRest(process.env).get(path, operationDetail);
  writeResult(output, found, () => {
    const failures = found.failures.map((one) => `${one.unit} (${one.step}): ${one.message}`);
    return [
      printable(`${found.type}, ${found.status}: ${found.description}`),
      section('Patched units', named(found.patched_units)),
      section('Downstream spaces', found.downstream_spaces),
      section('Upgrades applied', named(found.upgrades_applied)),
      section('Applied units', named(found.applied_units)),
      section('Restored units', named(found.restored_units)),
      section('Failures', failures),
    ].join('\n');
  });
}

/** `realign audit`, newest first */
export async function showAudit(options: PageOptions): Promise<void> {
  const page = await createRest(process.env).get('/api/v1/audit', auditTrail, pageOf(options));
  writeResult(options.output, page, () =>
    renderTable(page.entries, [
      { title: 'TIMESTAMP', value: (one) => one.at },
      { title: 'USER', value: (one) => one.user },
      { title: 'ACTION', value: (one) => one.action },
      { title: 'DETAILS', value: (one) => one.details },
    ]),
  );
  noteNext(page.next_cursor);
}

function pageOf({ limit, cursor }: PageOptions) {
  return { limit: Math.min(readLimit(limit), 1_000), cursor };
}

function noteNext(cursor: string | null | undefined): void {
  if (cursor) writeNote(`There are more: --cursor ${cursor}`);
}

function named(units: z.output<typeof touched>): readonly string[] {
  return units.map(({ unit, revision }) => (revision ? `${unit} (revision ${revision})` : unit));
}

function section(title: string, lines: readonly string[]): string {
  const shown = lines.length > 0 ? lines.map(printable) : ['none'];
  return [`${title}:`, ...shown.map((line) => `  ${line}`)].join('\n');
}
