import { expect, test } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import { redactChanges, redactObject, renderChange } from './redact.ts';

function change(path: string, desired: JsonValue | undefined, live: JsonValue | undefined) {
  const one: FieldChange = {
    path,
    op: 'changed',
    ...(desired === undefined ? {} : { desired }),
    ...(live === undefined ? {} : { live }),
    type: 'GenericChange',
    severity: 'low',
    who: 'kubectl-edit',
    confidence: 'high',
  };
  return one;
}

function redacted(path: string, desired: JsonValue, live: JsonValue, kind = 'Deployment') {
  const [one] = redactChanges([change(path, desired, live)], kind);
  return one;
}

const ENV = 'spec.template.spec.containers[name=api].env';

test('Secret data becomes the number of its decoded bytes', () => {
  const one = redacted('data.password', 'aHVudGVyMg==', 'aHVudGVyMjIyMjI=', 'Secret');
  expect(one).toMatchObject({ desired: '7 bytes', live: '11 bytes', redacted: true });
  expect(one && renderChange(one)).toBe('changed, 7 → 11 bytes');
});

test('a Secret that lost all its data shows no value', () => {
  const shown = JSON.stringify(
    redactChanges([change('data', { a: 'aHVudGVyMg==' }, undefined)], 'Secret'),
  );
  expect(shown).not.toContain('aHVudGVyMg');
});

test('credentials in env are told by the name of the variable', () => {
  expect(redacted(`${ENV}[name=DB_PASSWORD].value`, 'old', 'newer')).toMatchObject({
    desired: '3 bytes',
    live: '5 bytes',
  });
  expect(redacted(`${ENV}[name=LOG].value`, 'info', 'debug')).not.toHaveProperty('redacted');
});

test('an added variable or container is masked inside', () => {
  const container = { name: 'x', env: [{ name: 'API_TOKEN', value: 'abc123' }], image: 'x:1' };
  const [one] = redactChanges([change('spec.containers[name=x]', undefined, container)], 'Pod');
  expect(one?.live).toEqual({ ...container, env: [{ name: 'API_TOKEN', value: '6 bytes' }] });
  expect(one?.redacted).toBe(true);
});

test('when one side is masked, so is the other', () => {
  const one = redacted('data.url', 'http://a', 'postgres://u:hunter2@h/d', 'ConfigMap');
  expect(one).toMatchObject({ desired: '8 bytes', live: '24 bytes' });
});

test('passwords on command lines are masked, flags are not', () => {
  const one = redacted('spec.args', ['--token', 'abc'], ['--token', 'abd', '--password=x', '-v']);
  expect(one?.live).toEqual(['--token', '3 bytes', '12 bytes', '-v']);
});

test('last-applied-configuration is masked', () => {
  const path = 'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]';
  expect(redacted(path, '{"data":1}', '{}')).toMatchObject({
    desired: '10 bytes',
    live: '2 bytes',
  });
});

test('long values become their length and the beginning of their hash', () => {
  const long = 'x'.repeat(2000);
  const [one] = redactChanges([change('data.a', 'short', long)], 'ConfigMap', () => 'f'.repeat(64));
  expect(one).toMatchObject({ desired: '5 bytes', live: `2000 bytes, hash ${'f'.repeat(12)}` });
});

test('a whole object keeps its shape without its secrets', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', managedFields: [], labels: { app: 'a' } },
    type: 'Opaque',
    data: { password: 'aHVudGVyMg==' },
    stringData: { user: 'größe' },
  };
  expect(redactObject(object)).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', labels: { app: 'a' } },
    type: 'Opaque',
    data: { password: '7 bytes' },
    stringData: { user: '7 bytes' },
  });
});

test('changes that hide nothing stay the same object', () => {
  const one = change('spec.replicas', 3, 5);
  expect(redactChanges([one], 'Deployment')[0]).toBe(one);
  expect(renderChange(one)).toBe('3 → 5');
});

const WHOLE = '{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"canary"}}';

test.each<[string, string, string, string, boolean]>([
  ['Secret', 'metadata.annotations.note', 'a', 'canary', true],
  ['Secret', 'metadata.annotations["example.io/note"]', 'a', 'canary', true],
  ['Secret', 'metadata.labels.app', 'a', 'canary', false],
  ['ConfigMap', 'metadata.annotations.note', 'a', 'canary', false],
  ['ConfigMap', 'metadata.annotations["kapp.k14s.io/original"]', 'a', 'canary', true],
  ['ConfigMap', 'metadata.annotations["objectset.rio.cattle.io/applied"]', 'H4sI', 'canary', true],
  ['ConfigMap', 'metadata.annotations["example.io/before"]', 'a', WHOLE, true],
  ['Deployment', 'spec.template.metadata.annotations["example.io/before"]', 'a', WHOLE, true],
  ['ConfigMap', 'data["manifest.json"]', 'a', WHOLE, false],
  ['ConfigMap', 'data["app.env"]', 'LOG=info', 'LOG=info\nDB_PASSWORD=canary\n', true],
  ['ConfigMap', 'data["app.env"]', 'LOG=info', 'LOG=canary\n', false],
])('%s %s: %j → %j is described: %s', (kind, path, desired, live, isDescribed) => {
  const one = redacted(path, desired, live, kind);
  expect(one?.redacted ?? false).toBe(isDescribed);
  expect(JSON.stringify(one).includes('canary')).toBe(!isDescribed);
});

test('a Secret shows no value, whatever part of it changed', () => {
  const metadata = { name: 's', annotations: { note: 'canary' } };
  const whole = { kind: 'Secret', metadata, data: { a: 'Y2FuYXJ5' }, stringData: { b: 'canary' } };
  const changes = [
    change('', undefined, whole),
    change('metadata', undefined, metadata),
    change('metadata.annotations', undefined, metadata.annotations),
    change('stringData', undefined, whole.stringData),
  ];
  const shown = JSON.stringify(redactChanges(changes, 'Secret'));
  expect(shown).not.toContain('canary');
  expect(shown).not.toContain('Y2FuYXJ5');
  expect(shown).toContain('"name":"s"');
});

test('a whole object shows no annotation of a Secret, and no record of an applied object', () => {
  const annotations = { note: 'largo', 'example.io/before': WHOLE };
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', annotations } };
  const applied = `${WHOLE.length} bytes`;
  expect(redactObject(object)).toMatchObject({
    metadata: { annotations: { note: '5 bytes', 'example.io/before': applied } },
  });
  expect(redactObject({ ...object, kind: 'Deployment' })).toMatchObject({
    metadata: { annotations: { note: 'largo', 'example.io/before': applied } },
  });
});
