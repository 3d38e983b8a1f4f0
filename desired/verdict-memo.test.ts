import { expect, it } from 'vitest';
import { compare } from '../drift/compare/compare.ts';
import { compileDesired } from '../drift/compare/compile.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { createVerdictMemo } from './verdict-memo.ts';

const appliers = ['confighub'];

function web(name: string, image: string, managedFields: readonly object[] = []): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop', ...(managedFields.length > 0 && { managedFields }) },
    spec: { template: { spec: { containers: [{ name: 'web', image }] } } },
  } as KubeObject;
}

/** An entry that owns the image. */
function owner(manager: string): object {
  const container = { 'k:{"name":"web"}': { 'f:image': {} } };
  const fieldsV1 = { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': container } } } };
  return {
    manager,
    operation: 'Apply',
    apiVersion: 'apps/v1',
    time: '2026-11-21T10:00:00Z',
    fieldsV1,
  };
}

it('learns what an apply left rewritten, and then knows it on any object of the kind', () => {
  const memo = createVerdictMemo();
  const desired = compileDesired(web('one', 'nginx'));
  const rewritten = 'mirror.example.com/nginx';
  const other = compileDesired(web('two', 'nginx'));
  const unknown = { appliers, isEquivalent: memo.has };
  const pathsOf = (live: KubeObject) =>
    compare(other, live, unknown).changes.map((one) => one.path);
  const live = web('two', rewritten, [owner('confighub')]);
  expect(pathsOf(live)).toEqual(['spec.template.spec.containers[name=web].image']);

  const applied = { appliers, base: desired, onRewritten: memo.remember };
  expect(compare(desired, web('one', rewritten, [owner('confighub')]), applied).changes).toEqual(
    [],
  );
  expect(pathsOf(live)).toEqual([]);
  // The same two values, written by a person, are drift.
  expect(pathsOf(web('two', rewritten, [owner('kubectl-edit')]))).toHaveLength(1);
  expect(pathsOf(web('two', 'evil.example.com/nginx', [owner('confighub')]))).toHaveLength(1);
});

it('knows of what somebody else wrote, or took away, by a confirmation of that very object', () => {
  const memo = createVerdictMemo();
  const isDrift = (name: string, live: KubeObject) =>
    compare(compileDesired(web(name, 'nginx')), live, { appliers, isEquivalent: memo.has }).changes
      .length > 0;
  const schemaPath = 'spec.template.spec.containers[].image';
  const place = { apiVersion: 'apps/v1', kind: 'Deployment', schemaPath, desired: 'nginx' };
  const { image: _gone, ...container } = { name: 'web', image: '', ports: [] };
  const without = (name: string): KubeObject => ({
    ...web(name, ''),
    spec: { template: { spec: { containers: [container] } } },
  });
  const written = (name: string) => web(name, 'mirror/nginx', [owner('kubectl-edit')]);
  for (const live of ['mirror/nginx', undefined]) memo.remember({ ...place, live });
  expect(isDrift('one', written('one'))).toBe(true);
  expect(isDrift('one', without('one'))).toBe(true);
  for (const live of ['mirror/nginx', undefined]) {
    memo.remember({ ...place, live, object: 'shop/one' });
  }
  expect(isDrift('one', written('one'))).toBe(false);
  expect(isDrift('one', without('one'))).toBe(false);
  expect(isDrift('two', written('two'))).toBe(true);
  expect(isDrift('two', without('two'))).toBe(true);
});

it('learns nothing from what somebody else wrote', () => {
  const memo = createVerdictMemo();
  const desired = compileDesired(web('one', 'nginx'));
  const applied = { appliers, base: desired, onRewritten: memo.remember };
  const edited = web('one', 'other', [owner('kubectl-edit')]);
  expect(compare(desired, edited, applied).changes).toHaveLength(1);
  const place = { apiVersion: 'apps/v1', kind: 'Deployment' };
  const schemaPath = 'spec.template.spec.containers[].image';
  expect(memo.has({ ...place, schemaPath, desired: 'nginx', live: 'other' })).toBe(false);
});

it('forgets the pair that was used longest ago', () => {
  const memo = createVerdictMemo({ maxPairs: 2 });
  const pair = (live: string) => {
    return { apiVersion: 'v1', kind: 'ConfigMap', schemaPath: 'data.x', desired: 'a', live };
  };
  memo.remember(pair('b'));
  memo.remember(pair('c'));
  expect(memo.has(pair('b'))).toBe(true);
  memo.remember(pair('d'));
  expect(['b', 'c', 'd'].map((live) => memo.has(pair(live)))).toEqual([true, false, true]);
});
