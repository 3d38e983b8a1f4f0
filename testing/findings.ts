import type { Finding } from '../drift/decide/record.ts';
import type { FieldChange } from '../drift/field-change.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';

/** Somebody scaled a workload by hand: the change that most tests are about. */
export function scaled(more: Partial<FieldChange> = {}): FieldChange {
  return {
    ...{ path: 'spec.replicas', op: 'changed', desired: 3, live: 5 },
    ...{ type: 'Scaling', severity: 'high', who: 'kubectl', confidence: 'high' },
    ...more,
  };
}

/** What detecting found, where a test cares for little of it. */
export function findingOf(ref: ResourceRef, more: Partial<Finding> = {}): Finding {
  return {
    ...{ ref, uid: 'u', resourceVersion: '1', changes: [scaled()], omitted: 0 },
    ...{ severity: 'high', direction: 'forward', who: 'kubectl', diffDigest: 'd', score: 40 },
    ...more,
  };
}
