import { type FieldChange, severityRank } from '../field-change.ts';
import { type ResourceRef, splitApiVersion } from '../resource-ref.ts';
import type { Finding, Outcome } from './record.ts';

/** The Sets that drifts recorded as units are members of: each of one at most, because ConfigHub has one Set for each unit. */
export const DRIFT_SETS = [
  { slug: 'critical-drifts', displayName: 'Drifts of RBAC and Secrets, and critical ones' },
  { slug: 'resource-drifts', displayName: 'Drifts of CPU and memory, requests or limits' },
  { slug: 'replica-drifts', displayName: 'Drifts of the number of replicas' },
  { slug: 'corrected-drifts', displayName: 'Drifts that were put right' },
].map((set) => ({ ...set, labels: { type: 'drifts', monitor: 'false' } }));

/** How a recorded drift stands: `corrected` by us, `resolved` without us. */
export type RecordStatus = 'open' | 'corrected' | 'resolved';

const CORRECTED: ReadonlySet<Outcome> = new Set(['fixed', 'accepted']);

export function recordStatusOf(outcome: Outcome, isEnded: boolean): RecordStatus {
  if (!isEnded) return 'open';
  return CORRECTED.has(outcome) ? 'corrected' : 'resolved';
}

/** The Set of a recorded drift: by how it ended, then by what is worst about it; undefined for what no Set is about. */
export function driftSetOf(finding: Finding, status: RecordStatus): string | undefined {
  if (status === 'corrected') return 'corrected-drifts';
  if (status === 'resolved') return undefined;
  if (isSecurityKind(finding.ref) || finding.severity === 'critical') return 'critical-drifts';
  switch (worstChange(finding)?.type) {
    case 'Scaling':
      return 'replica-drifts';
    case 'ResourceChange':
      return 'resource-drifts';
    default:
      return undefined;
  }
}

/** The first of the changes that are as severe as the whole. */
export function worstChange({ changes }: Pick<Finding, 'changes'>): FieldChange | undefined {
  return changes.toSorted((a, b) => severityRank(b.severity) - severityRank(a.severity))[0];
}

/** Label `drift-category` of a drift of this object, and of units that declare nothing else. */
export function driftCategoryOf(ref: Pick<ResourceRef, 'group' | 'kind'>): 'security' | undefined {
  return isSecurityKind(ref) ? 'security' : undefined;
}

/** The same for a unit, by the `apiVersion` and `kind` of each of its objects. */
export function unitCategoryOf(
  objects: readonly { readonly apiVersion: string; readonly kind: string }[],
): 'security' | undefined {
  const isAll = objects.every(({ apiVersion, kind }) =>
    isSecurityKind({ group: splitApiVersion(apiVersion).group, kind }),
  );
  return objects.length > 0 && isAll ? 'security' : undefined;
}

function isSecurityKind({ group, kind }: Pick<ResourceRef, 'group' | 'kind'>): boolean {
  return group === 'rbac.authorization.k8s.io' || (group === '' && kind === 'Secret');
}
