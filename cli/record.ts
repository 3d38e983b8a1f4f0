import { formatCostDelta } from '../drift/advice/cost.ts';
import { renderAnalysis } from './advice.ts';
import { formatAge, printable, renderTable } from './output.ts';
import { severityOf, showSides } from './records.ts';
import { showResource } from './resource-name.ts';
import type { RecordAnswer } from './wire.ts';

/** One record as a page: what it is, how it stands, and a line for each field. */
export function renderRecord(record: RecordAnswer): string {
  const facts = [
    ['Resource', showResource(record)],
    ['Environment', record.environment],
    ['Status', record.drift_status],
    ['Outcome', record.outcome],
    ['Severity', record.drift_details.length > 0 ? severityOf(record) : undefined],
    ['Direction', record.direction],
    ['Ahead', record.ahead],
    ['Author', record.author],
    ['Cost', costOf(record)],
    ['Availability', record.availability_risks?.join('; ')],
    ['Detected', record.first_detected && `${formatAge(record.first_detected)} ago`],
    ['Resolved', record.resolved_at && `${formatAge(record.resolved_at)} ago`],
    ['Rule', record.rule],
    ['Question', record.question_id],
    ['Message', record.resolution_message],
    ['Workflow', record.workflow_url],
  ].flatMap(([title, value]) => (title && value ? [{ title, value }] : []));
  const width = Math.max(...facts.map((fact) => fact.title.length)) + 2;
  const head = facts
    .map((fact) => `${`${fact.title}:`.padEnd(width)}${printable(fact.value)}`)
    .join('\n');
  if (record.drift_details.length === 0) return head;
  const fields = renderTable(record.drift_details, [
    { title: 'FIELD', value: (detail) => detail.field || 'the object' },
    { title: 'DESIRED', value: (detail) => showSides(detail)[0] },
    { title: 'LIVE', value: (detail) => showSides(detail)[1] },
    { title: 'TYPE', value: (detail) => detail.type },
    { title: 'SEVERITY', value: (detail) => detail.severity },
    { title: 'WHO', value: (detail) => detail.who ?? 'unknown' },
  ]);
  return [head, fields, ...renderAnalysis(record.analysis)].join('\n\n');
}

function costOf({ cost_delta_usd_monthly: usd }: RecordAnswer): string | undefined {
  return usd ? formatCostDelta(usd) : undefined;
}
