import { renderField } from '../field-path.ts';
import { isJsonObject } from '../json.ts';
import type { Run } from './compare-run.ts';
import type { PlanNode } from './compile.ts';
import { childOwnedAs } from './compile.ts';
import { addChange } from './verdict.ts';

/** Fields that hold nothing but what somebody put there: no default, no controller fills them in. */
const PLAIN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: ['data', 'binaryData'],
  Secret: ['data'],
  ServiceAccount: ['automountServiceAccountToken'],
};
/** Marks of objects that an operator fills in after all. */
const FILLED_BY_OPERATOR = /(?:inject|trusted-ca|reflector|replicat)/i;

/**
 * What live has beyond desired when nobody owns anything: the API server keeps no managedFields for an object that was
 * applied without fields (a bare ServiceAccount or ConfigMap) or whose record was wiped. Only places that nothing but a
 * writer can have filled are looked at; who it was is unknown.
 */
export function findUntrackedAdditions(run: Run): void {
  const { desired, live } = run;
  const fields = desired.isBuiltIn ? PLAIN_FIELDS[desired.kind] : undefined;
  if (!fields || live['type'] === 'kubernetes.io/service-account-token') return;
  const { labels = {}, annotations = {} } = live.metadata;
  const marks = [...Object.keys(labels), ...Object.keys(annotations)];
  if (marks.some((mark) => FILLED_BY_OPERATOR.test(mark))) return;
  for (const field of fields) {
    const held = live[field];
    if (held === undefined || held === null) continue;
    const declared = childOwnedAs(desired.root, `f:${field}`);
    if (!declared) report(run, field, held);
    else if (isJsonObject(held)) findKeys(run, field, declared, held);
  }
}

function findKeys(
  run: Run,
  field: string,
  declared: PlanNode,
  held: Readonly<Record<string, unknown>>,
): void {
  for (const key of Object.keys(held)) {
    if (!childOwnedAs(declared, `f:${key}`)) {
      report(run, `${field}${renderField(key)}`, held[key]);
    }
  }
}

function report(run: Run, path: string, live: unknown): void {
  addChange(run, { path, op: 'added', desired: undefined, live }, undefined, 'unknown', 'low');
}
