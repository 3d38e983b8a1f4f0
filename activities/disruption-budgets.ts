import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import type { DisruptionBudget } from '../drift/advice/availability-risk.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../drift/json.ts';
import type { KubeObject } from '../drift/resource-ref.ts';

/** A namespace with more budgets than this has them for one workload each. */
const MAX_BUDGETS = 200;
/** It adds a line to a message: a slow API server must not hold up the drift for it. */
const LOOK_TIMEOUT_MS = 2_000;

/** Budgets that select the pods of a workload; none where they cannot be read, since nothing is decided by them. */
export async function budgetsOf(
  cluster: Pick<KubernetesClient, 'discover' | 'list'>,
  workload: KubeObject,
  replicas: number,
): Promise<readonly DisruptionBudget[]> {
  const { namespace } = workload.metadata;
  const labels = podLabelsOf(workload);
  if (namespace === undefined || labels === undefined) return [];
  const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
  try {
    const kind = { group: 'policy', version: 'v1', kind: 'PodDisruptionBudget' };
    const resource = (await cluster.discover({ signal })).find(kind);
    if (!resource) return [];
    const { items } = await cluster.list(resource, { namespace, limit: MAX_BUDGETS, signal });
    return items.flatMap((one) => readBudget(one, labels, replicas));
  } catch {
    return [];
  }
}

function podLabelsOf({ spec }: KubeObject): JsonObject | undefined {
  const template = isJsonObject(spec) ? spec['template'] : undefined;
  const metadata = isJsonObject(template) ? template['metadata'] : undefined;
  const labels = isJsonObject(metadata) ? metadata['labels'] : undefined;
  return isJsonObject(labels) ? labels : undefined;
}

function readBudget(
  { metadata, spec }: KubeObject,
  labels: JsonObject,
  replicas: number,
): readonly DisruptionBudget[] {
  if (!isJsonObject(spec) || !selects(spec['selector'], labels)) return [];
  const minimum = countOf(spec['minAvailable'], replicas);
  const spared = countOf(spec['maxUnavailable'], replicas);
  const minAvailable = minimum ?? (spared === undefined ? undefined : replicas - spared);
  return minAvailable === undefined ? [] : [{ name: metadata.name, minAvailable }];
}

/** By `matchLabels`; a budget that selects by expressions as well is not guessed at. */
function selects(selector: JsonValue | undefined, labels: JsonObject): boolean {
  if (!isJsonObject(selector) || selector['matchExpressions'] !== undefined) return false;
  const wanted = selector['matchLabels'];
  if (!isJsonObject(wanted)) return false;
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Percentages are rounded up, as the disruption controller does. */
function countOf(value: JsonValue | undefined, replicas: number): number | undefined {
  if (typeof value === 'number') return value;
  const percent = typeof value === 'string' ? /^(\d{1,3})%$/.exec(value)?.[1] : undefined;
  return percent === undefined ? undefined : Math.ceil((Number(percent) * replicas) / 100);
}
