import { expect, test } from 'vitest';
import { refOf } from '../drift/resource-ref.ts';
import { autoscalersAmong } from './autoscalers.ts';
import { toKubeObject } from './manifests.ts';

function autoscaler(spec: object) {
  const object = toKubeObject(
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'any', namespace: 'shop' },
      spec,
    } as never,
    'test',
  );
  return { ref: refOf('prod', object), object };
}

const WEB = {
  environment: 'prod',
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
};
const TARGET = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

test.each([
  [
    { scaleTargetRef: TARGET, minReplicas: 2, maxReplicas: 10 },
    { min: 2, max: 10 },
  ],
  [
    { scaleTargetRef: TARGET, maxReplicas: 10 },
    { min: 1, max: 10 },
  ],
  [{ scaleTargetRef: { ...TARGET, name: 'api' }, maxReplicas: 10 }, undefined],
  [{ scaleTargetRef: { ...TARGET, kind: 'StatefulSet' }, maxReplicas: 10 }, undefined],
  [{ scaleTargetRef: TARGET, maxReplicas: 'many' }, undefined],
  [{}, undefined],
])('limits of %j', (spec, limits) => {
  const limitsOf = autoscalersAmong([autoscaler(spec)]);
  expect(limitsOf(WEB)).toEqual(limits);
  expect(limitsOf({ ...WEB, namespace: 'other' })).toBeUndefined();
});
