import { expect, test } from 'vitest';
import type { KubeObject } from '../resource-ref.ts';
import { isBeyondLastApplied } from './last-applied.ts';

const sent = { spec: { mode: null, rules: [{ id: 'a.b', v: 1 }], 'x.y': { z: 0 } } };

function live(record: string): KubeObject {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': record };
  return { apiVersion: 'x.io/v1', kind: 'Widget', metadata: { name: 'w', annotations } };
}

test.each([
  ['spec.size', true],
  ['spec.mode', false],
  ['spec["x.y"].z', false],
  ['spec["x.y"].w', true],
  ['spec.rules[id=a.b].v', false],
  ['spec.rules[id=a.b].weight', true],
  ['spec.rules[id=other].v', true],
])('%s is beyond what was applied: %s', (path, isBeyond) => {
  const entry = { manager: 'kubectl-client-side-apply' };
  expect(isBeyondLastApplied(live(JSON.stringify(sent)), entry, path)).toBe(isBeyond);
});

test('says nothing about other writers, without the annotation, or where it cannot be read', () => {
  const entry = { manager: 'kubectl-client-side-apply' };
  expect(isBeyondLastApplied(live('{}'), { manager: 'kubectl-edit' }, 'spec.size')).toBe(false);
  expect(isBeyondLastApplied(live('{'), entry, 'spec.size')).toBe(false);
  const bare: KubeObject = { apiVersion: 'x.io/v1', kind: 'Widget', metadata: { name: 'w' } };
  expect(isBeyondLastApplied(bare, entry, 'spec.size')).toBe(false);
});
