import type { JsonObject, JsonValue } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { sameJson } from './equal.ts';
import type { Shape } from './schema.ts';
import { fieldShape } from './schema.ts';

/**
 * What the API server fills in where a field is absent, by Go type and field (source: the `SetDefaults_…` functions of
 * k8s.io/kubernetes/pkg/apis). Only asked when a foreign writer owns a field that desired does not declare: writers that
 * create objects or list items own the defaults too.
 */
const DEFAULTS: Readonly<Record<string, JsonObject>> = {
  'core.v1.PodSpec': {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
    priority: 0,
  },
  'core.v1.Container': {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  },
  'core.v1.ContainerPort': { protocol: 'TCP' },
  'core.v1.Probe': {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  },
  'core.v1.HTTPGetAction': { scheme: 'HTTP', path: '/' },
  'core.v1.GRPCAction': { service: '' },
  'core.v1.ConfigMapVolumeSource': { defaultMode: 420 },
  'core.v1.SecretVolumeSource': { defaultMode: 420 },
  'core.v1.DownwardAPIVolumeSource': { defaultMode: 420 },
  'core.v1.ProjectedVolumeSource': { defaultMode: 420 },
  'core.v1.HostPathVolumeSource': { type: '' },
  'core.v1.Volume': { emptyDir: {} },
  'core.v1.ServiceAccountTokenProjection': { expirationSeconds: 3600 },
  'core.v1.ObjectFieldSelector': { apiVersion: 'v1' },
  'core.v1.ResourceFieldSelector': { divisor: '0' },
  'core.v1.ISCSIVolumeSource': { iscsiInterface: 'default' },
  'core.v1.AzureDiskVolumeSource': {
    cachingMode: 'ReadWrite',
    fsType: 'ext4',
    readOnly: false,
    kind: 'Shared',
  },
  'core.v1.PersistentVolumeClaimSpec': { volumeMode: 'Filesystem' },
  'core.v1.PersistentVolumeSpec': {
    volumeMode: 'Filesystem',
    persistentVolumeReclaimPolicy: 'Retain',
  },
  'core.v1.ServiceSpec': {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
    allocateLoadBalancerNodePorts: true,
    ipFamilyPolicy: 'SingleStack',
  },
  'core.v1.ServicePort': { protocol: 'TCP' },
  'core.v1.EndpointPort': { protocol: 'TCP' },
  'core.v1.ReplicationControllerSpec': { replicas: 1 },
  'core.v1.NamespaceSpec': { finalizers: ['kubernetes'] },
  'core.v1.Secret': { type: 'Opaque' },
  'discovery.v1.EndpointPort': { name: '', protocol: 'TCP' },
  'flowcontrol.v1.FlowSchemaSpec': { matchingPrecedence: 1000 },
  'apps.v1.DeploymentSpec': { progressDeadlineSeconds: 600, replicas: 1, revisionHistoryLimit: 10 },
  'apps.v1.DeploymentStrategy': { type: 'RollingUpdate' },
  'apps.v1.RollingUpdateDeployment': { maxSurge: '25%', maxUnavailable: '25%' },
  'apps.v1.ReplicaSetSpec': { replicas: 1 },
  'apps.v1.StatefulSetSpec': {
    podManagementPolicy: 'OrderedReady',
    replicas: 1,
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  },
  'apps.v1.StatefulSetUpdateStrategy': { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
  'apps.v1.RollingUpdateStatefulSetStrategy': { partition: 0, maxUnavailable: 1 },
  'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy': {
    whenDeleted: 'Retain',
    whenScaled: 'Retain',
  },
  'apps.v1.DaemonSetSpec': { revisionHistoryLimit: 10 },
  'apps.v1.DaemonSetUpdateStrategy': { type: 'RollingUpdate' },
  'apps.v1.RollingUpdateDaemonSet': { maxSurge: 0, maxUnavailable: 1 },
  'batch.v1.JobSpec': {
    completions: 1,
    parallelism: 1,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
  },
  'batch.v1.PodFailurePolicyOnPodConditionsPattern': { status: 'True' },
  'batch.v1.CronJobSpec': {
    concurrencyPolicy: 'Allow',
    failedJobsHistoryLimit: 1,
    successfulJobsHistoryLimit: 3,
    suspend: false,
  },
  'autoscaling.v1.HorizontalPodAutoscalerSpec': {
    minReplicas: 1,
    targetCPUUtilizationPercentage: 80,
  },
  'autoscaling.v2.HorizontalPodAutoscalerSpec': {
    minReplicas: 1,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
      },
    ],
  },
  'autoscaling.v2.HPAScalingRules': { selectPolicy: 'Max', stabilizationWindowSeconds: 0 },
  'networking.v1.NetworkPolicyPort': { protocol: 'TCP' },
  'networking.v1.IngressClassParametersReference': { scope: 'Cluster' },
  'rbac.v1.RoleRef': { apiGroup: 'rbac.authorization.k8s.io' },
  'admissionregistration.v1.ServiceReference': { port: 443 },
  'admissionregistration.v1.RuleWithOperations': { scope: '*' },
  'admissionregistration.v1.NamedRuleWithOperations': { scope: '*' },
  'admissionregistration.v1.MatchResources': {
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
  },
  'admissionregistration.v1.ValidatingAdmissionPolicySpec': { failurePolicy: 'Fail' },
  'admissionregistration.v1.ValidatingWebhook': webhookDefaults(),
  'admissionregistration.v1.MutatingWebhook': { ...webhookDefaults(), reinvocationPolicy: 'Never' },
  'storage.v1.StorageClass': { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
  'storage.v1.CSIDriverSpec': {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  },
  'scheduling.v1.PriorityClass': { preemptionPolicy: 'PreemptLowerPriority' },
  'apiextensions.v1.CustomResourceDefinitionSpec': { conversion: { strategy: 'None' } },
};

function webhookDefaults(): JsonObject {
  return {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  };
}

type Rule = (value: unknown, parent: JsonObject, root: JsonObject) => boolean;

/** Defaults that depend on their neighbours, and values that the server allocates. */
const RULES: Readonly<Record<string, Rule>> = {
  'core.v1.PodSpec.serviceAccount': (value, parent) => value === parent['serviceAccountName'],
  'core.v1.PodSpec.serviceAccountName': (value, parent, root) =>
    value === 'default' && root['kind'] === 'Pod'
      ? true
      : value === parent['serviceAccount'] && value === '',
  'core.v1.PodSpec.nodeName': (_value, _parent, root) => root['kind'] === 'Pod',
  'core.v1.Container.imagePullPolicy': (value, parent) => value === pullPolicy(parent['image']),
  'core.v1.ImageVolumeSource.pullPolicy': (value, parent) =>
    value === pullPolicy(parent['reference']),
  'core.v1.ContainerPort.hostPort': (value, parent) => value === parent['containerPort'],
  'core.v1.ServicePort.targetPort': (value, parent) => String(value) === String(parent['port']),
  'core.v1.ServiceSpec.clusterIP': (value) => value !== 'None',
  'core.v1.ServiceSpec.clusterIPs': (value, parent) =>
    Array.isArray(value) && value[0] === parent['clusterIP'],
  'core.v1.ServiceSpec.ipFamilies': () => true,
  'core.v1.ServiceSpec.healthCheckNodePort': () => true,
  'core.v1.ServiceSpec.selector': () => false,
  'core.v1.LimitRangeItem.default': (_value, parent) => parent['type'] === 'Container',
  'core.v1.LimitRangeItem.defaultRequest': (_value, parent) => parent['type'] === 'Container',
  'core.v1.ResourceRequirements.requests': (value, parent, root) =>
    root['kind'] === 'Pod' && isSubset(value, parent['limits']),
  'batch.v1.JobSpec.backoffLimit': (value, parent) =>
    value === (parent['backoffLimitPerIndex'] === undefined ? 6 : 2147483647),
  'batch.v1.JobSpec.podReplacementPolicy': (value, parent) =>
    value === (parent['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed'),
  'batch.v1.JobSpec.selector': (_value, parent) => parent['manualSelector'] !== true,
  'autoscaling.v2.HPAScalingRules.policies': (value) => isScalingPolicies(value),
  'core.v1.ReplicationControllerSpec.selector': (value, _parent, root) =>
    sameJson(value, templateLabels(root)),
  'networking.v1.NetworkPolicySpec.policyTypes': (value, parent) => isPolicyTypes(value, parent),
  'rbac.v1.Subject.apiGroup': (value, parent) =>
    value === (parent['kind'] === 'ServiceAccount' ? '' : 'rbac.authorization.k8s.io'),
  'apiextensions.v1.CustomResourceDefinitionNames.listKind': (value, parent) =>
    value === `${String(parent['kind'])}List`,
  'apiextensions.v1.CustomResourceDefinitionNames.singular': (value, parent) =>
    value === String(parent['kind']).toLowerCase(),
};

/**
 * True when a live value that desired does not declare is what the API server would have put there by itself: a zero, a
 * static default, or one that follows from its neighbours. `shape` and `parentShape` are those of the schema; for custom
 * resources without one only empty values count.
 */
export function isDefaulted(
  name: string,
  shape: Shape,
  parentShape: Shape | undefined,
  value: unknown,
  parent: unknown,
  root: JsonObject,
): boolean {
  if (isStoredZero(value, shape)) return true;
  const struct = parentShape?.struct;
  if (struct && isJsonObject(parent)) {
    const type = struct.name === 'core.v1.EphemeralContainer' ? 'core.v1.Container' : struct.name;
    const known = struct.defaults?.get(name) ?? DEFAULTS[type]?.[name];
    if (known !== undefined && sameDefault(value, known)) return true;
    const rule = RULES[`${type}.${name}`];
    if (rule?.(value, parent, root)) return true;
  }
  // A struct that holds nothing but defaults is one itself (`strategy`, `rollingUpdate`).
  if (!shape.struct || !isJsonObject(value)) return false;
  const inner = shape.struct;
  const fields = Object.entries(value);
  return (
    fields.length > 0 &&
    fields.every(([field, held]) =>
      isDefaulted(field, fieldShape(inner, field), shape, held, value, root),
    )
  );
}

/** Jobs and replication controllers without labels get those of their template. */
export function isInheritedLabel(name: string, value: unknown, root: JsonObject): boolean {
  if (root['kind'] !== 'Job' && root['kind'] !== 'ReplicationController') return false;
  const labels = templateLabels(root);
  return name === 'labels' ? sameJson(value, labels) : labels?.[name] === value;
}

function templateLabels(root: JsonObject): JsonObject | undefined {
  let at: unknown = root;
  for (const name of ['spec', 'template', 'metadata', 'labels']) {
    at = isJsonObject(at) ? at[name] : undefined;
  }
  return isJsonObject(at) ? at : undefined;
}

function isStoredZero(value: unknown, shape: Shape): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (isJsonObject(value)) return Object.keys(value).length === 0 && !shape.keepsZero;
  if (shape.keepsZero) return false;
  return value === '' || value === 0 || value === false;
}

function sameDefault(value: unknown, known: JsonValue): boolean {
  if (value === known) return true;
  return typeof known === 'object' && sameJson(value, known);
}

/** Always for `latest` and for no tag, IfNotPresent for a tag or a digest. */
function pullPolicy(image: unknown): string {
  if (typeof image !== 'string') return 'IfNotPresent';
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function isPolicyTypes(value: unknown, parent: JsonObject): boolean {
  const hasEgress = Array.isArray(parent['egress']) && parent['egress'].length > 0;
  return JSON.stringify(value) === JSON.stringify(hasEgress ? ['Ingress', 'Egress'] : ['Ingress']);
}

function isScalingPolicies(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const known = ['Pods/4/15', 'Percent/100/15'];
  return value.every(
    (policy) =>
      isJsonObject(policy) &&
      known.includes(`${policy['type']}/${policy['value']}/${policy['periodSeconds']}`),
  );
}

function isSubset(part: unknown, whole: unknown): boolean {
  if (!isJsonObject(part) || !isJsonObject(whole)) return false;
  return Object.entries(part).every(([key, value]) => whole[key] === value);
}
