import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../resource-ref.ts';
import { compare } from './compare.ts';
import { compileDesired } from './compile.ts';

const CONTEXT = { appliers: ['confighub'] };
const POD = 'spec.template.spec';

type Env = { name: string; value: string };
type Port = { containerPort: number; protocol?: string; name: string };
type Container = {
  name: string;
  image: string;
  env: Env[];
  ports: Port[];
  args: string[];
  resources: { limits: Record<string, string> };
};
type Model = {
  replicas: number;
  labels: Record<string, string>;
  containers: Container[];
  selector: Record<string, string>;
};

const name = fc.stringMatching(/^[a-z]{1,6}$/);
const text = fc.string({ minLength: 1, maxLength: 8 });
const container: fc.Arbitrary<Container> = fc.record({
  name,
  image: fc.constantFrom('nginx:1', 'a/b:2', 'c@sha256:0'),
  env: fc.uniqueArray(fc.record({ name, value: text }), {
    maxLength: 5,
    selector: (one) => one.name,
  }),
  ports: fc.uniqueArray(
    fc.record(
      {
        containerPort: fc.integer({ min: 1, max: 65535 }),
        protocol: fc.constantFrom('TCP', 'UDP'),
        name,
      },
      { requiredKeys: ['containerPort', 'name'] },
    ),
    { maxLength: 4, selector: (one) => `${one.containerPort}/${one.protocol ?? 'TCP'}` },
  ),
  args: fc.array(text, { maxLength: 3 }),
  resources: fc.record({
    limits: fc.dictionary(fc.constantFrom('cpu', 'memory'), fc.constant('1Gi')),
  }),
});
const model: fc.Arbitrary<Model> = fc.record({
  replicas: fc.integer({ min: 0, max: 9 }),
  labels: fc.dictionary(name, text, { maxKeys: 4 }),
  containers: fc.uniqueArray(container, {
    minLength: 1,
    maxLength: 3,
    selector: (one) => one.name,
  }),
  selector: fc.constant({ app: 'x' }),
});

function deployment({ replicas, labels, containers, selector }: Model): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', labels },
    spec: {
      replicas,
      selector: { matchLabels: selector },
      template: { metadata: { labels: selector }, spec: { containers } },
    },
  };
}

/** What the API server makes of it: defaults, other forms of the same amount, server fields; keyed lists reversed. */
function defaulted(source: Model): KubeObject {
  const containers = source.containers
    .map((one) => ({
      ...one,
      env: one.env.toReversed(),
      ports: one.ports.map((port) => ({ protocol: 'TCP', ...port })).toReversed(),
      resources: {
        limits: Object.fromEntries(Object.keys(one.resources.limits).map((key) => [key, '1024Mi'])),
      },
      imagePullPolicy: 'IfNotPresent',
      terminationMessagePath: '/dev/termination-log',
    }))
    .toReversed();
  const live = structuredClone(deployment({ ...source, containers })) as KubeObject & {
    spec: Record<string, unknown> & { template: { spec: Record<string, unknown> } };
  };
  live.spec['strategy'] = { type: 'RollingUpdate' };
  live.spec.template.spec['dnsPolicy'] = 'ClusterFirst';
  return {
    ...live,
    status: { replicas: 1 },
    metadata: { ...live.metadata, uid: 'u', generation: 2 },
  };
}

/** Every single-field mutation of the model, with the path that must be found. */
function mutations(source: Model): readonly { path: string; mutate: (model: Model) => void }[] {
  const found: { path: string; mutate: (model: Model) => void }[] = [
    {
      path: 'spec.replicas',
      mutate: (one) => {
        one.replicas += 1;
      },
    },
    {
      path: 'spec.selector',
      mutate: (one) => {
        one.selector['extra'] = 'y';
      },
    },
  ];
  for (const key of Object.keys(source.labels)) {
    found.push({
      path: `metadata.labels.${key}`,
      mutate: (one) => {
        one.labels[key] += 'x';
      },
    });
    found.push({ path: `metadata.labels.${key}`, mutate: (one) => void delete one.labels[key] });
  }
  source.containers.forEach((own, at) => {
    const path = `${POD}.containers[name=${own.name}]`;
    const edit = (change: (one: Container) => void) => (one: Model) => {
      const held = one.containers[at];
      if (held) change(held);
    };
    found.push({
      path: `${path}.image`,
      mutate: edit((one) => {
        one.image += 'x';
      }),
    });
    if (own.args.length > 0) {
      found.push({ path: `${path}.args`, mutate: edit((one) => void one.args.push('more')) });
    }
    own.env.forEach((variable, index) => {
      const item = `${path}.env[name=${variable.name}]`;
      const alter = edit((one) => {
        const held = one.env[index];
        if (held) held.value += 'x';
      });
      found.push({ path: `${item}.value`, mutate: alter });
      if (own.env.length > 1) {
        found.push({ path: item, mutate: edit((one) => void one.env.splice(index, 1)) });
      }
    });
    own.ports.forEach((port, index) => {
      const key = `containerPort=${port.containerPort},protocol=${port.protocol ?? 'TCP'}`;
      const alter = edit((one) => {
        const held = one.ports[index];
        if (held) held.name += 'x';
      });
      found.push({ path: `${path}.ports[${key}].name`, mutate: alter });
    });
  });
  return found;
}

test('an object never drifts from what the server makes of it, in whatever order', () => {
  fc.assert(
    fc.property(model, (source) => {
      const { changes } = compare(compileDesired(deployment(source)), defaulted(source), CONTEXT);
      expect(changes).toEqual([]);
    }),
  );
});

test('every mutation of one declared field is found, with exactly its path', () => {
  fc.assert(
    fc.property(model, (source) => {
      const desired = compileDesired(deployment(source));
      for (const { path, mutate } of mutations(source)) {
        const edited = structuredClone(source);
        mutate(edited);
        const found = compare(desired, defaulted(edited), CONTEXT).changes.map((one) => one.path);
        expect(found).toEqual([path]);
      }
    }),
    { numRuns: 50 },
  );
});

test('a custom resource keeps its zeros, and an equal one never drifts', () => {
  const leaf = fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.boolean());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(name, tree, { minKeys: 1, maxKeys: 4 }), (spec) => {
      const object = { apiVersion: 'x.io/v1', kind: 'Thing', metadata: { name: 't' }, spec };
      const same = structuredClone(object);
      expect(compare(compileDesired(object), same, CONTEXT).changes).toEqual([]);
      const bare = compare(compileDesired(object), { ...object, spec: {} }, CONTEXT).changes;
      const kept = Object.entries(spec).filter(([, value]) => !isEmpty(value));
      expect(bare.map((one) => one.path).sort()).toEqual(kept.map(([key]) => `spec.${key}`).sort());
    }),
  );
});

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
