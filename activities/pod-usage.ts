import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import type { ContainerUsage, Usage } from '../drift/advice/availability-risk.ts';
import { isJsonObject, type JsonObject } from '../drift/json.ts';
import { quantityToNumber } from '../drift/quantity.ts';
import type { KubeObject } from '../drift/resource-ref.ts';

/** Of a namespace; pods beyond these are like those that were looked at. */
const MAX_PODS = 500;
/** It adds a few words to a message: a slow metrics server must not hold up the drift for them. */
const LOOK_TIMEOUT_MS = 2_000;
const POD_METRICS = { group: 'metrics.k8s.io', version: 'v1beta1', kind: 'PodMetrics' };

/**
 * What the containers of a workload use now, by the cluster's metrics server: of each the most that one pod uses. Empty where there is
 * no such server, where it may not be asked, and where it does not answer: nothing is decided by it.
 */
export async function usageOf(
  cluster: Pick<KubernetesClient, 'discover' | 'list'>,
  { metadata: { namespace }, spec }: KubeObject,
): Promise<Usage> {
  const labels = matchLabelsOf(spec);
  if (namespace === undefined || labels.length === 0) return new Map();
  const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
  try {
    const resource = (await cluster.discover({ signal })).find(POD_METRICS);
    if (!resource) return new Map();
    const labelSelector = labels.join(',');
    const asked = { namespace, labelSelector, limit: MAX_PODS, signal };
    const { items } = await cluster.list(resource, asked);
    const most = new Map<string, ContainerUsage>();
    for (const pod of items.slice(0, MAX_PODS)) {
      for (const [name, used] of containersOf(pod)) most.set(name, larger(most.get(name), used));
    }
    return most;
  } catch {
    return new Map();
  }
}

/** Each as a selector writes it. */
function matchLabelsOf(spec: unknown): readonly string[] {
  const selector = isJsonObject(spec) ? spec['selector'] : undefined;
  const labels = isJsonObject(selector) ? selector['matchLabels'] : undefined;
  return Object.entries(isJsonObject(labels) ? labels : {}).map(
    ([name, value]) => `${name}=${value}`,
  );
}

function containersOf(pod: KubeObject): readonly (readonly [string, ContainerUsage])[] {
  const { containers } = pod;
  if (!Array.isArray(containers)) return [];
  return containers.flatMap((one) => {
    if (!isJsonObject(one) || typeof one['name'] !== 'string') return [];
    return [[one['name'], isJsonObject(one['usage']) ? usedBy(one['usage']) : {}] as const];
  });
}

function usedBy(usage: JsonObject): ContainerUsage {
  const [cpu, memory] = [quantityToNumber(usage['cpu']), quantityToNumber(usage['memory'])];
  return { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
}

function larger(one: ContainerUsage = {}, other: ContainerUsage): ContainerUsage {
  const most = (resource: 'cpu' | 'memory') => {
    const known = [one[resource], other[resource]].filter((used) => used !== undefined);
    return known.length === 0 ? {} : { [resource]: Math.max(...known) };
  };
  return { ...most('cpu'), ...most('memory') };
}
