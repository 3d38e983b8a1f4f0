import { expect, test } from 'vitest';
import type { ChangeOp } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import { classifyChange, directionOf, driftScore } from './classify.ts';

const C = 'spec.template.spec.containers[name=api]';
const GROUPS: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  CronJob: 'batch/v1',
  Role: 'rbac.authorization.k8s.io/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  Ingress: 'networking.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  Widget: 'x.io/v1',
};

function judge(
  kind: string,
  path: string,
  desired?: JsonValue,
  live?: JsonValue,
  op: ChangeOp = 'changed',
) {
  const apiVersion = GROUPS[kind] ?? 'v1';
  const { type, severity } = classifyChange({ apiVersion, kind, path, op, desired, live });
  return `${type} ${severity}`;
}

test.each([
  ['Deployment', `${C}.image`, 'VersionChange high'],
  ['Deployment', `${C}.imagePullPolicy`, 'GenericChange low'],
  ['Deployment', 'spec.template.spec.imagePullSecrets', 'GenericChange high'],
  ['Deployment', `${C}.resources.limits.cpu`, 'ResourceChange high'],
  ['Deployment', `${C}.resources.requests.cpu`, 'ResourceChange medium'],
  ['Deployment', `${C}.env[name=replicas].value`, 'ConfigurationChange medium'],
  ['Deployment', `${C}.envFrom`, 'ConfigurationChange medium'],
  ['Deployment', `${C}.ports[containerPort=80,protocol=TCP].name`, 'PortChange medium'],
  ['Deployment', `${C}.volumeMounts[mountPath=/image]`, 'VolumeChange medium'],
  ['Deployment', 'spec.template.spec.volumes[name=v].secret.secretName', 'VolumeChange medium'],
  ['Deployment', 'spec.template.spec.volumes[name=v].hostPath.path', 'SecurityChange critical'],
  ['Deployment', 'spec.template.spec.serviceAccountName', 'SecurityChange critical'],
  ['Deployment', `${C}.securityContext.privileged`, 'SecurityChange critical'],
  ['Deployment', 'metadata.labels.environment', 'LabelChange low'],
  ['Deployment', 'metadata.annotations["image.secret/env"]', 'AnnotationChange low'],
  ['Deployment', 'spec.template.metadata.labels.tier', 'LabelChange low'],
  ['Deployment', 'spec.selector', 'GenericChange high'],
  ['Deployment', 'spec.revisionHistoryLimit', 'GenericChange low'],
  ['CronJob', 'spec.jobTemplate.spec.template.spec.containers[name=a].image', 'VersionChange high'],
  ['CronJob', 'spec.jobTemplate.metadata.labels.a', 'LabelChange low'],
  ['Secret', 'data.image', 'SecretChange high'],
  ['Secret', 'metadata.labels.a', 'LabelChange low'],
  ['ConfigMap', 'data["secret.env"]', 'ConfigMapChange medium'],
  ['Service', 'spec.selector', 'SecurityChange critical'],
  ['Service', 'spec.ports[port=80,protocol=TCP]', 'PortChange medium'],
  ['Service', 'spec.type', 'GenericChange high'],
  ['Ingress', 'spec.tls', 'SecurityChange critical'],
  ['Ingress', 'spec.ingressClassName', 'GenericChange high'],
  ['NetworkPolicy', 'spec.policyTypes', 'SecurityChange critical'],
  ['Role', 'rules', 'SecurityChange critical'],
  ['ServiceAccount', 'automountServiceAccountToken', 'SecurityChange critical'],
  ['Namespace', 'metadata.labels["pod-security.kubernetes.io/enforce"]', 'SecurityChange critical'],
  ['PodDisruptionBudget', 'spec.maxUnavailable', 'GenericChange high'],
  ['Widget', 'spec.secret.image', 'GenericChange low'],
  ['Widget', `${C}.image`, 'VersionChange high'],
])('%s %s is %s', (kind, path, expected) => {
  expect(judge(kind, path, 'a', 'b')).toBe(expected);
});

test.each([
  [2, 3, 'medium'],
  [3, 5, 'high'],
  [2, 1, 'medium'],
  [3, 1, 'high'],
  [0, 1, 'high'],
  [4, 0, 'high'],
])('scaling from %i to %i is %s: more than half of desired is high', (desired, live, severity) => {
  expect(judge('Deployment', 'spec.replicas', desired, live)).toBe(`Scaling ${severity}`);
});

test('an added container is judged by what it asks for', () => {
  const plain = { name: 'x', image: 'y' };
  const privileged = { ...plain, securityContext: { privileged: true } };
  const path = 'spec.template.spec.containers[name=x]';
  expect(judge('Deployment', path, undefined, plain, 'added')).toBe('GenericChange high');
  expect(judge('Deployment', path, undefined, privileged, 'added')).toBe('SecurityChange critical');
  const volume = { name: 'h', hostPath: { path: '/' } };
  const volumes = 'spec.template.spec.volumes';
  expect(judge('Deployment', volumes, undefined, [volume], 'added')).toBe(
    'SecurityChange critical',
  );
});

test('pending changes are information, whatever they touch', () => {
  expect(judge('Role', 'rules', [], [{}], 'pending')).toBe('SecurityChange info');
});

test('a missing object is high', () => {
  expect(judge('Role', '', undefined, undefined, 'object-missing')).toBe('MissingResource high');
});

test('directions add up, and what is not known stays unknown', () => {
  expect(directionOf(['forward', 'unknown'])).toBe('forward');
  expect(directionOf(['forward', 'reverse'])).toBe('both');
  expect(directionOf(['reverse'])).toBe('reverse');
  expect(directionOf(['reverse', 'unknown'])).toBe('unknown');
  expect(directionOf([])).toBe('unknown');
});

test('the score adds up to at most 100', () => {
  expect(driftScore([{ severity: 'low' }, { severity: 'high' }, { severity: 'info' }])).toBe(21);
  expect(driftScore(Array.from({ length: 9 }, () => ({ severity: 'critical' as const })))).toBe(
    100,
  );
});
