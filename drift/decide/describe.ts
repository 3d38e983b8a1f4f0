import { type FieldChange, severityRank } from '../field-change.ts';
import { formatFieldPath, parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import { formatResource } from '../resource-ref.ts';
import { isPublicValue } from '../secrets/public-value.ts';
import type { Plan } from './plan.ts';
import type { Finding } from './record.ts';

const SHOWN_LENGTH = 60;

/** A value as one short line: texts bare, nothing as `∅`, long ones cut with what was left out. */
export function showValue(value: JsonValue | undefined): string {
  if (value === undefined) return '∅';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === '') return '""';
  const line = text.replaceAll(/\r\n|[\r\n]/g, '⏎');
  if (line.length <= SHOWN_LENGTH) return line;
  // By characters, not code units: half an emoji is no valid text, and Postgres refuses it.
  const characters = [...line];
  const more = characters.length - SHOWN_LENGTH;
  if (more <= 0) return line;
  return `${characters.slice(0, SHOWN_LENGTH).join('')}… +${more} characters`;
}

/** What is declared and not applied yet: `revision 4 of unit shop-dev/web`. */
export function describeAhead(
  revision: number | string,
  { space, slug }: { readonly space: string; readonly slug: string },
): string {
  return `revision ${revision} of unit ${space}/${slug}`;
}

/** `spec.replicas: 3 → 5`, from desired to live. */
export function describeChange(change: FieldChange): string {
  if (change.op === 'object-missing') return 'the object is missing';
  if (change.path === '' && change.op === 'pending') return 'the object was never applied';
  if (change.path === '' && change.op === 'added') return 'nobody declares the object';
  return `${change.path}: ${showValue(change.desired)} → ${showValue(change.live)}`;
}

/**
 * The sentence that a ChangeSet and `LastChangeDescription` carry: `Fixed backend-api replicas: 5 → 3` (live → desired, which an
 * upgrade of the same plan may have moved), or `Accepted backend-api replicas: 3 → 5` (desired → live). ConfigHub keeps it for
 * good and shows it to everybody, so other values than numbers, images and the like read `changed`.
 */
export function describeFix(finding: Finding, { fix, reach }: Pick<Plan, 'fix' | 'reach'>): string {
  const verb = fix === 'revert' ? 'Fixed' : 'Accepted';
  const { name } = finding.ref;
  const [change] = finding.changes;
  if (!change) return `${verb} ${name}`;
  if (change.op === 'object-missing') return `${verb} ${name}: restored the object`;
  if (change.path === '' && change.op === 'pending') return `${verb} ${name}: applied the object`;
  const count = finding.changes.length + finding.omitted;
  if (count > 1) return `${verb} ${name}: ${count} fields`;
  const [from, to] =
    fix === 'revert'
      ? [change.live, valueAfter(finding, change, reach)]
      : [change.desired, change.live];
  const isPublic =
    change.redacted !== true && isPublicValue(change.path, from) && isPublicValue(change.path, to);
  const values = isPublic ? `${showValue(from)} → ${showValue(to)}` : 'changed';
  return `${verb} ${name} ${lastSegment(change.path)}: ${values}`;
}

/** What the field will hold after the plan: reach lists the upgrade's changes behind those of the unit as it is. */
function valueAfter(
  finding: Finding,
  change: FieldChange,
  reach: Plan['reach'],
): JsonValue | undefined {
  const resource = formatResource(finding.ref);
  const last = reach.findLast(
    (one) =>
      one.environment === finding.ref.environment &&
      one.resource === resource &&
      one.path === change.path,
  );
  return last ? last.to : change.desired;
}

/** One line for lists and summaries: worst change first, then how many more. */
export function summarise(finding: Finding): string {
  const [first, ...others] = finding.changes;
  if (!first) return 'no difference';
  const worst = others.reduce(
    (before, one) => (severityRank(one.severity) > severityRank(before.severity) ? one : before),
    first,
  );
  const more = finding.changes.length + finding.omitted - 1;
  return more > 0 ? `${describeChange(worst)} (and ${more} more)` : describeChange(worst);
}

function lastSegment(path: string): string {
  const segments = parseFieldPath(path);
  const last = segments.at(-1);
  if (last?.kind === 'field') return last.name;
  const field = segments.findLastIndex((segment) => segment.kind === 'field');
  return formatFieldPath(segments.slice(Math.max(field, 0)));
}
