import type { ChangeType, Direction, FieldChange, Severity } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { ChangeDirection } from './comparison.ts';
import type { PlacedChange, UnclassifiedChange } from './placed-change.ts';
import { placeChange } from './placed-change.ts';
import { severityOf } from './severity.ts';

const RBAC_KINDS: ReadonlySet<string> = new Set([
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
]);
const CONTAINER_LISTS: ReadonlySet<string> = new Set([
  'containers',
  'initContainers',
  'ephemeralContainers',
]);
const POD_SECURITY_FIELDS: ReadonlySet<string> = new Set([
  'securityContext',
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'hostUsers',
  'serviceAccountName',
  'serviceAccount',
  'automountServiceAccountToken',
]);
const POD_VOLUME_FIELDS: ReadonlySet<string> = new Set([
  'volumes',
  'volumeMounts',
  'volumeDevices',
]);

/** The type and severity of one change, decided by kind and structural path, never by what a name happens to contain. */
export function classifyChange(change: UnclassifiedChange): {
  type: ChangeType;
  severity: Severity;
} {
  const placed = placeChange(change);
  const type = typeOf(placed);
  return { type, severity: severityOf(placed, type) };
}

/** `both` when some changes point each way; `unknown` when nothing is known for sure. */
export function directionOf(directions: readonly ChangeDirection[]): Direction {
  const isForward = directions.includes('forward');
  const isReverse = directions.includes('reverse');
  if (isForward) return isReverse ? 'both' : 'forward';
  return isReverse && !directions.includes('unknown') ? 'reverse' : 'unknown';
}

/**
 * How bad a drift is as one number from 0 to 100: the sum over its changes of 1 (low), 5 (medium), 20 (high) or 50
 * (critical), capped. Reverse drift (`info`) weighs nothing.
 */
export function driftScore(changes: readonly Pick<FieldChange, 'severity'>[]): number {
  let score = 0;
  for (const { severity } of changes) score += WEIGHTS[severity];
  return Math.min(score, 100);
}

const WEIGHTS: Readonly<Record<Severity, number>> = {
  info: 0,
  low: 1,
  medium: 5,
  high: 20,
  critical: 50,
};

function typeOf(change: PlacedChange): ChangeType {
  if (change.op === 'object-missing') return 'MissingResource';
  const metadata = metadataType(change);
  if (metadata) return metadata;
  if (isSecurity(change)) return 'SecurityChange';
  if (change.inPod) return podType(change.inPod);
  return kindType(change);
}

function metadataType({ fields, kind, segments }: PlacedChange): ChangeType | undefined {
  const at = fields.indexOf('metadata');
  const isTemplate = at > 0 && (fields[at - 1] === 'template' || fields[at - 1] === 'jobTemplate');
  if (at !== 0 && !isTemplate) return undefined;
  const last = segments.at(-1);
  const key = last?.kind === 'field' ? last.name : '';
  if (kind === 'Namespace' && key.startsWith('pod-security.kubernetes.io/'))
    return 'SecurityChange';
  if (fields[at + 1] === 'labels') return 'LabelChange';
  return fields[at + 1] === 'annotations' ? 'AnnotationChange' : undefined;
}

function isSecurity(change: PlacedChange): boolean {
  const { kind, fields, inPod, isBuiltIn } = change;
  if (inPod) return isPodSecurity(inPod, change);
  if (!isBuiltIn) return false;
  if (RBAC_KINDS.has(kind) || kind === 'ServiceAccount') return true;
  if (fields[0] !== 'spec') return false;
  if (kind === 'NetworkPolicy') return true;
  if (kind === 'Ingress')
    return fields.length === 1 || fields[1] === 'rules' || fields[1] === 'tls';
  return kind === 'Service' && (fields.length === 1 || fields[1] === 'selector');
}

function isPodSecurity(inPod: readonly string[], change: PlacedChange): boolean {
  const [first = '', second = ''] = inPod;
  if (POD_SECURITY_FIELDS.has(first)) return true;
  if (CONTAINER_LISTS.has(first)) {
    if (second === 'securityContext') return true;
    return inPod.length === 1 && (isPrivileged(change.live) || isPrivileged(change.desired));
  }
  if (first !== 'volumes') return false;
  return (
    second === 'hostPath' ||
    (inPod.length === 1 && (mountsHost(change.live) || mountsHost(change.desired)))
  );
}

/** A container (or list of them) that asks for more than an ordinary one. */
function isPrivileged(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.some(isPrivileged);
  if (!isJsonObject(value)) return false;
  const context = value['securityContext'];
  if (!isJsonObject(context)) return false;
  const capabilities = context['capabilities'];
  return (
    context['privileged'] === true ||
    context['allowPrivilegeEscalation'] === true ||
    context['runAsUser'] === 0 ||
    (isJsonObject(capabilities) &&
      Array.isArray(capabilities['add']) &&
      capabilities['add'].length > 0)
  );
}

function mountsHost(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.some(mountsHost);
  return isJsonObject(value) && isJsonObject(value['hostPath']);
}

function podType(inPod: readonly string[]): ChangeType {
  const [first = '', second = ''] = inPod;
  if (POD_VOLUME_FIELDS.has(first)) return 'VolumeChange';
  if (first === 'resources') return 'ResourceChange';
  if (!CONTAINER_LISTS.has(first)) return 'GenericChange';
  if (second === 'image') return 'VersionChange';
  if (second === 'resources') return 'ResourceChange';
  if (second === 'env' || second === 'envFrom') return 'ConfigurationChange';
  if (second === 'ports') return 'PortChange';
  return POD_VOLUME_FIELDS.has(second) ? 'VolumeChange' : 'GenericChange';
}

function kindType({ kind, fields, isBuiltIn }: PlacedChange): ChangeType {
  const [first = '', second = ''] = fields;
  if (first === 'spec' && second === 'replicas') return 'Scaling';
  if (!isBuiltIn) return 'GenericChange';
  if (kind === 'Secret') return 'SecretChange';
  if (kind === 'ConfigMap') return 'ConfigMapChange';
  if (kind === 'Service' && second === 'ports') return 'PortChange';
  if (kind === 'StatefulSet' && second === 'volumeClaimTemplates') return 'VolumeChange';
  if (kind === 'PersistentVolumeClaim' || kind === 'PersistentVolume') {
    return second === 'resources' || second === 'capacity' ? 'ResourceChange' : 'VolumeChange';
  }
  if (kind === 'ResourceQuota' || kind === 'LimitRange') return 'ResourceChange';
  return 'GenericChange';
}
