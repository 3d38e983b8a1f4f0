import { expect, test } from 'vitest';
import { readResourceId } from './resource-id.ts';

test('three parts have one reading', () => {
  expect(readResourceId('Deployment:shop:api')).toEqual([
    { kind: 'Deployment', namespace: 'shop', name: 'api' },
  ]);
  expect(readResourceId('ClusterRole::admin')).toEqual([
    { kind: 'ClusterRole', namespace: '', name: 'admin' },
  ]);
});

test('more parts have two, because names may hold colons', () => {
  expect(readResourceId('dev:Deployment:shop:api')).toEqual([
    { kind: 'dev', namespace: 'Deployment', name: 'shop:api' },
    { environment: 'dev', kind: 'Deployment', namespace: 'shop', name: 'api' },
  ]);
  expect(readResourceId('dev:ClusterRole::system:node')[1]).toEqual({
    environment: 'dev',
    kind: 'ClusterRole',
    namespace: '',
    name: 'system:node',
  });
});

test('fewer parts name nothing', () => {
  for (const text of ['', 'api', 'Deployment:api', 'Deployment:shop:', '::']) {
    expect(() => readResourceId(text)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  }
});
