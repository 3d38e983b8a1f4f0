import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../resource-ref.ts';
import { rolloutOf } from './rollout.ts';

function live(kind: string, spec: object, status: object | undefined, generation = 2): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'x', generation },
    spec,
    ...(status === undefined ? {} : { status }),
  };
}

const OBSERVED = { observedGeneration: 2 };

describe('rolloutOf', () => {
  const settled = { ...OBSERVED, replicas: 3, updatedReplicas: 3, availableReplicas: 3 };

  it.each([
    ['all replicas new and available', { replicas: 3 }, settled, 'finished'],
    [
      'an old generation observed',
      { replicas: 3 },
      { ...settled, observedGeneration: 1 },
      'progressing',
    ],
    [
      'too few of the new template',
      { replicas: 3 },
      { ...settled, updatedReplicas: 2 },
      'progressing',
    ],
    ['old ones left', { replicas: 3 }, { ...settled, replicas: 4 }, 'progressing'],
    ['some unavailable', { replicas: 3 }, { ...settled, availableReplicas: 2 }, 'progressing'],
    ['nothing wanted, counts left out', { replicas: 0 }, OBSERVED, 'finished'],
    ['one wanted by default', {}, OBSERVED, 'progressing'],
    ['no status yet', { replicas: 3 }, {}, 'progressing'],
  ])('of a Deployment with %s', (_case, spec, status, expected) => {
    expect(rolloutOf(live('Deployment', spec, status))).toBe(expected);
  });

  const ready = { ...OBSERVED, replicas: 2, readyReplicas: 2, updatedReplicas: 2 };

  it.each([
    ['all ready and updated', { replicas: 2 }, ready, 'finished'],
    ['one not ready', { replicas: 2 }, { ...ready, readyReplicas: 1 }, 'progressing'],
    [
      'old pods that are still ready',
      { replicas: 2 },
      { ...ready, updatedReplicas: 1 },
      'progressing',
    ],
    [
      'a surplus still going',
      { replicas: 2 },
      { ...ready, replicas: 3, readyReplicas: 3 },
      'progressing',
    ],
    [
      'only the pods above the partition updated',
      { replicas: 2, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
      { ...ready, updatedReplicas: 1 },
      'finished',
    ],
    [
      'updates left to people',
      { replicas: 2, updateStrategy: { type: 'OnDelete' } },
      { ...ready, updatedReplicas: 0 },
      'finished',
    ],
  ])('of a StatefulSet with %s', (_case, spec, status, expected) => {
    expect(rolloutOf(live('StatefulSet', spec, status))).toBe(expected);
  });

  const scheduled = {
    ...OBSERVED,
    desiredNumberScheduled: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
  };

  it.each([
    ['every node served', {}, scheduled, 'finished'],
    ['one node with the old pod', {}, { ...scheduled, updatedNumberScheduled: 1 }, 'progressing'],
    ['one unavailable', {}, { ...scheduled, numberAvailable: 1 }, 'progressing'],
    ['no node that it fits', {}, { ...OBSERVED, desiredNumberScheduled: 0 }, 'finished'],
    [
      'updates left to people',
      { updateStrategy: { type: 'OnDelete' } },
      { ...scheduled, updatedNumberScheduled: 0 },
      'finished',
    ],
  ])('of a DaemonSet with %s', (_case, spec, status, expected) => {
    expect(rolloutOf(live('DaemonSet', spec, status))).toBe(expected);
  });

  it('is none for what no controller rolls out', () => {
    expect(rolloutOf(live('Service', {}, { loadBalancer: {} }))).toBe('none');
    expect(rolloutOf(live('Ingress', {}, undefined))).toBe('none');
    expect(rolloutOf(live('PodDisruptionBudget', {}, OBSERVED))).toBe('none');
  });

  it('waits for a workload whose controller has not written any status', () => {
    expect(rolloutOf(live('Deployment', { replicas: 1 }, undefined))).toBe('progressing');
  });
});
