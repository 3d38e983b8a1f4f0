import { expect, test } from 'vitest';
import { parseFieldPath } from './field-path.ts';
import type { JsonValue } from './json.ts';
import { parseLabelSelector } from './label-selector.ts';
import { covers, isFarReaching, parsePathPattern } from './path-pattern.ts';
import { compileGlob, compileTextPattern } from './text-pattern.ts';

const C = 'spec.template.spec.containers';

test.each<[string, string, boolean]>([
  ['spec.replicas', 'spec.replicas', true],
  ['spec', 'spec.replicas', true],
  ['spec.replicas', 'spec', false],
  ['spec.replicas', 'spec.replicasMax', false],
  ['spec.*', 'spec.replicas', true],
  ['*.replicas', 'spec.replicas', true],
  ['*', 'spec.replicas', true],
  ['*.*.image', 'spec.image', false],
  ['**.image', `${C}[name=api].image`, true],
  ['**', '', true],
  ['spec.**.image', 'spec.image', true],
  ['spec.**.image', 'metadata.image', false],
  [`${C}[*].image`, `${C}[name=api].image`, true],
  [`${C}[*].image`, `${C}[name=api].imagePullPolicy`, false],
  [`${C}[name=api]`, `${C}[name=api].image`, true],
  [`${C}[name=api]`, `${C}[name=api2].image`, false],
  [`${C}[name=~^istio-]`, `${C}[name=istio-proxy]`, true],
  [`${C}[name=~^istio-]`, `${C}[name=not-istio-proxy]`, false],
  ['spec.ports[port=80]', 'spec.ports[port=80,protocol=TCP].nodePort', true],
  ['spec.ports[port=80,protocol=UDP]', 'spec.ports[port=80,protocol=TCP]', false],
  ['data["nginx.conf"]', 'data["nginx.conf"]', true],
  ['data.nginx.conf', 'data["nginx.conf"]', false],
  ['data["*"]', 'data.key', false],
  [
    'metadata.annotations[~^field\\.cattle\\.io/]',
    'metadata.annotations["field.cattle.io/x"]',
    true,
  ],
  [
    'metadata.annotations[~^field\\.cattle\\.io/]',
    'metadata.annotations["fieldXcattle.io/x"]',
    false,
  ],
  ['spec.*', 'spec.ports[port=80]', true],
  ['spec.ports.*', 'spec.ports[port=80]', false],
  ['spec.ports[*]', 'spec.ports', false],
])('pattern %s over path %s: %s', (pattern, path, expected) => {
  expect(covers([parsePathPattern(pattern)], parseFieldPath(path), undefined)).toBe(expected);
});

test.each<[readonly string[], string, JsonValue, boolean]>([
  [['metadata.annotations.a'], 'metadata.annotations', { a: '1' }, true],
  [['metadata.annotations.a'], 'metadata.annotations', { a: '1', b: '2' }, false],
  [
    ['metadata.annotations.a', 'metadata.annotations.b'],
    'metadata.annotations',
    { a: '1', b: '2' },
    true,
  ],
  [['metadata.annotations.a'], 'metadata.annotations', {}, false],
  [[`${C}[name=~^istio-]`], C, [{ name: 'istio-proxy' }], true],
  [[`${C}[name=~^istio-]`], C, [{ name: 'istio-proxy' }, { name: 'miner' }], false],
  [[`${C}[*].image`], `${C}[name=x]`, { name: 'x', image: 'y' }, false],
])('patterns %j over what came as a whole at %s', (patterns, path, value, expected) => {
  expect(covers(patterns.map(parsePathPattern), parseFieldPath(path), value)).toBe(expected);
});

test.each([
  '',
  'spec..x',
  'spec[',
  'spec[]',
  'spec.x[~',
  'spec[name=~a|b]',
  'a[~(]',
  'a'.repeat(2000),
])('refuses %j', (text) => {
  expect(() => parsePathPattern(text)).toThrow(SyntaxError);
});

test('knows which patterns reach far', () => {
  expect(isFarReaching(parsePathPattern('**.image'))).toBe(true);
  expect(isFarReaching(parsePathPattern('spec.*.image'))).toBe(false);
});

test('many wildcards over a long path take no time to speak of', () => {
  const pattern = parsePathPattern(`${'**.a.'.repeat(40)}z`);
  const path = parseFieldPath('a'.concat('.a'.repeat(500)));
  // Time of this process alone: what else the machine does is not counted.
  const before = process.cpuUsage();
  expect(covers([pattern], path, undefined)).toBe(false);
  const test = compileTextPattern(`${'.*a'.repeat(60)}$`);
  expect(test(`${'a'.repeat(2_000)}b`)).toBe(false);
  expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
});

test.each<[string, string, boolean]>([
  ['^istio-', 'istio-proxy', true],
  ['-proxy$', 'istio-proxy', true],
  ['^a.c$', 'abc', true],
  ['^a\\.c$', 'abc', false],
  ['^a.*c$', 'abbbc', true],
  ['^a.*c$', 'abbbd', false],
  ['tio', 'istio-proxy', true],
])('text pattern %s on %s: %s', (pattern, text, expected) => {
  expect(compileTextPattern(pattern)(text)).toBe(expected);
});

test.each<[string, string, boolean]>([
  ['prod-*', 'prod-eu', true],
  ['prod-*', 'preprod-eu', false],
  ['*-?', 'web-1', true],
  ['*-?', 'web-10', false],
  ['a.b', 'aXb', false],
])('glob %s on %s: %s', (glob, text, expected) => {
  expect(compileGlob(glob)(text)).toBe(expected);
});

const LABELS = { app: 'web', tier: 'front' };
test.each<[string, boolean]>([
  ['app=web', true],
  ['app==web,tier=front', true],
  ['tier!=batch', true],
  ['tier!=front', false],
  ['missing!=x', true],
  ['app in (web, api),tier', true],
  ['app notin (web)', false],
  ['missing notin (web)', true],
  ['!missing', true],
  ['!app', false],
  ['toString', false],
])('label selector %s: %s', (selector, expected) => {
  expect(parseLabelSelector(selector)(LABELS)).toBe(expected);
});

test.each(['', 'a b', 'app in web', '=x', 'a=b,'])('refuses the label selector %j', (selector) => {
  expect(() => parseLabelSelector(selector)).toThrow(SyntaxError);
});
