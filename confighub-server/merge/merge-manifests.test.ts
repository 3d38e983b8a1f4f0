import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { mergeManifests } from './merge-manifests.ts';

const deployment = (replicas: number, image: string, more = '') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api # the public one
spec:
  replicas: ${replicas} # by hand
  template:
    spec:
      containers:
      - name: api
        image: ${image}
        env:
        - name: "LEVEL"
          value: 'info'
${more}`;

describe('mergeManifests', () => {
  it('takes an upstream change and keeps a local one, comments and quoting', () => {
    const merged = mergeManifests({
      base: deployment(3, 'nginx:1'),
      theirs: deployment(3, 'nginx:2'),
      ours: deployment(7, 'nginx:1'),
    });
    expect(merged).toEqual({ data: deployment(7, 'nginx:2'), conflicts: [] });
  });

  it('keeps ours and lists the conflict where both changed', () => {
    const merged = mergeManifests({
      base: deployment(3, 'nginx:1'),
      theirs: deployment(4, 'nginx:1'),
      ours: deployment(7, 'nginx:1'),
    });
    expect(merged.data).toBe(deployment(7, 'nginx:1'));
    expect(merged.conflicts).toEqual([
      {
        resource: 'apps/v1/Deployment/api',
        path: 'spec.replicas',
        reason: 'changed on both sides',
      },
    ]);
  });

  it('matches containers by name, whatever their place', () => {
    const theirs = deployment(
      3,
      'nginx:1',
      `        - name: NEW
          value: "1"
      - name: sidecar
        image: envoy:1
`,
    );
    const ours = deployment(3, 'nginx:1').replace(
      '      - name: api\n',
      '      - name: local\n        image: busybox\n      - name: api\n',
    );
    const merged = parse(mergeManifests({ base: deployment(3, 'nginx:1'), theirs, ours }).data);
    const containers = merged.spec.template.spec.containers;
    expect(containers.map((one: { name: string }) => one.name)).toEqual([
      'local',
      'api',
      'sidecar',
    ]);
    expect(containers[1].env).toEqual([
      { name: 'LEVEL', value: 'info' },
      { name: 'NEW', value: '1' },
    ]);
  });

  it('adds and removes whole resources and leaves the text of the others alone', () => {
    const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: api}\n';
    const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n    name:   odd-spacing\n';
    const merged = mergeManifests({
      base: `${service}---\n${map}`,
      theirs: `${map}---\n${deployment(1, 'nginx:1')}`,
      ours: `${service}---\n# ours\n${map}`,
    });
    expect(merged.data).toBe(`# ours\n${map}---\n${deployment(1, 'nginx:1')}`);
    expect(merged.conflicts).toEqual([]);
  });

  it('keeps a resource that was changed here and removed upstream', () => {
    const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: api}\n';
    const other = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n';
    const ours = `${service}spec: {type: NodePort}\n---\n${other}`;
    const merged = mergeManifests({ base: `${service}---\n${other}`, theirs: other, ours });
    expect(merged.data).toBe(ours);
    expect(merged.conflicts).toHaveLength(1);
  });

  it('changes one place only where the document uses anchors', () => {
    const text = (image: string) => `apiVersion: v1
kind: Pod
metadata: {name: p, labels: &l {app: a}}
spec:
  selector: *l
  containers: [{name: a, image: ${image}}]
`;
    const merged = mergeManifests({
      base: text('x:1'),
      theirs: text('x:1').replace('selector: *l', 'selector: {app: b}'),
      ours: text('x:2'),
    });
    expect(parse(merged.data)).toMatchObject({
      metadata: { labels: { app: 'a' } },
      spec: { selector: { app: 'b' }, containers: [{ image: 'x:2' }] },
    });
  });

  it('refuses YAML that is not valid, naming the document', () => {
    expect(() =>
      mergeManifests({ base: 'a: 1', theirs: 'a: 2', ours: 'b: 1\n---\na: [\n' }),
    ).toThrow(/document 2/);
  });
});

// Trees as manifests are: maps, scalars, lists with and without named items.
const scalar = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom('a', 'b', ''),
  fc.boolean(),
);
const key = fc.constantFrom('p', 'q', 'r');
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.dictionary(key, tie('tree'), { maxKeys: 3 }),
    fc.array(scalar, { maxLength: 2 }),
    fc.uniqueArray(fc.record({ name: fc.constantFrom('x', 'y', 'z'), v: tie('tree') }), {
      selector: (item) => item.name,
      maxLength: 3,
    }),
  ),
}));
const manifest = fc
  .dictionary(key, tree, { maxKeys: 3 })
  .map((spec) => ({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 't' }, spec }));

const read = (data: string): unknown => parseAllDocuments(data).map((document) => document.toJS());
const merge = (base: unknown, theirs: unknown, ours: unknown) =>
  mergeManifests({ base: stringify(base), theirs: stringify(theirs), ours: stringify(ours) });

/** Every leaf with its path; list items by name where they have one. */
function leaves(value: unknown, path = ''): Map<string, string> {
  const found = new Map<string, string>();
  const items: [string, unknown][] = Array.isArray(value)
    ? value.every((item) => typeof item === 'object' && item !== null)
      ? value.map((item: { name: string }) => [`[${item.name}]`, item])
      : []
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  if (items.length === 0) found.set(path, JSON.stringify(value));
  for (const [name, item] of items) {
    for (const [leaf, text] of leaves(item, `${path}/${name}`)) found.set(leaf, text);
  }
  return found;
}

describe('mergeManifests on random trees', () => {
  it('takes everything when nothing was changed here', () => {
    fc.assert(
      fc.property(manifest, manifest, (base, theirs) => {
        const merged = merge(base, theirs, base);
        expect(read(merged.data)).toEqual([theirs]);
        expect(merged.conflicts).toEqual([]);
      }),
    );
  });

  it('takes every upstream change beside a local one that does not collide', () => {
    fc.assert(
      fc.property(manifest, manifest, scalar, (base, theirs, value) => {
        const ours = { ...base, metadata: { ...base.metadata, local: value } };
        const merged = merge(base, theirs, ours);
        expect(read(merged.data)).toEqual([
          { ...theirs, metadata: { ...theirs.metadata, local: value } },
        ]);
        expect(merged.conflicts).toEqual([]);
      }),
    );
  });

  it('keeps every local change', () => {
    fc.assert(
      fc.property(manifest, manifest, manifest, (base, theirs, ours) => {
        const merged = leaves((read(merge(base, theirs, ours).data) as unknown[])[0]);
        const was = leaves(base);
        for (const [path, text] of leaves(ours)) {
          // An emptied map may be filled again by the upstream; every other local leaf has to be there.
          if (was.get(path) !== text && text !== '{}' && text !== '[]') {
            expect(merged.get(path)).toBe(text);
          }
        }
      }),
    );
  });

  it('is idempotent: merging the same upstream again changes nothing', () => {
    fc.assert(
      fc.property(manifest, manifest, manifest, (base, theirs, ours) => {
        const once = merge(base, theirs, ours).data;
        const twice = mergeManifests({
          base: stringify(theirs),
          theirs: stringify(theirs),
          ours: once,
        });
        expect(twice).toEqual({ data: once, conflicts: [] });
        const again = mergeManifests({
          base: stringify(base),
          theirs: stringify(theirs),
          ours: once,
        });
        expect(read(again.data)).toEqual(read(once));
      }),
    );
  });
});
