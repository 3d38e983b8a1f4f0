import { expect, it } from 'vitest';
import { showResource, splitEnvironment, toResourceId } from './resource-name.ts';

it.each([
  ['Deployment/shop/api', 'Deployment:shop:api'],
  ['Deployment:shop:api', 'Deployment:shop:api'],
  ['prod/Deployment/shop/api', 'prod:Deployment:shop:api'],
  ['prod:Deployment:shop:api', 'prod:Deployment:shop:api'],
  ['ClusterRole/_/system:node', 'ClusterRole::system:node'],
  ['prod:Role:kube-system:system:controller', 'prod:Role:kube-system:system:controller'],
  ['Namespace::shop', 'Namespace::shop'],
])('%s is %s', (text, id) => {
  expect(toResourceId(text)).toBe(id);
});

it.each(['api', 'shop/api', 'a/b/c/d/e', '//', 'Deployment/shop/', '::'])('%j is none', (text) => {
  expect(() => toResourceId(text)).toThrow(/names no resource/);
});

it('tells an environment from a kind by its place before one', () => {
  expect(splitEnvironment('prod:Deployment:shop:api')).toEqual({
    environment: 'prod',
    resource: 'Deployment:shop:api',
  });
  expect(splitEnvironment('Role:kube-system:system:node')).toEqual({
    resource: 'Role:kube-system:system:node',
  });
});

it('shows `_` for no namespace', () => {
  expect(showResource({ kind: 'Namespace', namespace: '', name: 'shop' })).toBe('Namespace/_/shop');
});
