import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../drift/resource-ref.ts';
import { createLiveStore } from './live-store.ts';

const place = { namespace: 'shop', name: 'api' };

function deployment(version: number, change: Partial<KubeObject['metadata']> = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...place, uid: 'u', generation: 1, resourceVersion: String(version), ...change },
    spec: { replicas: 3 },
    status: { readyReplicas: version },
  };
}

function configMap(version: number, value: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...place, resourceVersion: String(version) },
    data: { value },
  };
}

describe('live store', () => {
  it('takes a change of status alone for no change', () => {
    const store = createLiveStore();
    expect(store.put(deployment(1))).toBe('new');
    expect(store.put(deployment(2))).toBe('same');
  });

  it('sees a new generation, label or annotation', () => {
    const store = createLiveStore();
    store.put(deployment(1));
    expect(store.put(deployment(2, { generation: 2 }))).toBe('changed');
    expect(store.put(deployment(3, { generation: 2, labels: { a: 'b' } }))).toBe('changed');
    expect(store.put(deployment(4, { generation: 2, labels: { a: 'b' } }))).toBe('same');
    expect(store.put(deployment(5, { generation: 2, annotations: { a: 'b' } }))).toBe('changed');
  });

  it('sees an object that was made anew under the same name', () => {
    const store = createLiveStore();
    store.put(deployment(1));
    expect(store.put({ ...deployment(2, { uid: 'v' }), spec: { replicas: 9 } })).toBe('changed');
    expect(store.get(place)?.['spec']).toEqual({ replicas: 9 });
  });

  it('looks at the content of kinds without generations', () => {
    const store = createLiveStore();
    expect(store.put(configMap(1, 'a'))).toBe('new');
    expect(store.put(configMap(1, 'a'))).toBe('same');
    expect(store.put(configMap(2, 'a'))).toBe('same');
    expect(store.put(configMap(3, 'b'))).toBe('changed');
    expect(store.get(place)?.['data']).toEqual({ value: 'b' });
  });

  it('does not trust the generation of kinds without status: some never count on', () => {
    const store = createLiveStore();
    const priority = (version: number, description: string): KubeObject => ({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'api', uid: 'u', generation: 1, resourceVersion: String(version) },
      description,
    });
    expect(store.put(priority(1, 'a'))).toBe('new');
    expect(store.put(priority(2, 'a'))).toBe('same');
    expect(store.put(priority(3, 'b'))).toBe('changed');
  });

  it('keeps what comparing needs: owners of fields, but not of status', () => {
    const store = createLiveStore();
    const entry = (fieldsV1: Record<string, object>, subresource?: string) => ({
      manager: 'm',
      ...(subresource === undefined ? {} : { subresource }),
      fieldsV1: fieldsV1 as Record<string, Record<string, never>>,
    });
    const revision = { 'f:metadata': { 'f:annotations': {} } };
    store.put(
      deployment(1, {
        managedFields: [
          entry({ 'f:spec': {} }),
          entry({ 'f:status': {} }, 'status'),
          entry({ ...revision, 'f:status': {} }, 'status'),
        ],
      }),
    );
    expect(store.get(place)?.['status']).toBeUndefined();
    expect(store.get(place)?.metadata.managedFields).toEqual([
      entry({ 'f:spec': {} }),
      entry(revision, 'status'),
    ]);
  });

  it('names what a full list does not have any more', () => {
    const store = createLiveStore();
    store.put(configMap(1, 'a'));
    store.put({ ...configMap(2, 'b'), metadata: { namespace: '', name: 'node' } });
    expect(store.removeOthers(new Set(['shop/api']))).toEqual([{ namespace: '', name: 'node' }]);
    expect(store.size()).toBe(1);
  });
});
