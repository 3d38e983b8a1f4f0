import { expect, it } from 'vitest';
import { parseResourceName, showResource, toResourceId } from './resource-name.ts';

it.each([
  ['Deployment/shop/api', 'Deployment:shop:api'],
  ['Deployment:shop:api', 'Deployment:shop:api'],
  ['prod/Deployment/shop/api', 'prod:Deployment:shop:api'],
  ['prod:Deployment:shop:api', 'prod:Deployment:shop:api'],
  ['ClusterRole/_/system:node', 'ClusterRole::system:node'],
  ['Namespace::shop', 'Namespace::shop'],
])('%s is %s', (text, id) => {
  expect(toResourceId(parseResourceName(text))).toBe(id);
});

it.each(['api', 'shop/api', 'a/b/c/d/e', '//', 'Deployment/shop/'])('%j is none', (text) => {
  expect(() => parseResourceName(text)).toThrow(/names no resource/);
});

it('shows `_` for no namespace', () => {
  expect(showResource(parseResourceName('Namespace::shop'))).toBe('Namespace/_/shop');
});
