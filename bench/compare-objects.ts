import type { JsonObject } from '../drift/json.ts';
import type { KubeObject } from '../drift/resource-ref.ts';

/** A pair as the case files hold it; `expect[].type` is our op. */
export type Pair = {
  readonly name: string;
  readonly desired: KubeObject;
  readonly live: KubeObject | null;
  readonly lastApplied?: KubeObject;
  readonly expect?: readonly { readonly path: string; readonly type: string }[];
};

const MIB = 2 ** 20;
const CRD_FIELDS = 2_600;

/** What costs most in a real cluster: much data in one field, and many fields in one object. */
export function largeObjects(): readonly Pair[] {
  return [configMap('ConfigMap of 1 KiB', 1024), configMap('ConfigMap of 1 MiB', MIB), crd()];
}

function configMap(name: string, bytes: number): Pair {
  const make = (): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'large' },
    // Both sides are built anew: equal texts of one instance would compare by their address.
    data: { a: 'x'.repeat(bytes / 2), b: 'y'.repeat(bytes / 2) },
  });
  const desired = make();
  return {
    name,
    desired,
    live: owned(structuredClone(desired), { 'f:data': { 'f:a': {}, 'f:b': {} } }),
  };
}

function crd(): Pair {
  const properties: Record<string, JsonObject> = {};
  for (let field = 0; field < CRD_FIELDS; field++) {
    properties[`field${field}`] = {
      type: 'object',
      description: `What the field number ${field} of this resource stands for.`,
      properties: { name: { type: 'string' } },
    };
  }
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: 'object', properties } },
  };
  const desired: KubeObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [version],
    },
  };
  const fields = { 'f:spec': { 'f:group': {}, 'f:scope': {}, 'f:names': {}, 'f:versions': {} } };
  return { name: 'CRD of 300 KiB', desired, live: owned(structuredClone(desired), fields) };
}

/** What most Deployments are like. */
export function typicalDeployment(): Pair {
  return deployment(2, 15);
}

/** As wide as they get. */
export function wideDeployment(): Pair {
  return deployment(10, 200);
}

/** A Deployment whose env stands in another order than declared. */
function deployment(count: number, variables: number): Pair {
  const containers = Array.from({ length: count }, (_one, at) => ({
    name: `c${at}`,
    image: `registry.example.com/app:${at}`,
    env: Array.from({ length: variables }, (_variable, index) => ({
      name: `VARIABLE_${index}`,
      value: `value ${index}`,
    })),
  }));
  const spec = (pods: object) => ({
    replicas: 3,
    selector: { matchLabels: { app: 'wide' } },
    template: { metadata: { labels: { app: 'wide' } }, spec: pods },
  });
  const desired = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'wide' } };
  const live = structuredClone(containers).map((one) => ({ ...one, env: one.env.toReversed() }));
  const fields: Record<string, JsonObject> = {};
  for (const one of containers) {
    const env = one.env.map(({ name }) => [
      `k:{"name":"${name}"}`,
      { '.': {}, 'f:name': {}, 'f:value': {} },
    ]);
    fields[`k:{"name":"${one.name}"}`] = {
      '.': {},
      'f:image': {},
      'f:env': Object.fromEntries(env),
    };
  }
  const ownership = { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': fields } } } };
  return {
    name: `Deployment of ${count} containers with ${variables} variables`,
    desired: { ...desired, spec: spec({ containers }) },
    live: owned(
      { ...desired, spec: spec({ containers: live, dnsPolicy: 'ClusterFirst' }) },
      ownership,
    ),
  };
}

function owned(object: KubeObject, fieldsV1: JsonObject): KubeObject {
  const entry = {
    manager: 'confighub',
    operation: 'Apply',
    time: '2026-01-01T00:00:00Z',
    fieldsV1,
  };
  return { ...object, metadata: { ...object.metadata, managedFields: [entry] } };
}
