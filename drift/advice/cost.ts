import type { JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { quantityToNumber } from '../quantity.ts';
import type { KubeObject } from '../resource-ref.ts';
import type { CostPrices } from './cost-prices.ts';

/** What resources cost where the cluster runs. */
export type CostRates = {
  readonly prices: CostPrices;
  /** On how many nodes a DaemonSet runs whose status does not say. */
  readonly nodes?: number;
};

/** The seed documents' month. */
const HOURS_PER_MONTH = 24 * 30;
const GIB = 2 ** 30;
/** Beyond this an amount is a mistake or an attack: JavaScript could not add it up. */
const MAX_USD = 1e12;

/** Cores, bytes of memory and bytes of storage that one pod keeps for itself. */
type Footprint = { readonly cores: number; readonly memory: number; readonly storage: number };

/**
 * What a workload's requests cost per month in US dollars, and the volumes that it claims; limits stand in where requests are
 * missing. Undefined for objects that claim nothing, and wherever an amount or a count is unknown or unreadable: no number
 * is made up.
 */
export function monthlyCostUsd(object: KubeObject, rates: CostRates): number | undefined {
  const { spec, kind } = object;
  if (!isJsonObject(spec)) return undefined;
  const footprint = kind === 'PersistentVolumeClaim' ? claimOf(spec) : podFootprint(kind, spec);
  const count = replicasOf(object, spec, rates);
  if (footprint === undefined || count === undefined) return undefined;
  const { cpuCoreHour, memoryGibHour, storageGibMonth } = rates.prices;
  const hourly = footprint.cores * cpuCoreHour + (footprint.memory / GIB) * memoryGibHour;
  const each = hourly * HOURS_PER_MONTH + (footprint.storage / GIB) * storageGibMonth;
  const usd = each * count;
  return usd >= 0 && usd <= MAX_USD ? usd : undefined;
}

/** Live minus desired, per month in US dollars, to the tenth of a cent; undefined where either is unknown. */
export function monthlyCostDeltaUsd(
  desired: KubeObject,
  live: KubeObject,
  rates: CostRates,
): number | undefined {
  const onNodes = withNodes(live, rates);
  const planned = monthlyCostUsd(withLiveReplicas(desired, live), onNodes);
  const actual = monthlyCostUsd(live, onNodes);
  if (planned === undefined || actual === undefined) return undefined;
  const thousandths = Math.round((actual - planned) * 1000);
  return thousandths === 0 ? 0 : thousandths / 1000;
}

/** `+$3.996/month`; the sign of live against desired. */
export function formatCostDelta(usd: number): string {
  const digits = Math.abs(usd).toFixed(3).replace(/0$/, '');
  return `${usd < 0 ? '−' : '+'}$${digits}/month`;
}

/** Where desired leaves the count to somebody else, such as an autoscaler, the difference costs nothing. */
function withLiveReplicas(desired: KubeObject, live: KubeObject): KubeObject {
  const field = countFieldOf(desired.kind);
  const { spec } = desired;
  if (!isJsonObject(spec) || !isJsonObject(live['spec']) || field in spec) return desired;
  const count = live['spec'][field];
  return count === undefined ? desired : { ...desired, spec: { ...spec, [field]: count } };
}

/** Both sides of a DaemonSet run on the nodes that the live one is scheduled to. */
function withNodes(live: KubeObject, rates: CostRates): CostRates {
  const { status } = live;
  const nodes = isJsonObject(status) ? status['desiredNumberScheduled'] : undefined;
  return isCount(nodes) ? { ...rates, nodes } : rates;
}

function podFootprint(kind: string, spec: JsonObject): Footprint | undefined {
  const pod = podSpecOf(kind, spec);
  const containers = pod?.['containers'];
  if (!Array.isArray(containers)) return undefined;
  const inits = Array.isArray(pod?.['initContainers']) ? pod['initContainers'] : [];
  const sidecars = inits.filter((one) => isJsonObject(one) && one['restartPolicy'] === 'Always');
  const amounts = [...containers, ...sidecars].flatMap((one) => [
    { kind: 'cores', amount: amountOf(one, 'cpu') },
    { kind: 'memory', amount: amountOf(one, 'memory') },
  ]);
  if (amounts.some(({ amount }) => amount === 'unreadable')) return undefined;
  if (amounts.every(({ amount }) => amount === undefined)) return undefined;
  const sum = (wanted: string) =>
    amounts.reduce(
      (total, one) =>
        total + (one.kind === wanted && typeof one.amount === 'number' ? one.amount : 0),
      0,
    );
  const storage = templatesStorage(spec);
  return storage === undefined
    ? undefined
    : { cores: sum('cores'), memory: sum('memory'), storage };
}

/** Volumes that a StatefulSet claims for each pod; undefined where the size of one cannot be read. */
function templatesStorage(spec: JsonObject): number | undefined {
  const templates = spec['volumeClaimTemplates'];
  if (!Array.isArray(templates)) return 0;
  let bytes = 0;
  for (const template of templates) {
    const claim = isJsonObject(template) ? fieldOf(template, 'spec') : undefined;
    const claimed = claim && claimOf(claim);
    if (!claimed) return undefined;
    bytes += claimed.storage;
  }
  return bytes;
}

function claimOf(spec: JsonObject): Footprint | undefined {
  const storage = quantityOf(fieldOf(fieldOf(spec, 'resources'), 'requests')?.['storage']);
  return typeof storage === 'number' ? { cores: 0, memory: 0, storage } : undefined;
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

function countFieldOf(kind: string): string {
  return kind === 'Job' ? 'parallelism' : 'replicas';
}

function replicasOf(
  { kind }: KubeObject,
  spec: JsonObject,
  { nodes }: CostRates,
): number | undefined {
  if (kind === 'DaemonSet') return nodes;
  const count = spec[countFieldOf(kind)] ?? 1;
  return isCount(count) ? count : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function amountOf(container: unknown, name: string): number | 'unreadable' | undefined {
  const resources = isJsonObject(container) ? fieldOf(container, 'resources') : undefined;
  const requested = fieldOf(resources, 'requests')?.[name];
  return quantityOf(requested ?? fieldOf(resources, 'limits')?.[name]);
}

function quantityOf(value: unknown): number | 'unreadable' | undefined {
  if (value === undefined || value === null) return undefined;
  const amount = quantityToNumber(value);
  return amount !== undefined && isCount(amount) ? amount : 'unreadable';
}
