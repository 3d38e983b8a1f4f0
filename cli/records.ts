import { type Severity, severityRank, worstSeverity } from '../drift/field-change.ts';
import { formatAge, renderTable } from './output.ts';
import { showResource } from './resource-name.ts';
import type { Query, Rest } from './rest.ts';
import { type DetailAnswer, type RecordAnswer, recordListSchema } from './wire.ts';

export function listRecords(rest: Rest, query: Query) {
  return rest.get('/api/v1/drift-records', recordListSchema, query);
}

/** The worst of its fields; what the api says about the whole wins. */
export function severityOf(record: RecordAnswer): Severity {
  return record.severity ?? worstSeverity(record.drift_details.map((detail) => detail.severity));
}

/** Records at or above a severity, worst first. */
export function atLeast(records: readonly RecordAnswer[], severity: Severity): RecordAnswer[] {
  return records
    .filter((record) => severityRank(severityOf(record)) >= severityRank(severity))
    .sort((left, right) => severityRank(severityOf(right)) - severityRank(severityOf(left)));
}

/** `spec.replicas: 3 → 5`, and how many more. */
export function summarizeRecord(record: RecordAnswer): string {
  const [first, ...rest] = record.drift_details;
  if (!first) return record.resolution_message || '-';
  const more = rest.length + (record.omitted_details ?? 0);
  return more === 0 ? describeDetail(first) : `${describeDetail(first)} (+${more})`;
}

/** `spec.replicas: 3 → 5`, from desired to live. */
export function describeDetail({ field, from, to }: DetailAnswer): string {
  return `${field || 'the whole object'}: ${showValue(from)} → ${showValue(to)}`;
}

export function showValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function renderRecords(records: readonly RecordAnswer[]): string {
  if (records.length === 0) return 'No drift.';
  return renderTable(records, [
    { title: 'ENVIRONMENT', value: (record) => record.environment || '-' },
    { title: 'RESOURCE', value: showResource },
    { title: 'STATUS', value: (record) => record.outcome ?? record.drift_status },
    {
      title: 'SEVERITY',
      value: (record) => (record.drift_details.length ? severityOf(record) : '-'),
    },
    { title: 'SINCE', value: (record) => formatAge(record.first_detected) },
    { title: 'DESIRED → LIVE', value: summarizeRecord },
  ]);
}
