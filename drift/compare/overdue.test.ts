import { expect, it } from 'vitest';
import type { KubeObject } from '../resource-ref.ts';
import { compare } from './compare.ts';
import { compileDesired } from './compile.ts';
import { overdue } from './overdue.ts';

const WEB: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { replicas: 6, template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
};
const BEFORE = {
  ...WEB,
  spec: { replicas: 2, template: { spec: { containers: [{ name: 'web', image: 'web:1' }] } } },
};
const appliers = ['confighub'];

it('leaves a desired change at info during its grace, and then judges it as the change that it is', () => {
  const context = { appliers, base: compileDesired(BEFORE) };
  const { changes, direction } = compare(compileDesired(WEB), BEFORE, context);
  expect(direction).toBe('reverse');
  expect(
    changes.map((one) => [one.path, one.op, one.severity, overdue(one, WEB).severity]),
  ).toEqual([
    ['spec.replicas', 'pending', 'info', 'high'],
    ['spec.template.spec.containers[name=web].image', 'pending', 'info', 'high'],
  ]);
});

it('takes what was never applied for pending, not for deleted', () => {
  const never = compare(compileDesired(WEB), undefined, { appliers, neverApplied: true });
  expect(never).toMatchObject({
    direction: 'reverse',
    severity: 'info',
    changes: [{ path: '', op: 'pending', severity: 'info' }],
  });
  expect(never.changes[0]?.type).not.toBe('MissingResource');
  expect(never.changes.map((one) => overdue(one, WEB).severity)).toEqual(['high']);
  const deleted = compare(compileDesired(WEB), undefined, { appliers, base: compileDesired(WEB) });
  expect(deleted).toMatchObject({ direction: 'forward', changes: [{ type: 'MissingResource' }] });
  expect(deleted.changes.map((one) => overdue(one, WEB))).toEqual(deleted.changes);
});
