import { expect, test } from 'vitest';
import { healthyStatus, isSettled, type WatchedObject } from './healthy-status.ts';

function workload(
  replicas: number,
  generation: number,
  status?: Record<string, unknown>,
): WatchedObject {
  return {
    metadata: { name: 'web', generation },
    spec: { replicas },
    ...(status ? { status } : {}),
  };
}

test.each(['deployments', 'statefulsets', 'daemonsets'])(
  '%s are settled by their healthy status',
  (plural) => {
    const before = workload(3, 2);
    expect(isSettled(plural, before)).toBe(false);
    const after = { ...before, status: healthyStatus(plural, before) };
    expect(isSettled(plural, after)).toBe(true);
    expect(isSettled(plural, { ...after, metadata: { ...after.metadata, generation: 3 } })).toBe(
      false,
    );
  },
);

test('counts of zero may be absent, as the API server leaves them out', () => {
  expect(isSettled('deployments', workload(0, 1, { observedGeneration: 1 }))).toBe(true);
});

test('a Deployment says in its conditions that the rollout is through', () => {
  expect(healthyStatus('deployments', workload(1, 1))['conditions']).toMatchObject([
    { type: 'Available', status: 'True' },
    { type: 'Progressing', reason: 'NewReplicaSetAvailable' },
  ]);
});
