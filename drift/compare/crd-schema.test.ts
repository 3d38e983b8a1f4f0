import { expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../resource-ref.ts';
import { compare } from './compare.ts';
import { compileDesired } from './compile.ts';
import { readCrd } from './crd-schema.ts';

/** As controller-gen writes resource.Quantity. */
const QUANTITY = {
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  pattern:
    '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$',
  'x-kubernetes-int-or-string': true,
};
const PROPERTIES: JsonObject = {
  replicas: { type: 'integer', default: 1 },
  budget: QUANTITY,
  port: { 'x-kubernetes-int-or-string': true },
  paused: { type: 'boolean' },
  strategy: {
    type: 'object',
    default: { type: 'Rolling' },
    properties: { type: { type: 'string' }, surge: { type: 'integer', default: 2 } },
  },
  listeners: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['id', 'zone'],
    items: {
      type: 'object',
      properties: {
        id: { type: 'string' },
        zone: { type: 'string', default: 'any' },
        weight: { type: 'integer', default: 10 },
        cap: QUANTITY,
      },
    },
  },
  hosts: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
  steps: {
    type: 'array',
    items: {
      type: 'object',
      properties: { run: { type: 'string' }, retries: { type: 'integer', default: 3 } },
    },
  },
  labels: { type: 'object', additionalProperties: { type: 'string' } },
  selector: {
    type: 'object',
    'x-kubernetes-map-type': 'atomic',
    additionalProperties: { type: 'string' },
  },
  extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};
const SCHEMA = readCrd(crd(PROPERTIES))?.schemas.get('v1');

test.each<[string, JsonObject, JsonObject]>([
  [
    'items by both keys, one of them filled in',
    { listeners: [{ id: 'a' }, { id: 'a', zone: 'b' }] },
    {
      listeners: [
        { id: 'a', zone: 'b', weight: 10 },
        { id: 'a', zone: 'any', weight: 10 },
      ],
    },
  ],
  [
    'quantities in items',
    { listeners: [{ id: 'a', cap: '1000m' }] },
    { listeners: [{ id: 'a', zone: 'any', cap: 1 }] },
  ],
  ['quantities anywhere', { budget: '0.5Gi' }, { budget: '512Mi' }],
  ['a number or its text', { port: 80 }, { port: '80' }],
  ['the order of sets', { hosts: ['a', 'b'] }, { hosts: ['b', 'a'] }],
  [
    'defaults in items of atomic lists',
    { steps: [{ run: 'x' }] },
    { steps: [{ run: 'x', retries: 3 }] },
  ],
  ['what is empty', { labels: {}, steps: [], strategy: {}, extra: null }, {}],
  ['fields without a schema', { extra: { a: [{ name: 'x' }] } }, { extra: { a: [{ name: 'x' }] } }],
])('%s: no difference', (_what, desired, live) => {
  expect(pathsOf(desired, live)).toEqual([]);
});

test.each<[string, JsonObject, JsonObject, string]>([
  [
    'a field of a keyed item',
    { listeners: [{ id: 'a', weight: 1 }, { id: 'b' }] },
    {
      listeners: [
        { id: 'b', zone: 'any' },
        { id: 'a', zone: 'any', weight: 2 },
      ],
    },
    'changed spec.listeners[id=a,zone=any].weight',
  ],
  [
    'the order of atomic lists',
    { steps: [{ run: 'x' }, { run: 'y' }] },
    { steps: [{ run: 'y' }, { run: 'x' }] },
    'changed spec.steps',
  ],
  [
    'a key more in an atomic map',
    { selector: { a: '1' } },
    { selector: { a: '1', b: '2' } },
    'changed spec.selector',
  ],
  ['a false that is gone', { paused: false }, {}, 'removed spec.paused'],
  ['another amount', { budget: '1' }, { budget: '1001m' }, 'changed spec.budget'],
  ['a field without a schema', { extra: { a: 1 } }, { extra: { a: 2 } }, 'changed spec.extra.a'],
])('%s: found with its path', (_what, desired, live, expected) => {
  expect(pathsOf(desired, live)).toEqual([expected]);
});

test('defaults are nobody’s work, whoever owns them; other values are', () => {
  const fields = { replicas: {}, strategy: {} };
  const owner = writer('helm-by-hand', fields);
  const defaults = { paused: true, replicas: 1, strategy: { type: 'Rolling', surge: 2 } };
  expect(pathsOf({ paused: true }, defaults, [owner])).toEqual([]);
  expect(pathsOf({ paused: true }, { ...defaults, replicas: 4 }, [owner])).toEqual([
    'added spec.replicas',
  ]);
});

test('what somebody put into an item of an atomic list is found', () => {
  const desired = { steps: [{ run: 'x' }] };
  const owner = writer('kubectl-edit', { steps: {} });
  expect(pathsOf(desired, { steps: [{ run: 'x', retries: 3 }] }, [owner])).toEqual([]);
  expect(pathsOf(desired, { steps: [{ run: 'x', retries: 9 }] }, [owner])).toEqual([
    'changed spec.steps',
  ]);
});

test('labels and annotations are compared as those of every kind', () => {
  const desired = { ...thing({}), metadata: { name: 't', labels: { a: '1' } } };
  const live = { ...thing({}), metadata: { name: 't', labels: { a: '2' }, uid: 'u' } };
  const { changes } = compare(compileDesired(desired, SCHEMA), live, { appliers: ['confighub'] });
  expect(changes.map((change) => [change.path, change.type])).toEqual([
    ['metadata.labels.a', 'LabelChange'],
  ]);
});

test('schemas without end and without measure are cut off, not followed', () => {
  let deep: JsonObject = { type: 'string' };
  let value: JsonValue = 'x';
  for (let level = 0; level < 200; level++) {
    deep = { type: 'object', properties: { a: deep } };
    value = { a: value };
  }
  const wide = Object.fromEntries(
    Array.from({ length: 60_000 }, (_one, at) => [`f${at}`, QUANTITY]),
  );
  const schema = readCrd(crd({ ...wide, deep }))?.schemas.get('v1');
  const compiled = compileDesired(thing({ f1: '1000m', f59999: '1000m', deep: value }), schema);
  const live = thing({ f1: '1', f59999: '1', deep: value });
  expect(compare(compiled, live, { appliers: [] }).changes.map(({ path }) => path)).toEqual([
    'spec.f59999',
  ]);
});

test('each version has its schema, other objects have none', () => {
  const found = readCrd(crd({}));
  expect(found).toMatchObject({ group: 'example.com', kind: 'Thing' });
  expect([...(found?.schemas.keys() ?? [])]).toEqual(['v1']);
  expect(readCrd(thing({}))).toBeUndefined();
  const broken = {
    ...crd({}),
    spec: { group: 'a.b', names: { kind: 'C' }, versions: [null, { name: 'v1', schema: 'no' }] },
  };
  expect(readCrd(broken)?.schemas.size).toBe(0);
  expect(readCrd({ ...crd({}), spec: null })).toBeUndefined();
});

function pathsOf(
  desired: JsonObject,
  live: JsonObject,
  managedFields?: readonly ManagedFieldsEntry[],
): string[] {
  const metadata = { name: 't', ...(managedFields && { managedFields }) };
  const found = { ...thing(live), metadata };
  const compiled = compileDesired(thing(desired), SCHEMA);
  return compare(compiled, found, { appliers: ['confighub'] }).changes.map(
    ({ op, path }) => `${op} ${path}`,
  );
}

function writer(manager: string, fields: JsonObject): ManagedFieldsEntry {
  const owned = Object.entries(fields).map(([name, below]) => [`f:${name}`, below]);
  return {
    manager,
    operation: 'Update',
    time: '2026-01-02T00:00:00Z',
    fieldsV1: { 'f:spec': Object.fromEntries(owned) },
  };
}

function thing(spec: JsonObject): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec };
}

function crd(properties: JsonObject): KubeObject {
  const spec = { type: 'object', properties };
  const openAPIV3Schema = {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec,
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      names: { kind: 'Thing', plural: 'things' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}
