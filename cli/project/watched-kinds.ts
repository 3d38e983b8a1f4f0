import type { ConfigHub, Unit } from '../../clients/confighub/index.ts';
import type { KubernetesClient } from '../../clients/kubernetes/index.ts';
import { parseManifests } from '../../desired/manifests.ts';

/** Whether a Realign that watches `resources` can see anything of a unit. True where that cannot be told. */
export type MayBeWatched = (unit: Unit) => Promise<boolean>;

type Options = {
  readonly hub: Pick<ConfigHub, 'readData'>;
  /** As the configuration has them: plurals, short names or `apps/v1/Deployment`, which only the API server can read. */
  readonly resources: readonly string[];
  readonly cluster: () => Promise<KubernetesClient>;
};

export async function watchedKinds({ hub, resources, cluster }: Options): Promise<MayBeWatched> {
  const kinds = await kindsOf(resources, cluster);
  return async (unit) => {
    if (!kinds) return true;
    try {
      const objects = parseManifests(await hub.readData(unit), unit.slug);
      return objects.some(({ apiVersion, kind }) => kinds.has(kindKey(groupOf(apiVersion), kind)));
    } catch {
      return true;
    }
  };
}

async function kindsOf(
  resources: readonly string[],
  open: () => Promise<KubernetesClient>,
): Promise<ReadonlySet<string> | undefined> {
  let cluster: KubernetesClient | undefined;
  try {
    cluster = await open();
    const discovery = await cluster.discover();
    return new Set(
      resources.map((name) => {
        const { group, kind } = discovery.resolve(name);
        return kindKey(group, kind);
      }),
    );
  } catch {
    // Without the API server nobody knows what a name means.
    return undefined;
  } finally {
    cluster?.close();
  }
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

function kindKey(group: string, kind: string): string {
  return `${group}/${kind}`;
}
