import type { JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';
import { quantityToNumber } from './quantity.ts';
import type { KubeObject } from './resource-ref.ts';

/** List prices in US dollars per hour, near those of AWS m5 machines; the seed documents' formula. */
const CPU_CORE_HOUR_USD = 0.024;
const MEMORY_GIB_HOUR_USD = 0.006;
const HOURS_PER_MONTH = 24 * 30;
/** A DaemonSet's pods are counted on this many nodes, since the object does not say. */
const ASSUMED_NODES = 3;
const GIB = 2 ** 30;

/**
 * What a workload's requests cost per month in US dollars; limits stand in where requests are missing. Undefined for
 * objects without a pod template and for workloads that declare neither, or nothing readable.
 */
export function monthlyCostUsd(object: KubeObject): number | undefined {
  const { spec, kind } = object;
  if (!isJsonObject(spec)) return undefined;
  const pod = podSpecOf(kind, spec);
  const containers = pod?.['containers'];
  if (!Array.isArray(containers)) return undefined;
  let perPod: number | undefined;
  for (const container of containers) {
    const cost = containerCostUsd(container);
    if (cost !== undefined) perPod = (perPod ?? 0) + cost;
  }
  const count = replicasOf(kind, spec);
  return perPod === undefined || count === undefined ? undefined : perPod * count;
}

/** Live minus desired, per month in US dollars, to the tenth of a cent; undefined where either is unknown. */
export function monthlyCostDeltaUsd(desired: KubeObject, live: KubeObject): number | undefined {
  const planned = monthlyCostUsd(desired);
  const actual = monthlyCostUsd(live);
  if (planned === undefined || actual === undefined) return undefined;
  return Math.round((actual - planned) * 1000) / 1000;
}

function podSpecOf(kind: string, spec: JsonObject): JsonObject | undefined {
  if (kind === 'Pod') return spec;
  const job = kind === 'CronJob' ? fieldOf(fieldOf(spec, 'jobTemplate'), 'spec') : spec;
  return fieldOf(fieldOf(job, 'template'), 'spec');
}

function fieldOf(value: JsonObject | undefined, name: string): JsonObject | undefined {
  const field = value?.[name];
  return isJsonObject(field) ? field : undefined;
}

function replicasOf(kind: string, spec: JsonObject): number | undefined {
  if (kind === 'DaemonSet') return ASSUMED_NODES;
  const count = spec[kind === 'Job' ? 'parallelism' : 'replicas'] ?? 1;
  return typeof count === 'number' && Number.isFinite(count) ? count : undefined;
}

function containerCostUsd(container: unknown): number | undefined {
  const resources = isJsonObject(container) ? fieldOf(container, 'resources') : undefined;
  const cores = amountOf(resources, 'cpu');
  const bytes = amountOf(resources, 'memory');
  if (cores === undefined && bytes === undefined) return undefined;
  const hourly = (cores ?? 0) * CPU_CORE_HOUR_USD + ((bytes ?? 0) / GIB) * MEMORY_GIB_HOUR_USD;
  return hourly * HOURS_PER_MONTH;
}

function amountOf(resources: JsonObject | undefined, name: string): number | undefined {
  const requested = fieldOf(resources, 'requests')?.[name];
  return quantityToNumber(requested ?? fieldOf(resources, 'limits')?.[name]);
}
