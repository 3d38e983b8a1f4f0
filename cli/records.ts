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
function summarizeRecord(record: RecordAnswer): string {
  const [first, ...rest] = record.drift_details;
  if (!first) return record.resolution_message || '-';
  const more = rest.length + (record.omitted_details ?? 0);
  return more === 0 ? describeDetail(first) : `${describeDetail(first)} (+${more})`;
}

/** `spec.replicas: 3 → 5`, from desired to live; where the whole object differs, how it does. */
export function describeDetail(detail: DetailAnswer): string {
  const { field, op } = detail;
  if (field === '') return describeWhole(detail);
  const [desired, live] = showSides(detail);
  return `${field}: ${desired} → ${live}${op === 'pending' ? ', not applied yet' : ''}`;
}

function describeWhole({ op }: DetailAnswer): string {
  if (op === 'object-missing') return 'the object is missing';
  if (op === 'pending') return 'the object was never applied';
  return op === 'added' ? 'the object is not declared' : 'the object differs';
}

/** Desired and live in words; an object as a whole has no value to show. */
export function showSides({ field, op, from, to }: DetailAnswer): readonly [string, string] {
  if (field !== '') return [showValue(from), showValue(to)];
  return op === 'added' ? ['not declared', 'exists'] : ['declared', whyAbsent(op)];
}

function whyAbsent(op: DetailAnswer['op']): string {
  return op === 'pending' ? 'not applied yet' : 'missing';
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
