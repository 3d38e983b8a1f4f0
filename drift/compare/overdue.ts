import type { ChangeOp, FieldChange } from '../field-change.ts';
import type { KubeObject } from '../resource-ref.ts';
import { classifyChange } from './classify.ts';

/**
 * A pending change whose grace is over: as severe as if live had moved there instead. `change` has its real values; other
 * changes stay as they are.
 */
export function overdue(change: FieldChange, about: Pick<KubeObject, 'apiVersion' | 'kind'>) {
  if (change.op !== 'pending') return change;
  const { apiVersion, kind } = about;
  const { path, desired, live } = change;
  const { severity } = classifyChange({ apiVersion, kind, path, desired, live, op: opOf(change) });
  return { ...change, severity };
}

function opOf({ path, desired, live }: FieldChange): ChangeOp {
  if (path === '') return 'object-missing';
  if (desired === undefined) return 'added';
  return live === undefined ? 'removed' : 'changed';
}
