import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare } from '../compare/compare.ts';
import { compileDesired } from '../compare/compile.ts';
import cases from '../compare/fixtures/diff-cases.json' with { type: 'json' };
import type { FieldChange } from '../field-change.ts';
import { formatFieldPath, renderField } from '../field-path.ts';
import { isJsonObject, type JsonValue } from '../json.ts';
import type { KubeObject } from '../resource-ref.ts';
import { type PatchOperation, revertPatch } from './json-patch.ts';

const GUARD = { op: 'test', path: '/metadata/resourceVersion', value: '7' };

function change(path: string, desired?: JsonValue): FieldChange {
  return {
    path,
    op: desired === undefined ? 'added' : 'changed',
    ...(desired === undefined ? {} : { desired }),
    type: 'GenericChange',
    severity: 'low',
    who: 'unknown',
    confidence: 'high',
  };
}

/** RFC 6902, as strict as the API server: `replace` and `remove` need what they name, `add` needs its parent. */
function apply(object: JsonValue, operations: readonly PatchOperation[]): JsonValue {
  const root = { root: structuredClone(object) } as Record<string, unknown>;
  for (const operation of operations) {
    const tokens = operation.path
      .split('/')
      .slice(1)
      .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
    let holder: unknown = root;
    let name = 'root';
    for (const token of tokens) {
      holder = (holder as Record<string, unknown>)[name];
      name = token;
    }
    if (Array.isArray(holder)) applyToList(holder, name, operation);
    else if (isJsonObject(holder))
      applyToObject(holder as Record<string, unknown>, name, operation);
    else throw new Error(`nothing holds ${operation.path}`);
  }
  return root['root'] as JsonValue;
}

function applyToList(list: unknown[], name: string, operation: PatchOperation): void {
  const index = name === '-' && operation.op === 'add' ? list.length : Number(name);
  const last = operation.op === 'add' ? list.length : list.length - 1;
  if (!(index >= 0 && index <= last)) throw new Error(`no item ${operation.path}`);
  if (operation.op === 'remove') list.splice(index, 1);
  else list.splice(index, operation.op === 'add' ? 0 : 1, operation.value);
}

function applyToObject(
  holder: Record<string, unknown>,
  name: string,
  operation: PatchOperation,
): void {
  if (operation.op !== 'add' && !Object.hasOwn(holder, name)) {
    throw new Error(`no field ${operation.path}`);
  }
  if (operation.op === 'remove') delete holder[name];
  else if (operation.op !== 'test') holder[name] = operation.value;
  else if (holder[name] !== operation.value) throw new Error(`${operation.path} differs`);
}

describe('revertPatch', () => {
  const live = {
    metadata: { resourceVersion: '7', annotations: { 'a/b~c': 'x' } },
    list: ['a', 'b', 'c', 'd'].map((name) => ({ name, value: 1 })),
    ports: [
      { containerPort: 53, protocol: 'UDP' },
      { containerPort: 53, name: 'dns' },
    ],
  };

  it('writes scalars under the guard of the version, escaping ~ and /', () => {
    expect(
      revertPatch(live, '7', [
        change('metadata.annotations.a/b~c'.replace('.a/b~c', '["a/b~c"]'), 'y'),
      ]),
    ).toEqual([GUARD, { op: 'replace', path: '/metadata/annotations/a~1b~0c', value: 'y' }]);
  });

  it('places every operation in the list as the ones before leave it', () => {
    const patch = revertPatch(live, '7', [
      change('list[name=b]'),
      change('list[name=d].value', 2),
      change('list[name=e]', { name: 'e' }),
      change('list[name=a]'),
      change('list[name=e].value', 5),
    ]);
    expect(patch?.map(({ path }) => path).slice(1)).toEqual([
      '/list/1',
      '/list/2/value',
      '/list/-',
      '/list/0',
      '/list/2/value',
    ]);
    expect(apply(live, patch ?? [])).toMatchObject({
      list: [
        { name: 'c', value: 1 },
        { name: 'd', value: 2 },
        { name: 'e', value: 5 },
      ],
    });
  });

  it('takes a port without protocol for a TCP port', () => {
    const patch = revertPatch(live, '7', [change('ports[containerPort=53,protocol=TCP].name')]);
    expect(patch?.[1]).toEqual({ op: 'remove', path: '/ports/1/name' });
  });

  it('makes missing parents once, and lists for items', () => {
    const patch = revertPatch(live, '7', [
      change('spec.template.labels.a', '1'),
      change('spec.template.labels.b', '2'),
      change('spec.env[name=X]', { name: 'X' }),
    ]);
    expect(patch?.slice(1)).toEqual([
      { op: 'add', path: '/spec', value: { template: { labels: { a: '1' } } } },
      { op: 'add', path: '/spec/template/labels/b', value: '2' },
      { op: 'add', path: '/spec/env', value: [{ name: 'X' }] },
    ]);
  });

  it('asks for nothing where what should go is gone', () => {
    const gone = [change('metadata.labels.x'), change('list[name=z]'), change('spec.x')];
    expect(revertPatch(live, '7', gone)).toEqual([GUARD]);
  });

  it.each(['', 'list[name=z].value', 'metadata.annotations["a/b~c"].deeper', 'metadata[name=x]'])(
    'is undefined for a path without a place: %j',
    (path) => {
      expect(revertPatch(live, '7', [change(path, 1)])).toBeUndefined();
    },
  );

  it('never writes the description of a secret in place of its value', () => {
    const redacted = { ...change('data.password', '24 bytes'), redacted: true };
    expect(() => revertPatch(live, '7', [redacted])).toThrow(TypeError);
  });

  it('restores the encoded value of a secret that was declared as stringData', () => {
    const base = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', resourceVersion: '7' },
    };
    const desired = compileDesired({ ...base, stringData: { password: 'hunter2' } });
    const drifted = { ...base, data: { password: 'eA==' } };
    const found = compare(desired, drifted, { appliers: [] }).changes;
    expect(revertPatch(drifted, '7', found)?.slice(1)).toEqual([
      { op: 'replace', path: '/data/password', value: 'aHVudGVyMg==' },
    ]);
  });
});

describe('the patch of each case of the comparison', () => {
  const reported = cases.filter((one) => (one.live as unknown) && one.expect.length > 0);

  it.each(reported.map((one) => [one.name, one] as const))(
    '%s leaves no difference',
    (_name, one) => {
      const live = one.live as unknown as KubeObject;
      const desired = compileDesired(one.desired as unknown as KubeObject);
      const context = { appliers: ['confighub'], unexplained: 'report' as const };
      const before = compare(desired, live, context).changes;
      expect(before.length).toBeGreaterThan(0);
      const version = live.metadata.resourceVersion ?? '';
      const patch = revertPatch(live as unknown as JsonValue, version, before);
      const after = apply(live as unknown as JsonValue, patch ?? []) as unknown as KubeObject;
      const paths = before.map((found) => found.path);
      const left = compare(desired, after, context).changes.map((found) => found.path);
      expect(left.filter((path) => paths.includes(path))).toEqual([]);
    },
  );
});

describe('any two objects', () => {
  const name = fc.constantFrom('a', 'b', 'c~d', 'e/f', 'g.h', '0', '-');
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant([1, 2]));
  const items = fc.uniqueArray(fc.record({ name, value: leaf }), { selector: (one) => one.name });
  const object = fc.record({ map: fc.dictionary(name, leaf), items });
  type Sample = {
    readonly map: Readonly<Record<string, JsonValue>>;
    readonly items: readonly { readonly name: string; readonly value: JsonValue }[];
  };

  function differences(desired: Sample, live: Sample): FieldChange[] {
    const changes: FieldChange[] = [];
    for (const key of new Set([...Object.keys(desired.map), ...Object.keys(live.map)])) {
      const wanted = Object.hasOwn(desired.map, key) ? desired.map[key] : undefined;
      changes.push(change(`map${renderField(key)}`, wanted));
    }
    for (const key of new Set([...desired.items, ...live.items].map((one) => one.name))) {
      const path = formatFieldPath([
        { kind: 'field', name: 'items' },
        { kind: 'item', keys: [['name', key]] },
      ]);
      const wanted = desired.items.find((one) => one.name === key);
      const isThere = live.items.some((one) => one.name === key);
      changes.push(
        wanted && isThere ? change(`${path}.value`, wanted.value) : change(path, wanted),
      );
    }
    return changes;
  }

  it('are equal after the patch, in whatever order the changes come', () => {
    const sorted = (one: Sample) => ({
      map: one.map,
      items: one.items.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    });
    fc.assert(
      fc.property(object, object, fc.infiniteStream(fc.nat()), (desired, live, order) => {
        const changes = differences(desired, live)
          .map((one) => ({ one, rank: order.next().value ?? 0 }))
          .sort((left, right) => left.rank - right.rank)
          .map(({ one }) => one);
        const whole = { metadata: { resourceVersion: '7' }, ...live };
        const patch = revertPatch(whole, '7', changes);
        const { metadata, ...after } = apply(whole, patch ?? []) as unknown as Sample & {
          metadata: unknown;
        };
        expect(metadata).toEqual({ resourceVersion: '7' });
        expect(sorted(after)).toEqual(sorted(desired));
      }),
      { numRuns: 500 },
    );
  });
});
