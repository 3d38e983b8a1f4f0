import { describe, expect, it } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import { type AuditWrite, authorsOf, isPerson } from './author.ts';

const REPLICAS: FieldChange = {
  path: 'spec.replicas',
  op: 'changed',
  desired: 3,
  live: 5,
  type: 'Scaling',
  severity: 'high',
  who: 'kubectl-edit',
  when: '2026-11-21T10:00:03Z',
  confidence: 'high',
};
const REMOVED: FieldChange = { ...change({ path: 'data.mode', op: 'removed' }), who: 'unknown' };
const MISSING: FieldChange = { ...REMOVED, path: '', op: 'object-missing' };

/** A write in the given second, as managedFields would date it. */
function write(second: number, fields: Partial<AuditWrite> = {}): AuditWrite {
  const at = (ms: number) => `2026-11-21T10:00:0${second}.${String(ms).padStart(3, '0')}Z`;
  return {
    auditId: `${second}`,
    group: 'apps',
    resource: 'deployments',
    subresource: '',
    namespace: 'shop',
    name: 'web',
    verb: 'patch',
    user: 'ann',
    manager: 'kubectl-edit',
    receivedAt: at(310),
    completedAt: at(322),
    ...fields,
  };
}

function change(fields: Partial<FieldChange>): FieldChange {
  const { when: _undated, ...rest } = { ...REPLICAS, ...fields };
  return rest;
}

function authors(changes: readonly FieldChange[], ...writes: AuditWrite[]) {
  return authorsOf(changes, writes, { appliers: ['confighub'], resourceVersion: '77' });
}

const APPLY = { user: 'hub', manager: 'confighub' };

describe('authorsOf', () => {
  it('joins by manager and time', () => {
    const known = { author: 'ann', authors: ['ann'] };
    expect(authors([REPLICAS], write(3), write(1, APPLY))).toEqual(known);
    expect(authors([REPLICAS], write(4, { user: 'bob', manager: 'k9s' }), write(3))).toEqual(known);
  });

  it('knows nobody while the event is late, or was never sent', () => {
    expect(authors([REPLICAS])).toEqual({});
    expect(authors([REPLICAS], write(1))).toEqual({});
    expect(authors([REPLICAS], write(3, { subresource: 'scale' }))).toEqual({});
  });

  it('has no author where two people wrote under one name since the last apply', () => {
    const two = authors([REPLICAS], write(3), write(2, { user: 'bob' }), write(1, APPLY));
    expect(two).toEqual({ authors: ['ann', 'bob'] });
    const before = authors([REPLICAS], write(3), write(2, APPLY), write(1, { user: 'bob' }));
    expect(before).toEqual({ author: 'ann', authors: ['ann'] });
  });

  it('is sure only if every change has its author', () => {
    const image = change({ path: 'spec.template', who: 'k9s', when: '2026-11-21T10:00:05Z' });
    expect(authors([REPLICAS, image], write(3))).toEqual({ authors: ['ann'] });
    const bob = write(5, { user: 'bob', manager: 'k9s' });
    expect(authors([REPLICAS, { ...image, when: '2026-11-21T10:00:05Z' }], bob, write(3))).toEqual({
      author: 'bob',
      authors: ['bob', 'ann'],
    });
  });

  it('finds who scaled, though the entry of the subresource has no time', () => {
    const scaled = change({ who: 'kubectl', subresource: 'scale' });
    const scale = write(2, { manager: 'kubectl', subresource: 'scale' });
    expect(authors([scaled], write(3, { user: 'bob' }), scale)).toMatchObject({ author: 'ann' });
  });

  it('finds who removed a field among those who are neither we nor the control plane', () => {
    const controller = write(4, {
      user: 'system:serviceaccount:kube-system:deployment-controller',
      manager: 'kube-controller-manager',
    });
    const writes = [controller, write(3), write(2, APPLY)];
    expect(authors([REMOVED], ...writes)).toMatchObject({ author: 'ann' });
    expect(authors([REMOVED], write(2, APPLY))).toEqual({});
  });

  it('finds who deleted the object, alone or with its collection', () => {
    const created = write(1, { verb: 'create', ...APPLY });
    expect(authors([MISSING], write(3, { verb: 'delete' }), created)).toMatchObject({
      author: 'ann',
    });
    const collection = write(3, { verb: 'deletecollection', name: '' });
    expect(authors([MISSING], collection, created)).toMatchObject({ author: 'ann' });
    expect(authors([MISSING], created)).toEqual({});
  });

  it('takes the writer of this very version where nothing else tells', () => {
    const exact = write(9, { manager: 'curl', resourceVersion: '77' });
    expect(authors([REPLICAS], exact)).toEqual({ author: 'ann', authors: ['ann'] });
    expect(authors([REPLICAS], { ...exact, resourceVersion: '76' })).toEqual({});
  });
});

it('tells people from the cluster’s own names', () => {
  expect(isPerson('ann@example.com')).toBe(true);
  expect(isPerson('system:serviceaccount:ci:deployer')).toBe(false);
});
