import { expect, test } from 'vitest';
import type { JsonValue } from '../json.ts';
import type { KubeObject } from '../resource-ref.ts';
import { compare } from './compare.ts';
import { compileDesired } from './compile.ts';

const CONTEXT = { appliers: ['confighub'] };
const CREATED = '2026-01-01T00:00:00Z';
const LATER = '2026-01-02T00:00:00Z';

function entry(manager: string, time: string, fieldsV1: JsonValue) {
  return { manager, operation: 'Update', apiVersion: 'v1', time, fieldsV1 };
}

test('a map that one made and another filled is one addition, of the one who wrote last', () => {
  const desired = compileDesired({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } });
  const live: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'c',
      managedFields: [
        entry('kubectl-create', CREATED, { 'f:data': { '.': {}, 'f:a': {} } }),
        entry('kubectl-edit', LATER, { 'f:data': { 'f:b': {} } }),
      ],
    },
    data: { a: '1', b: '2' },
  };
  const { changes, directions } = compare(desired, live, CONTEXT);
  expect(changes).toMatchObject([
    { path: 'data', op: 'added', live: { a: '1', b: '2' }, who: 'kubectl-edit', when: LATER },
  ]);
  expect(directions).toEqual(['forward']);
});

test('names that begin alike are no nesting', () => {
  const desired = compileDesired({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    data: { z: '1' },
  });
  const live: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'c',
      managedFields: [
        entry('kubectl-edit', LATER, { 'f:data': { 'f:a': {}, 'f:a.b': {}, 'f:ab': {} } }),
      ],
    },
    data: { z: '1', a: '1', 'a.b': '2', ab: '3' },
  };
  const { changes } = compare(desired, live, CONTEXT);
  expect(changes.map(({ path }) => path)).toEqual(['data.a', 'data["a.b"]', 'data.ab']);
});

test('whoever edits a new custom resource within the second of its creation is not its creator', () => {
  const object = { apiVersion: 'x.io/v1', kind: 'Widget', metadata: { name: 'w' }, spec: {} };
  const live: KubeObject = {
    ...object,
    metadata: {
      name: 'w',
      creationTimestamp: CREATED,
      managedFields: [
        entry('kubectl-create', CREATED, { 'f:spec': { '.': {}, 'f:mode': {} } }),
        entry('kubectl-edit', CREATED, { 'f:spec': { 'f:size': {} } }),
      ],
    },
    spec: { mode: 'fast', size: 4 },
  };
  const { changes } = compare(compileDesired(object), live, CONTEXT);
  expect(changes).toMatchObject([{ path: 'spec.size', op: 'added', who: 'kubectl-edit' }]);
});
