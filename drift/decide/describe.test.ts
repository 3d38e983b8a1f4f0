import { describe, expect, it } from 'vitest';
import { findingOf } from '../../testing/findings.ts';
import type { FieldChange } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import { describeChange, describeFix, showValue, summarise } from './describe.ts';
import type { Finding } from './record.ts';

const REVERT = { fix: 'revert', reach: [] } as const;
const ACCEPT = { fix: 'accept', reach: [] } as const;

function change(path: string, desired?: JsonValue, live?: JsonValue): FieldChange {
  return {
    path,
    op: path === '' ? 'object-missing' : 'changed',
    ...(desired === undefined ? {} : { desired }),
    ...(live === undefined ? {} : { live }),
    type: 'Scaling',
    severity: 'high',
    who: 'kubectl',
    confidence: 'high',
  };
}

function finding(changes: readonly FieldChange[], omitted = 0): Finding {
  const ref = {
    ...{ environment: 'dev', group: 'apps', version: 'v1' },
    ...{ kind: 'Deployment', namespace: 'shop', name: 'backend-api' },
  };
  return findingOf(ref, { changes, omitted });
}

describe('showValue', () => {
  it.each<[JsonValue | undefined, string]>([
    [undefined, '∅'],
    ['', '""'],
    ['api:1', 'api:1'],
    [0, '0'],
    [false, 'false'],
    [null, 'null'],
    [{ a: [1] }, '{"a":[1]}'],
    ['one\ntwo\r\nthree\r', 'one⏎two⏎three⏎'],
    ['x'.repeat(60), 'x'.repeat(60)],
    ['x'.repeat(61), `${'x'.repeat(60)}… +1 characters`],
  ])('%j reads %s', (value, expected) => {
    expect(showValue(value)).toBe(expected);
  });

  it('does not cut a character in two', () => {
    const text = `${'x'.repeat(59)}😀 and more`;
    expect(showValue(text)).toBe(`${'x'.repeat(59)}😀… +9 characters`);
    expect(showValue(text).isWellFormed()).toBe(true);
  });
});

describe('describeChange', () => {
  it('goes from desired to live', () => {
    expect(describeChange(change('spec.replicas', 3, 5))).toBe('spec.replicas: 3 → 5');
    expect(describeChange(change('data.a', undefined, 'x'))).toBe('data.a: ∅ → x');
    expect(describeChange(change(''))).toBe('the object is missing');
  });
});

describe('describeFix', () => {
  it('goes from live to desired for a revert, the other way for an accept', () => {
    const one = finding([change('spec.replicas', 3, 5)]);
    expect(describeFix(one, REVERT)).toBe('Fixed backend-api replicas: 5 → 3');
    expect(describeFix(one, ACCEPT)).toBe('Accepted backend-api replicas: 3 → 5');
  });

  it('says what the upgrade of the same plan sets, in this environment', () => {
    const entry = {
      environment: 'dev',
      resource: 'Deployment/shop/backend-api',
      path: 'spec.replicas',
    };
    const reach = [
      { ...entry, to: 3 },
      { ...entry, to: 4 },
      { ...entry, environment: 'prod', to: 9 },
    ];
    const one = finding([change('spec.replicas', 3, 5)]);
    expect(describeFix(one, { fix: 'revert', reach })).toBe('Fixed backend-api replicas: 5 → 4');
  });

  it.each([
    ['spec.replicas', 'replicas'],
    ['rules', 'rules'],
    ['spec.containers[name=api].image', 'image'],
    ['spec.containers[name=api]', 'containers[name=api]'],
    ['spec.hosts[name=a.example.com]', 'hosts[name=a.example.com]'],
    ['spec.hosts[name=a.example.com].port', 'port'],
  ])('names %s by its end', (path, shown) => {
    expect(describeFix(finding([change(path, 1, 2)]), REVERT)).toBe(
      `Fixed backend-api ${shown}: 2 → 1`,
    );
  });

  it.each<[string, JsonValue | undefined, JsonValue | undefined, string]>([
    ['data.log_level', 'info', 'debug', 'log_level: changed'],
    ['data["nginx.conf"]', 'a', undefined, 'nginx.conf: changed'],
    ['data["a\\"b"]', undefined, 'a', 'a"b: changed'],
    ['metadata.annotations["app.io/x"]', 'a', 'b', 'app.io/x: changed'],
    ['metadata.annotations.example/x', 'a', 'b', 'example/x: changed'],
    ['spec.containers[name=a].env[name=LOG].value', 'info', 'debug', 'value: changed'],
    ['spec.containers[name=a].image', 'api:1', 'api:2', 'image: api:2 → api:1'],
    ['spec.containers[name=a].resources.limits.cpu', '1', '2', 'cpu: 2 → 1'],
    ['spec.type', 'ClusterIP', 'NodePort', 'type: NodePort → ClusterIP'],
    ['spec.type', 'ClusterIP', 'hunter2', 'type: changed'],
  ])('of %s, %j and %j it says %s', (path, desired, live, shown) => {
    const one = finding([change(path, desired, live)]);
    expect(describeFix(one, REVERT)).toBe(`Fixed backend-api ${shown}`);
  });

  it('never shows what was redacted, nor what the plan sets beside it', () => {
    const one = finding([{ ...change('spec.image', '5 bytes', '7 bytes'), redacted: true }]);
    const entry = { environment: 'dev', resource: 'Deployment/shop/backend-api' };
    const reach = [{ ...entry, path: 'spec.type', to: 'hunter2' }];
    expect(describeFix(one, REVERT)).toBe('Fixed backend-api image: changed');
    const two = finding([change('spec.type', 'ClusterIP', 'NodePort')]);
    expect(describeFix(two, { fix: 'revert', reach })).toBe('Fixed backend-api type: changed');
  });

  it('counts several fields, those beyond the limit too', () => {
    const changes = [change('a', 1, 2), change('b', 1, 2)];
    expect(describeFix(finding(changes), REVERT)).toBe('Fixed backend-api: 2 fields');
    expect(describeFix(finding(changes.slice(1), 7), ACCEPT)).toBe(
      'Accepted backend-api: 8 fields',
    );
  });

  it('speaks of the object where that is what was missing', () => {
    expect(describeFix(finding([change('')]), REVERT)).toBe(
      'Fixed backend-api: restored the object',
    );
    expect(describeFix(finding([]), REVERT)).toBe('Fixed backend-api');
  });
});

describe('summarise', () => {
  const low = { ...change('data.a', 1, 2), severity: 'low' as const };

  it('shows the worst change first, wherever it stands, and counts the others', () => {
    expect(summarise(finding([]))).toBe('no difference');
    expect(summarise(finding([low]))).toBe('data.a: 1 → 2');
    expect(summarise(finding([low, change('spec.replicas', 3, 5), low], 4))).toBe(
      'spec.replicas: 3 → 5 (and 6 more)',
    );
  });
});
