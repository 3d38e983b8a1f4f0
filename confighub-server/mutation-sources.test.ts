import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { inheritedMutations, isProtected, recordMutation } from './mutation-sources.ts';

const manifest = (spec: unknown, name = 'api') =>
  stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop' },
    spec,
  });
const KEY = 'apps/v1/Deployment/api';
const added = (after: string) =>
  recordMutation([], { before: '', after, index: 1, predicate: true });

describe('mutation sources', () => {
  it('name the resource as ConfigHub does', () => {
    const [source] = added(manifest({ replicas: 1 }));
    expect(source).toMatchObject({
      Resource: {
        ResourceCategory: 'Resource',
        ResourceType: 'apps/v1/Deployment',
        ResourceName: 'shop/api',
        ResourceNameWithoutScope: 'api',
      },
      ResourceMutationInfo: { MutationType: 'Add', Index: 1, Predicate: true },
      PathMutationMap: {},
      Aliases: { 'shop/api': {} },
      AliasesWithoutScopes: { api: {} },
    });
  });

  it('say by path what a later change did, and protect it', () => {
    const before = manifest({ replicas: 1, template: { a: [{ image: 'x' }], 'b.c': 1 } });
    const after = manifest({ replicas: 2, template: { a: [{ image: 'y' }] }, paused: true });
    const [source] = recordMutation(added(before), { before, after, index: 2, predicate: false });
    expect(source?.PathMutationMap).toEqual({
      'spec.replicas': { MutationType: 'Update', Index: 2, Predicate: false, Value: '2\n' },
      'spec.template.a.0.image': {
        MutationType: 'Update',
        Index: 2,
        Predicate: false,
        Value: 'y\n',
      },
      'spec.template.b~1c': { MutationType: 'Delete', Index: 2, Predicate: false, Value: '1\n' },
      'spec.paused': { MutationType: 'Add', Index: 2, Predicate: false, Value: 'true\n' },
    });
    const sources = source ? [source] : [];
    expect(isProtected(sources, KEY, ['spec', 'replicas'])).toBe(true);
    expect(isProtected(sources, KEY, ['spec', 'template'])).toBe(true);
    expect(isProtected(sources, KEY, ['spec', 'template', 'a', 0, 'image', 'tag'])).toBe(true);
    expect(isProtected(sources, KEY, ['spec', 'other'])).toBe(false);
    expect(isProtected(sources, 'v1/Service/api', ['spec', 'replicas'])).toBe(false);
    expect(isProtected(inheritedMutations(sources), KEY, ['spec', 'replicas'])).toBe(false);
  });

  it('forget what was replaced with its parent, and note resources that come and go', () => {
    const first = manifest({ template: { a: 1 } });
    const second = manifest({ template: { a: 2 } });
    const third = manifest({ template: 'none' });
    const step = (
      sources: ReturnType<typeof added>,
      before: string,
      after: string,
      index: number,
    ) => recordMutation(sources, { before, after, index, predicate: true });
    const changed = step(step(added(first), first, second, 2), second, third, 3);
    expect(Object.keys(changed[0]?.PathMutationMap ?? {})).toEqual(['spec.template']);
    const other = manifest({}, 'web');
    expect(step(changed, third, other, 4)).toMatchObject([
      {
        Resource: { ResourceNameWithoutScope: 'web' },
        ResourceMutationInfo: { MutationType: 'Add' },
      },
      {
        Resource: { ResourceNameWithoutScope: 'api' },
        ResourceMutationInfo: { MutationType: 'Delete', Index: 4 },
      },
    ]);
  });

  it('are none for what is not YAML', () => {
    expect(added('kind: [')).toEqual([]);
  });

  it('record something exactly where something changed', () => {
    const spec = fc.dictionary(fc.constantFrom('a', 'b', 'c.d'), fc.oneof(fc.nat(9), fc.boolean()));
    fc.assert(
      fc.property(spec, spec, (one, other) => {
        const before = manifest(one);
        const after = manifest(other);
        const [source] = recordMutation(added(before), {
          before,
          after,
          index: 2,
          predicate: true,
        });
        const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
        const changed = [...keys].filter((key) => one[key] !== other[key]);
        expect(Object.keys(source?.PathMutationMap ?? {}).sort()).toEqual(
          changed.map((key) => `spec.${key.replaceAll('.', '~1')}`).sort(),
        );
      }),
    );
  });
});
