import type { JsonValue } from './json.ts';

/** One managed object of one environment. `group` is '' for the core group, `namespace` is '' for cluster-scoped kinds. */
export type ResourceRef = {
  readonly environment: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/** A Kubernetes object as the API server or a manifest gives it. */
export type KubeObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubeMetadata;
  readonly [field: string]: unknown;
};

export type KubeMetadata = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string | null;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly controller?: boolean;
  }[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
  readonly [field: string]: unknown;
};

/** One writer's entry of `metadata.managedFields`. `time` is absent for the scale subresource. */
export type ManagedFieldsEntry = {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsV1?: JsonValue;
};

/** `apps/v1` → group `apps`, version `v1`; `v1` → group '', version `v1`. */
export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  if (slash < 0) return { group: '', version: apiVersion };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export function apiVersionOf(ref: Pick<ResourceRef, 'group' | 'version'>): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
}

/** The ref of an object; `namespace` overrides what the object says (a manifest may not say any). */
export function refOf(environment: string, object: KubeObject, namespace?: string): ResourceRef {
  const { group, version } = splitApiVersion(object.apiVersion);
  return {
    environment,
    group,
    version,
    kind: object.kind,
    namespace: namespace ?? object.metadata.namespace ?? '',
    name: object.metadata.name,
  };
}

/** Identity within one environment, without the version: the key of every index. */
export function resourceKey(
  ref: Pick<ResourceRef, 'group' | 'kind' | 'namespace' | 'name'>,
): string {
  return `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** `Deployment/shop/checkout`, as people and the demo's JSON read it; `_` stands for no namespace. */
export function formatResource(ref: Pick<ResourceRef, 'kind' | 'namespace' | 'name'>): string {
  return `${ref.kind}/${ref.namespace || '_'}/${ref.name}`;
}

/** `Deployment:shop:checkout`: DriftGuard's `resource_id`, the `:resourceId` of the REST routes. */
export function resourceId(ref: Pick<ResourceRef, 'kind' | 'namespace' | 'name'>): string {
  return `${ref.kind}:${ref.namespace}:${ref.name}`;
}
