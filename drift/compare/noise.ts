import type { ManagedFieldsEntry } from '../resource-ref.ts';
import type { PlanNode } from './compile.ts';
import type { DefaultRuleId } from './default-rules.ts';
import type { ManagerClass } from './managers.ts';
import { isScaler } from './managers.ts';

/** Annotations that record what happened to an object; they are history, never desired state. */
const HISTORY_KEYS: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'kubectl.kubernetes.io/restartedAt',
  'deployment.kubernetes.io/revision',
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.daemonset.template.generation',
  'kubernetes.io/change-cause',
]);

/** Keys that the cluster itself writes beside what was declared. */
const SYSTEM_KEYS: ReadonlySet<string> = new Set([
  'kubernetes.io/metadata.name',
  'controller-uid',
  'job-name',
  'pod-template-hash',
  'controller-revision-hash',
  'control-plane.alpha.kubernetes.io/leader',
  'kubernetes.io/service-account.uid',
]);
const SYSTEM_PREFIXES: readonly string[] = [
  'batch.kubernetes.io/',
  'pv.kubernetes.io/',
  'volume.kubernetes.io/',
  'volume.beta.kubernetes.io/',
  'autoscaling.alpha.kubernetes.io/',
  'endpoints.kubernetes.io/',
];

/** True for a key of labels or annotations that never is drift, whichever way it differs. */
export function isHistoryKey(key: string): boolean {
  return HISTORY_KEYS.has(key);
}

/** True for a key of labels or annotations that is no drift when live has it beyond desired. */
export function isSystemKey(key: string): boolean {
  return (
    HISTORY_KEYS.has(key) ||
    SYSTEM_KEYS.has(key) ||
    SYSTEM_PREFIXES.some((prefix) => key.startsWith(prefix))
  );
}

/** True for the labels or annotations of the object itself or of a template in it. */
export function isMetadataMap(node: PlanNode): boolean {
  return (
    (node.name === 'labels' || node.name === 'annotations') && node.parent?.name === 'metadata'
  );
}

/**
 * The default rule by which a writer is expected to own a field: the control plane everywhere, other controllers where their
 * job is to fill something in (webhook CA bundles, replicas through an autoscaler, a service account's secrets). Deliverers
 * and people are never expected.
 */
export function expectedBy(
  entry: ManagedFieldsEntry,
  managerClass: ManagerClass,
  kind: string,
  name: string,
): DefaultRuleId | undefined {
  const isReplicas = entry.subresource === 'scale' || name === 'replicas';
  if (managerClass === 'control-plane') {
    if (isReplicas) return 'default/autoscaled-replicas';
    if (kind === 'ClusterRole') return 'default/aggregated-roles';
    if (kind === 'PersistentVolumeClaim') return 'default/volume-binding';
    return 'default/control-plane';
  }
  if (managerClass !== 'controller') return undefined;
  if (isReplicas) return isScaler(entry, managerClass) ? 'default/autoscaled-replicas' : undefined;
  if (name === 'caBundle') return 'default/ca-bundle';
  const isFilledIn = name === 'secrets' || name === 'imagePullSecrets';
  return kind === 'ServiceAccount' && isFilledIn ? 'default/service-account-secrets' : undefined;
}
