import { expect, test } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import { availabilityLineOf, costLineOf } from './advice-lines.ts';
import { availabilityRisks, losesReplicas, lowersLimits } from './availability-risk.ts';

const API = 'spec.template.spec.containers[name=api]';

function change(path: string, desired?: JsonValue, live?: JsonValue): FieldChange {
  const op = desired === undefined ? 'added' : live === undefined ? 'removed' : 'changed';
  return {
    ...{ path, op, type: 'GenericChange', severity: 'low', who: 'kubectl', confidence: 'high' },
    ...(desired !== undefined && { desired }),
    ...(live !== undefined && { live }),
  };
}

function risksOf(kind: string, ...changes: readonly FieldChange[]): readonly string[] {
  return availabilityRisks(kind, changes);
}

test('fewer replicas than declared, and what a disruption budget says to it', () => {
  const less = change('spec.replicas', 2, 1);
  expect(risksOf('Deployment', less)).toEqual(['1 of 2 replicas']);
  expect(risksOf('Deployment', change('spec.replicas', 3, 0))).toEqual([
    'no replica runs, 3 are declared',
  ]);
  const budget = (minAvailable: number) => [{ name: 'web', minAvailable }];
  expect(availabilityRisks('Deployment', [less], undefined, { budgets: budget(2) })).toContain(
    'below the disruption budget web, which wants 2',
  );
  expect(availabilityRisks('Deployment', [less], undefined, { budgets: budget(1) })).toContain(
    'the disruption budget web lets no pod go, so drains block',
  );
  expect(availabilityRisks('Deployment', [less], undefined, { budgets: budget(0) })).toHaveLength(
    1,
  );
  expect(risksOf('Deployment', change('spec.replicas', 3, 5))).toEqual([]);
  expect([losesReplicas([less]), losesReplicas([change('spec.replicas', 3, 5)])]).toEqual([
    true,
    false,
  ]);
});

test.each<[string, FieldChange, string | undefined]>([
  ['Deployment', change(`${API}.image`, 'a:1', 'a:latest'), 'whatever "latest" is'],
  ['Deployment', change(`${API}.image`, 'a:1', 'registry:5000/a'), 'whatever "latest" is'],
  ['Deployment', change(`${API}.image`, 'a:1', 'a@sha256:ab'), undefined],
  ['Deployment', change(`${API}.image`, 'a:1', 'a:2'), undefined],
  [
    'Deployment',
    change(`${API}.resources.limits.memory`, '256Mi', '128Mi'),
    'the memory limit of api is lowered, 256Mi → 128Mi',
  ],
  [
    'Deployment',
    change(`${API}.resources.limits`, { cpu: '1', memory: '1Gi' }, { cpu: '500m', memory: '1Gi' }),
    'the cpu limit of api is lowered, 1 → 500m',
  ],
  ['Deployment', change(`${API}.resources.limits.cpu`, undefined, '1'), 'none → 1'],
  ['Deployment', change(`${API}.resources.requests.cpu`, undefined, '1'), undefined],
  ['Deployment', change(`${API}.resources.limits.memory`, '128Mi', '256Mi'), undefined],
  ['Deployment', change('spec.strategy.rollingUpdate.maxUnavailable', '25%', '100%'), '25% → 100%'],
  ['Deployment', change('spec.strategy.rollingUpdate.maxUnavailable', 0, '50%'), '0 → 50%'],
  ['Deployment', change('spec.strategy.rollingUpdate.maxUnavailable', 2, '50%'), undefined],
  ['Deployment', change('spec.strategy.type', 'RollingUpdate', 'Recreate'), 'stops every pod'],
  ['PodDisruptionBudget', change('spec.minAvailable', 2, 1), 'fewer pods must stay, 2 → 1'],
  ['PodDisruptionBudget', change('spec.minAvailable', 1, 2), undefined],
  ['HorizontalPodAutoscaler', change('spec.maxReplicas', 9, 3), 'scales up to 3 at most'],
  ['CronJob', change('spec.suspend', false, true), 'it is suspended'],
  ['Service', change('spec.selector.app', 'a', 'b'), 'selects other pods'],
  ['ConfigMap', change('data.mode', 'a', 'b'), undefined],
])('%s with %o', (kind, one, expected) => {
  const risks = risksOf(kind, one);
  if (expected === undefined) expect(risks).toEqual([]);
  else expect(risks).toEqual([expect.stringContaining(expected)]);
});

test('a probe is removed when it is gone, not when it lost a setting', () => {
  const lost = change(`${API}.readinessProbe.httpGet.path`, '/ready');
  const live = (probe: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { template: { spec: { containers: [{ name: 'api', ...probe }] } } },
  });
  expect(availabilityRisks('Deployment', [lost, lost], live({}))).toEqual([
    'the readiness probe of api is removed',
  ]);
  const weaker = live({ readinessProbe: { tcpSocket: { port: 80 } } });
  expect(availabilityRisks('Deployment', [lost], weaker)).toEqual([]);
});

test('missing objects, by what they do', () => {
  const missing = { ...change(''), op: 'object-missing' as const };
  expect(risksOf('Deployment', missing)[0]).toContain('none of its pods runs');
  expect(risksOf('PodDisruptionBudget', missing)[0]).toContain('a drain');
  expect(risksOf('ConfigMap', missing)).toEqual([]);
});

test('what is declared and not applied yet takes nothing away', () => {
  expect(risksOf('Deployment', { ...change('spec.replicas', 5, 3), op: 'pending' })).toEqual([]);
});

test('the lines of a message, where there is something to say', () => {
  expect(availabilityLineOf({ availabilityRisks: ['1 of 2 replicas', 'b'] })).toBe(
    'availability risk: 1 of 2 replicas; b',
  );
  expect(availabilityLineOf({})).toBeUndefined();
  expect(costLineOf({ costDeltaUsdMonthly: -0.999 })).toBe('−$0.999/month');
  expect(costLineOf({ costDeltaUsdMonthly: 0 })).toBeUndefined();
  expect(costLineOf(undefined)).toBeUndefined();
});

test.each<[string, Record<string, number>, string | undefined]>([
  [
    'limits.memory',
    { memory: 200 * 2 ** 20 },
    '256Mi → 128Mi, less than the 200Mi that a pod uses',
  ],
  ['limits.memory', { memory: 100 * 2 ** 20 }, undefined],
  ['limits.memory', { cpu: 4 }, undefined],
  ['requests.memory', { memory: 200 * 2 ** 20 }, undefined],
])('%s under what is used (%j)', (field, used, expected) => {
  const changes = [change(`${API}.resources.${field}`, '256Mi', '128Mi')];
  const usage = new Map([['api', used]]);
  const [risk = ''] = availabilityRisks('Deployment', changes, undefined, { usage });
  if (expected === undefined) expect(risk).toMatch(/256Mi → 128Mi$/);
  else expect(risk).toContain(expected);
  expect(lowersLimits(changes)).toBe(field.startsWith('limits'));
});
