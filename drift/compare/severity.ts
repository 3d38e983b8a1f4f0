import type { ChangeType, Severity } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { PlacedChange } from './placed-change.ts';

/** Fields of a pod spec or container that say what runs, or whether it runs. */
const POD_HIGH: ReadonlySet<string> = new Set([
  'command',
  'args',
  'readinessProbe',
  'livenessProbe',
  'startupProbe',
  'lifecycle',
  'tolerations',
  'restartPolicy',
  'imagePullSecrets',
  'runtimeClassName',
  'schedulingGates',
  'nodeName',
]);
const POD_LOW: ReadonlySet<string> = new Set([
  'imagePullPolicy',
  'terminationMessagePath',
  'terminationMessagePolicy',
]);
/** Fields right below `spec` by which a built-in kind runs, is exposed or is identified. */
const SPEC_HIGH: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['selector', 'paused'],
  StatefulSet: ['selector', 'serviceName'],
  DaemonSet: ['selector'],
  ReplicaSet: ['selector'],
  Job: ['selector', 'suspend'],
  CronJob: ['schedule', 'suspend', 'timeZone'],
  HorizontalPodAutoscaler: ['scaleTargetRef'],
  PodDisruptionBudget: ['minAvailable', 'maxUnavailable', 'selector'],
  Service: [
    'type',
    'externalIPs',
    'externalName',
    'loadBalancerIP',
    'loadBalancerClass',
    'loadBalancerSourceRanges',
    'clusterIP',
  ],
  Ingress: ['ingressClassName', 'defaultBackend'],
  APIService: ['service', 'caBundle', 'insecureSkipTLSVerify'],
};
const SPEC_LOW: ReadonlySet<string> = new Set([
  'revisionHistoryLimit',
  'failedJobsHistoryLimit',
  'successfulJobsHistoryLimit',
]);
const WEBHOOK_KINDS: ReadonlySet<string> = new Set([
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
]);
/** A change of the number of replicas by more than this share of desired is high. */
const SCALING_THRESHOLD = 0.5;

/** The severity of a classified change. Reverse drift is `info`: nothing is wrong, it only is not applied yet. */
export function severityOf(change: PlacedChange, type: ChangeType): Severity {
  if (change.op === 'pending') return 'info';
  switch (type) {
    case 'SecurityChange':
      return 'critical';
    case 'MissingResource':
    case 'SecretChange':
    case 'VersionChange':
      return 'high';
    case 'Scaling':
      return scalingSeverity(change);
    case 'ResourceChange':
      return resourceSeverity(change);
    case 'ConfigurationChange':
    case 'PortChange':
    case 'VolumeChange':
      return 'medium';
    case 'LabelChange':
    case 'AnnotationChange':
      return 'low';
    case 'ConfigMapChange':
      return configMapSeverity(change);
    case 'ExtraResource':
      return 'medium';
    case 'GenericChange':
      return change.isBuiltIn || change.inPod ? genericSeverity(change) : 'low';
  }
}

function scalingSeverity({ desired, live, op }: PlacedChange): Severity {
  if (typeof desired !== 'number' || typeof live !== 'number') {
    return op === 'removed' ? 'medium' : scaledFromDefault(live);
  }
  if (desired === 0) return 'high';
  return Math.abs(live - desired) / desired > SCALING_THRESHOLD ? 'high' : 'medium';
}

/** Desired leaves the number open: the API server would have put 1, so that a stop is the bad case. */
function scaledFromDefault(live: JsonValue | undefined): Severity {
  return live === 0 ? 'high' : 'medium';
}

function resourceSeverity(change: PlacedChange): Severity {
  const { fields, desired, live } = change;
  const at = fields.indexOf('resources');
  const below = at < 0 ? undefined : fields[at + 1];
  if (below === 'limits') return 'high';
  if (at >= 0 && below === undefined && (hasLimits(desired) || hasLimits(live))) return 'high';
  return 'medium';
}

function hasLimits(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && value['limits'] !== undefined;
}

function configMapSeverity({ op, desired, live }: PlacedChange): Severity {
  if (op === 'added') return 'low';
  const isText = typeof desired === 'string' && typeof live === 'string';
  // Blanks at the end rarely change what a program reads; they still are a change.
  return isText && desired.trimEnd() === live.trimEnd() ? 'low' : 'medium';
}

function genericSeverity({ kind, fields, inPod }: PlacedChange): Severity {
  if (inPod) return podSeverity(inPod);
  const [first = '', second = ''] = fields;
  if (WEBHOOK_KINDS.has(kind)) return 'high';
  if (SPEC_LOW.has(second)) return 'low';
  if (first === 'spec' && SPEC_HIGH[kind]?.includes(second)) return 'high';
  return 'medium';
}

function podSeverity(inPod: readonly string[]): Severity {
  const [first = '', second] = inPod;
  if (second === undefined && (first === 'containers' || first === 'initContainers')) return 'high';
  if (first === 'ephemeralContainers') return 'high';
  const field = first === 'containers' || first === 'initContainers' ? (second ?? '') : first;
  if (POD_HIGH.has(field)) return 'high';
  return POD_LOW.has(field) ? 'low' : 'medium';
}
