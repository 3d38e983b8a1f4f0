import type { FieldChange } from '../field-change.ts';
import type { KubeObject } from '../resource-ref.ts';
import { classifyChange } from './classify.ts';
import { writerOf } from './managers.ts';

const OWN_CONFIG_MAPS: ReadonlySet<string> = new Set([
  'kube-root-ca.crt',
  'openshift-service-ca.crt',
]);
const OWN_SECRET_TYPES: ReadonlySet<string> = new Set([
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'helm.sh/release.v1',
]);
const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
]);

/**
 * True for a live object that nobody would declare: what the cluster creates by itself in every namespace, service-account
 * tokens, and objects that a controller owns. Such objects are never reported as unmanaged.
 */
export function isClusterMade(object: KubeObject): boolean {
  const { name, namespace = '', ownerReferences = [], labels = {} } = object.metadata;
  if (ownerReferences.some((owner) => owner.controller === true)) return true;
  if (SYSTEM_NAMESPACES.has(namespace)) return true;
  if (labels['kubernetes.io/bootstrapping'] !== undefined) return true;
  switch (object.kind) {
    case 'ConfigMap':
      return OWN_CONFIG_MAPS.has(name);
    case 'Secret':
      return OWN_SECRET_TYPES.has(String(object['type']));
    case 'ServiceAccount':
      return name === 'default';
    case 'Service':
      return name === 'kubernetes' && namespace === 'default';
    case 'Role':
    case 'ClusterRole':
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return name.startsWith('system:');
    case 'Namespace':
      return name === 'default' || SYSTEM_NAMESPACES.has(name);
    case 'Endpoints':
    case 'EndpointSlice':
    case 'Event':
    case 'Lease':
      return true;
    default:
      return false;
  }
}

/** The one change of a live object that nobody declares; undefined for what the cluster makes for itself. */
export function unmanagedChange(live: KubeObject): FieldChange | undefined {
  if (isClusterMade(live)) return undefined;
  const { apiVersion, kind, metadata } = live;
  const where = { apiVersion, kind, path: '', op: 'added' } as const;
  const { type } = classifyChange({ ...where, desired: undefined, live: undefined });
  const entries = (metadata.managedFields ?? []).filter((one) => one.subresource === undefined);
  const [first] = entries.toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? ''));
  return {
    path: '',
    op: 'added',
    type: 'ExtraResource',
    // A right or a hole in a wall is as grave as a change of one.
    severity: type === 'SecurityChange' ? 'critical' : 'medium',
    who: first ? writerOf(first) : 'unknown',
    ...(metadata.creationTimestamp && { when: metadata.creationTimestamp }),
    confidence: first ? 'high' : 'low',
  };
}
