import { describe, expect, it } from 'vitest';
import {
  apiVersionOf,
  formatResource,
  refOf,
  resourceId,
  resourceKey,
  splitApiVersion,
} from './resource-ref.ts';

const OBJECT = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };

describe('api versions', () => {
  it.each([
    ['v1', { group: '', version: 'v1' }],
    ['apps/v1', { group: 'apps', version: 'v1' }],
    [
      'gateway.networking.k8s.io/v1beta1',
      { group: 'gateway.networking.k8s.io', version: 'v1beta1' },
    ],
  ])('%s is split and joined again', (text, parts) => {
    expect(splitApiVersion(text)).toEqual(parts);
    expect(apiVersionOf(parts)).toBe(text);
  });
});

describe('refOf', () => {
  it('names an object; cluster-scoped ones and unplaced ones have no namespace', () => {
    expect(refOf('dev', OBJECT)).toEqual({
      environment: 'dev',
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      namespace: '',
      name: 'web',
    });
  });

  it('takes the given namespace before the one that the object says', () => {
    const placed = { ...OBJECT, metadata: { name: 'web', namespace: 'shop' } };
    expect(refOf('dev', placed).namespace).toBe('shop');
    expect(refOf('dev', placed, 'qa').namespace).toBe('qa');
    expect(refOf('dev', placed, '').namespace).toBe('');
  });
});

describe('names of a resource', () => {
  const ref = refOf('dev', OBJECT, 'shop');

  it('has one key for all versions of its group, and another in other groups', () => {
    expect(resourceKey(ref)).toBe('apps/Deployment/shop/web');
    expect(resourceKey(refOf('dev', { ...OBJECT, apiVersion: 'apps/v2' }, 'shop'))).toBe(
      resourceKey(ref),
    );
    expect(resourceKey({ ...ref, group: 'extensions' })).not.toBe(resourceKey(ref));
    expect(resourceKey({ ...ref, group: '' })).toBe('/Deployment/shop/web');
  });

  it('reads as Kind/namespace/name, with _ for no namespace', () => {
    expect(formatResource(ref)).toBe('Deployment/shop/web');
    expect(formatResource({ kind: 'ClusterRole', namespace: '', name: 'system:node' })).toBe(
      'ClusterRole/_/system:node',
    );
  });

  it("is DriftGuard's resource id in routes", () => {
    expect(resourceId(ref)).toBe('Deployment:shop:web');
    expect(resourceId({ kind: 'ClusterRole', namespace: '', name: 'view' })).toBe(
      'ClusterRole::view',
    );
  });
});
