import type { KubeRequests } from './kube-request.ts';

const DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

type Discovery = {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly scope: string;
        readonly verbs: readonly string[];
      }[];
    }[];
  }[];
};

/**
 * Does what the namespace controller does after `kubectl delete namespace`: deletes everything in it, then takes the
 * finaliser off. An object with a finaliser of its own outlives its namespace here.
 */
export async function finaliseNamespace(requests: KubeRequests, name: string): Promise<void> {
  const collections = await namespacedCollections(requests, name);
  await Promise.all(
    collections.map((path) => requests.send('DELETE', path, { propagationPolicy: 'Background' })),
  );
  const found = await requests.get(`/api/v1/namespaces/${name}`);
  if (found.status !== 200) return;
  const namespace = found.body as { spec: object };
  await requests.send('PUT', `/api/v1/namespaces/${name}/finalize`, {
    ...namespace,
    spec: { ...namespace.spec, finalizers: [] },
  });
}

/** The path of every kind of object that can be deleted in the namespace, each in its preferred version. */
async function namespacedCollections(requests: KubeRequests, namespace: string): Promise<string[]> {
  const [core, groups] = await Promise.all([
    requests.get('/api', DISCOVERY),
    requests.get('/apis', DISCOVERY),
  ]);
  const paths: string[] = [];
  for (const { metadata, versions } of [...items(core.body), ...items(groups.body)]) {
    const preferred = versions[0];
    if (preferred === undefined) continue;
    const group = metadata?.name ?? '';
    const root = group === '' ? `/api/${preferred.version}` : `/apis/${group}/${preferred.version}`;
    for (const { resource, scope, verbs } of preferred.resources ?? []) {
      if (scope === 'Namespaced' && verbs.includes('deletecollection')) {
        paths.push(`${root}/namespaces/${namespace}/${resource}`);
      }
    }
  }
  return paths;
}

function items(body: unknown): Discovery['items'] {
  return (body as Discovery).items;
}
