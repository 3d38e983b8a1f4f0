import { expect, test } from 'vitest';
import type { JsonValue } from '../json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../resource-ref.ts';
import type { CompareContext } from './compare.ts';
import { compare } from './compare.ts';
import { compileDesired } from './compile.ts';
import { isClusterMade } from './unmanaged.ts';

const APPLIED = '2026-01-01T00:00:00Z';
const LATER = '2026-01-02T00:00:00Z';
const CONTEXT: CompareContext = { appliers: ['confighub'] };
const REPLICAS = { 'f:spec': { 'f:replicas': {} } };

function deployment(replicas: number, entries: readonly ManagedFieldsEntry[] = []): KubeObject {
  const metadata = { name: 'd', ...(entries.length > 0 ? { managedFields: entries } : {}) };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas } };
}

function entry(manager: string, fieldsV1: JsonValue, more: Partial<ManagedFieldsEntry> = {}) {
  const operation = manager === 'confighub' ? 'Apply' : 'Update';
  return { manager, operation, time: APPLIED, fieldsV1, ...more };
}

function judge(live: KubeObject, context: CompareContext = CONTEXT) {
  return compare(compileDesired(deployment(3)), live, context);
}

test.each([
  ['kube-controller-manager', 'scale', 0],
  ['keda-operator', 'scale', 0],
  ['my-autoscaler', undefined, 0],
  ['kubectl', 'scale', 1],
  ['OpenLens', 'scale', 1],
  ['argocd-server', 'scale', 1],
  ['helm', undefined, 1],
])('replicas written by %s through %s: %i changes', (manager, subresource, count) => {
  const { time: _time, ...scaled } = entry(manager, REPLICAS);
  const { changes, expected } = judge(
    deployment(9, [{ ...scaled, ...(subresource ? { subresource } : {}) }]),
  );
  expect(changes).toHaveLength(count);
  expect(expected).toBe(1 - count);
  if (count > 0) expect(changes[0]).toMatchObject({ who: manager, op: 'changed' });
});

test('what the applier alone owns counts as rewritten only where that is known or assumed', () => {
  const live = deployment(9, [entry('confighub', REPLICAS)]);
  const unknown = judge(live);
  expect(unknown.direction).toBe('unknown');
  expect(unknown.changes[0]).toMatchObject({ who: 'confighub', confidence: 'low' });
  expect(judge(live, { ...CONTEXT, unexplained: 'rewritten' })).toMatchObject({
    changes: [],
    serverRewritten: 1,
  });
  const desired = compileDesired(deployment(3));
  const context = { ...CONTEXT, base: desired, lastApplyTime: APPLIED };
  expect(compare(desired, live, context).serverRewritten).toBe(1);
});

test("somebody who writes in the applier's name is found by the time of the entry", () => {
  const desired = compileDesired(deployment(3));
  const live = deployment(9, [entry('confighub', REPLICAS, { time: LATER })]);
  const result = compare(desired, live, { ...CONTEXT, base: desired, lastApplyTime: APPLIED });
  expect(result).toMatchObject({ direction: 'forward', serverRewritten: 0 });
  expect(result.changes[0]).toMatchObject({ who: 'confighub', confidence: 'low', when: LATER });
});

test('live that holds the applied base while desired moved on is pending', () => {
  const live = deployment(2, [entry('confighub', REPLICAS)]);
  const result = judge(live, { ...CONTEXT, base: compileDesired(deployment(2)) });
  expect(result).toMatchObject({ direction: 'reverse', severity: 'info' });
  expect(result.changes[0]).toMatchObject({ op: 'pending', desired: 3, live: 2 });
});

test('the last of several writers is named', () => {
  const live = deployment(9, [
    entry('kubectl-edit', REPLICAS, { time: LATER }),
    entry('kubectl-patch', REPLICAS),
  ]);
  expect(judge(live).changes[0]).toMatchObject({ who: 'kubectl-edit', when: LATER });
});

test('merged entries name nobody', () => {
  const [change] = judge(deployment(9, [entry('ancient-changes', REPLICAS)])).changes;
  expect(change?.who).toBe('unknown');
});

test('a remembered equivalence silences a place, by its path without list keys', () => {
  const asked: string[] = [];
  const isEquivalent: CompareContext['isEquivalent'] = ({ schemaPath }) => {
    asked.push(schemaPath);
    return true;
  };
  expect(judge(deployment(9), { ...CONTEXT, isEquivalent }).changes).toEqual([]);
  expect(asked).toEqual(['spec.replicas']);
});

test('keys of a ConfigMap that nobody tracks are found all the same', () => {
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } };
  const desired = compileDesired({ ...configMap, data: { A: '1' } });
  const { changes } = compare(desired, { ...configMap, data: { A: '1', 'x.y': '2' } }, CONTEXT);
  expect(changes).toMatchObject([{ path: 'data["x.y"]', op: 'added', who: 'unknown' }]);
});

test('a missing object is one change', () => {
  const { changes, severity } = compare(compileDesired(deployment(3)), undefined, CONTEXT);
  expect(changes).toMatchObject([{ path: '', op: 'object-missing', type: 'MissingResource' }]);
  expect(severity).toBe('high');
});

test('objects that the cluster makes are no unmanaged ones', () => {
  const object = (kind: string, metadata: object, more: object = {}): KubeObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name: 'x', ...metadata },
    ...more,
  });
  expect(isClusterMade(object('ConfigMap', { name: 'kube-root-ca.crt' }))).toBe(true);
  const token = { type: 'kubernetes.io/service-account-token' };
  expect(isClusterMade(object('Secret', {}, token))).toBe(true);
  const owner = { kind: 'ReplicaSet', name: 'r', controller: true };
  expect(isClusterMade(object('Pod', { ownerReferences: [owner] }))).toBe(true);
  expect(isClusterMade(object('ConfigMap', {}))).toBe(false);
  expect(isClusterMade(object('Secret', {}, { type: 'Opaque' }))).toBe(false);
});
