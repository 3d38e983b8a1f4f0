import { expect, it } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import type { KubeObject } from '../resource-ref.ts';
import { leftByApply } from './left-by-apply.ts';

const IMAGE = 'spec.template.spec.containers[name=web].image';

function web(image: string, data: object = {}): KubeObject {
  const containers = [
    { name: 'other', image: 'x' },
    { name: 'web', image },
  ];
  const spec = { replicas: 2, template: { spec: { containers } } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec, ...data };
}

function change(path: string, sides: Pick<FieldChange, 'op' | 'desired' | 'live'>): FieldChange {
  const rest = { type: 'GenericChange', severity: 'low', who: 'unknown', confidence: 'low' };
  return { path, ...rest, ...sides } as FieldChange;
}

const image = change(IMAGE, { op: 'changed', desired: 'nginx', live: 'mirror/nginx' });
const pathsLeft = (changes: readonly FieldChange[], live: KubeObject, predicted: KubeObject) =>
  leftByApply(changes, live, predicted).map((one) => one.path);

it('finds what an apply would not change', () => {
  expect(pathsLeft([image], web('mirror/nginx'), web('mirror/nginx'))).toEqual([IMAGE]);
  expect(pathsLeft([image], web('mirror/nginx'), web('nginx'))).toEqual([]);
});

it('compares lists and maps as a whole', () => {
  const path = 'data["nginx.conf"]';
  const conf = change(path, { op: 'changed', desired: ['a'], live: ['A'] });
  const held = (value: unknown) => web('x', { data: { 'nginx.conf': value } });
  expect(pathsLeft([conf], held(['A']), held(['A']))).toEqual([path]);
  expect(pathsLeft([conf], held(['A']), held(['A', 'b']))).toEqual([]);
});

it('knows what is stripped on the way in from what was taken away', () => {
  const gone = change('spec.paused', { op: 'removed', desired: true });
  expect(pathsLeft([gone], web('x'), web('x'))).toEqual(['spec.paused']);
  expect(pathsLeft([gone], web('x'), { ...web('x'), spec: { paused: true } })).toEqual([]);
});

it('leaves alone what never shows: additions, dropped fields and missing objects', () => {
  const silent = [
    change('spec.replicas', { op: 'added', live: 2 }),
    change('spec.replicas', { op: 'pending', live: 2 }),
    change('', { op: 'object-missing' }),
  ];
  expect(pathsLeft(silent, web('x'), web('x'))).toEqual([]);
});
