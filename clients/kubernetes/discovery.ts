import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import { didYouMean } from '../../lib/nearest-name.ts';

/** One kind that the API server serves, at one version. */
export type ApiResource = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
};

export type Discovery = {
  /** Best version first within a group, the core group first. */
  readonly resources: readonly ApiResource[];
  /**
   * By plural, singular, short name or kind (`deployments`, `deployments.apps`), or `group/version/Kind` (`apps/v1/Deployment`,
   * `v1/ConfigMap`). Throws NOT_FOUND naming the nearest name.
   */
  resolve(name: string): ApiResource;
  /** The version that the ref names if it is served, else the best one of its kind; undefined if the kind is not served. */
  find(ref: KindRef): ApiResource | undefined;
  /** As `find`; throws NOT_FOUND if the kind is not served. */
  resolveKind(ref: KindRef): ApiResource;
};

export type KindRef = { readonly group: string; readonly version: string; readonly kind: string };

const aggregatedResource = z.object({
  resource: z.string(),
  responseKind: z.object({ group: z.string(), version: z.string(), kind: z.string() }),
  scope: z.string(),
  singularResource: z.string().default(''),
  shortNames: z.array(z.string()).default([]),
  verbs: z.array(z.string()).default([]),
  subresources: z.array(z.object({ subresource: z.string() })).default([]),
});

/** `APIGroupDiscoveryList` of apidiscovery.k8s.io/v2 (Kubernetes 1.30 and later; v2beta1 from 1.27 has the same fields). */
export const groupDiscoveryList = z.object({
  kind: z.literal('APIGroupDiscoveryList'),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default('') }).default({ name: '' }),
      versions: z.array(
        z.object({ version: z.string(), resources: z.array(aggregatedResource).default([]) }),
      ),
    }),
  ),
});
export type GroupDiscoveryList = z.infer<typeof groupDiscoveryList>;

/** Every served kind of the answers of `/api` and `/apis`, in the server's order of preference. */
export function readGroups(lists: readonly GroupDiscoveryList[]): readonly ApiResource[] {
  const resources: ApiResource[] = [];
  for (const group of lists.flatMap((list) => list.items)) {
    for (const { version, resources: served } of group.versions) {
      for (const one of served) {
        resources.push({
          group: group.metadata.name,
          version,
          kind: one.responseKind.kind,
          plural: one.resource,
          singular: one.singularResource || one.responseKind.kind.toLowerCase(),
          shortNames: one.shortNames,
          namespaced: one.scope === 'Namespaced',
          verbs: one.verbs,
          subresources: one.subresources.map((sub) => sub.subresource),
        });
      }
    }
  }
  return resources;
}

export function createDiscovery(resources: readonly ApiResource[]): Discovery {
  const byName = new Map<string, ApiResource>();
  const byKind = new Map<string, ApiResource>();
  const remember = (index: Map<string, ApiResource>, key: string, resource: ApiResource): void => {
    // The first one wins: the server lists its preferred version first.
    if (!index.has(key)) index.set(key, resource);
  };
  for (const resource of resources) {
    const { group, version, kind, plural } = resource;
    remember(byKind, `${group}/${kind}`, resource);
    remember(byKind, `${group}/${version}/${kind}`, resource);
    const exact = group === '' ? `${version}/${kind}` : `${group}/${version}/${kind}`;
    remember(byName, exact.toLowerCase(), resource);
    if (group !== '') remember(byName, `${plural}.${group}`, resource);
    for (const name of [plural, resource.singular, kind.toLowerCase(), ...resource.shortNames]) {
      remember(byName, name, resource);
    }
  }
  const find = ({ group, version, kind }: KindRef): ApiResource | undefined =>
    byKind.get(`${group}/${version}/${kind}`) ?? byKind.get(`${group}/${kind}`);
  return {
    resources,
    find,
    resolveKind: (ref) => find(ref) ?? unserved(ref),
    resolve(name) {
      const found = byName.get(name.trim().toLowerCase());
      if (found !== undefined) return found;
      const hint = didYouMean(name, [...byName.keys()]);
      throw new AppError('NOT_FOUND', `the API server serves no resource named "${name}"${hint}`);
    },
  };
}

function unserved({ group, version, kind }: KindRef): never {
  const name = [group, version, kind].filter((part) => part !== '').join('/');
  throw new AppError('NOT_FOUND', `the API server does not serve ${name}`, {
    details: { reason: 'UnservedKind' },
  });
}
