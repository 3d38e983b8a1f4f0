import type { FieldChange } from '../field-change.ts';
import { isJsonObject, type JsonValue } from '../json.ts';
import { parseQuantity, quantityToNumber } from '../quantity.ts';
import type { KubeObject } from '../resource-ref.ts';

/** A PodDisruptionBudget that selects the pods of a workload. */
export type DisruptionBudget = {
  readonly name: string;
  /** Pods that must stay, as it says for the declared number of replicas. */
  readonly minAvailable: number;
};

/** What one container uses now, the most of all pods: cores and bytes; absent = not known. */
export type ContainerUsage = Readonly<Partial<Record<'cpu' | 'memory', number>>>;

/** By the name of the container. */
export type Usage = ReadonlyMap<string, ContainerUsage>;

/** More reasons than this are not read. */
const MAX_REASONS = 5;
const CONTAINER = /\.(?:containers|initContainers)\[name=([^\]]+)\]\.(.+)$/;
const PROBE = /^(readiness|liveness|startup)Probe(?:\.|$)/;
const AMOUNT = /^resources\.(limits|requests)(?:\.(cpu|memory))?$/;
const RUNS_PODS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Pod']);
const MISSED: Readonly<Record<string, string>> = {
  PodDisruptionBudget: 'nothing limits how many pods a drain takes away',
  Service: 'clients no longer find the pods',
  Ingress: 'requests from outside no longer arrive',
  HorizontalPodAutoscaler: 'nothing scales the workload under load',
};

/** What is known of the cluster around an object; what is not known is left out. */
export type Surroundings = {
  readonly budgets?: readonly DisruptionBudget[];
  readonly usage?: Usage;
};

/**
 * What a difference may cost in availability, by rules that anyone can check: a clause for each reason, the worst first; none where
 * no rule knows of one. Changes of desired that wait to be applied are left out, since what runs is as it was.
 */
export function availabilityRisks(
  kind: string,
  changes: readonly FieldChange[],
  live?: KubeObject,
  { budgets = [], usage = new Map() }: Surroundings = {},
): readonly string[] {
  const made = changes.filter((one) => one.op !== 'pending');
  const reasons = [
    ...made.flatMap((one) => ofWhole(kind, one)),
    ...made.flatMap((one) => ofReplicas(one, budgets)),
    ...made.flatMap((one) => ofContainer(one, live, usage)),
    ...made.flatMap((one) => ofField(kind, one)),
  ];
  return [...new Set(reasons)].slice(0, MAX_REASONS);
}

/** `availability risk: 1 of 2 replicas`; undefined where no rule knows of one. */
export function describeRisks(risks: readonly string[]): string | undefined {
  return risks.length === 0 ? undefined : `availability risk: ${risks.join('; ')}`;
}

/** Whether pods were taken away, so that it is worth asking for the budgets that speak of them. */
export function losesReplicas(changes: readonly FieldChange[]): boolean {
  return changes.some((one) => one.path === 'spec.replicas' && isLess(one.live, one.desired));
}

/** Whether containers may get less than before, so that it is worth asking what they use. */
export function lowersLimits(changes: readonly FieldChange[]): boolean {
  return changes.some((one) => {
    const [, name = '', field = ''] = CONTAINER.exec(one.path) ?? [];
    return name !== '' && field.startsWith('resources.limits') && one.op !== 'pending';
  });
}

function ofWhole(kind: string, { path, op }: FieldChange): readonly string[] {
  if (path !== '' || op !== 'object-missing') return [];
  if (RUNS_PODS.has(kind)) return ['it is missing, so none of its pods runs'];
  const missed = MISSED[kind];
  return missed === undefined ? [] : [missed];
}

function ofReplicas(
  { path, desired, live }: FieldChange,
  budgets: readonly DisruptionBudget[],
): readonly string[] {
  if (path !== 'spec.replicas' || typeof live !== 'number' || typeof desired !== 'number')
    return [];
  if (live >= desired) return [];
  const below = budgets.filter((one) => live <= one.minAvailable && one.minAvailable > 0);
  return [
    live === 0 ? `no replica runs, ${desired} are declared` : `${live} of ${desired} replicas`,
    ...below.map((one) =>
      live < one.minAvailable
        ? `below the disruption budget ${one.name}, which wants ${one.minAvailable}`
        : `the disruption budget ${one.name} lets no pod go, so drains block`,
    ),
  ];
}

function ofContainer(
  change: FieldChange,
  live: KubeObject | undefined,
  usage: Usage,
): readonly string[] {
  const [, name = '', field = ''] = CONTAINER.exec(change.path) ?? [];
  if (name === '') return [];
  if (change.op === 'removed' && isProbeGone(field, name, live)) {
    return [`the ${PROBE.exec(field)?.[1]} probe of ${name} is removed`];
  }
  if (field === 'image') return ofImage(name, change);
  if (field === 'lifecycle' || field.startsWith('lifecycle.preStop')) {
    return change.op === 'removed' ? [`${name} no longer shuts down as declared`] : [];
  }
  return ofAmounts(name, field, change, usage.get(name) ?? {});
}

/** A probe that only lost a setting is still there. */
function isProbeGone(field: string, container: string, live: KubeObject | undefined): boolean {
  const probe = PROBE.exec(field)?.[1];
  if (probe === undefined) return false;
  return findContainer(live, container)?.[`${probe}Probe`] === undefined;
}

function findContainer(live: KubeObject | undefined, name: string) {
  const spec = live?.['spec'];
  const template = isJsonObject(spec) ? (spec['template'] ?? live) : undefined;
  const pod = isJsonObject(template) ? template['spec'] : undefined;
  const containers = isJsonObject(pod) ? pod['containers'] : undefined;
  const found = Array.isArray(containers)
    ? containers.find((one) => isJsonObject(one) && one['name'] === name)
    : undefined;
  return isJsonObject(found) ? found : undefined;
}

function ofImage(name: string, { live }: FieldChange): readonly string[] {
  if (typeof live !== 'string' || live.includes('@')) return [];
  const tag = /:([^/:]+)$/.exec(live)?.[1];
  if (tag !== undefined && tag !== 'latest') return [];
  return [`${name} runs whatever "latest" is when a pod starts`];
}

function ofAmounts(
  name: string,
  field: string,
  change: FieldChange,
  used: ContainerUsage,
): readonly string[] {
  const [, bound, one] = AMOUNT.exec(field) ?? [];
  if (bound === undefined || change.redacted) return [];
  const resources = (['cpu', 'memory'] as const).filter(
    (each) => one === undefined || each === one,
  );
  return resources.flatMap((resource) => {
    const desired = amountAt(change.desired, one, resource);
    const live = amountAt(change.live, one, resource);
    if (!isLowered(desired, live, bound)) return [];
    const was = desired === undefined ? 'none' : String(desired);
    const under = bound === 'limits' ? underUsage(resource, live, used[resource]) : '';
    return [
      `the ${resource} ${bound.slice(0, -1)} of ${name} is lowered, ${was} → ${live}${under}`,
    ];
  });
}

/** Beyond its memory limit a container is killed, beyond its share of the processor it is slowed down. */
function underUsage(resource: 'cpu' | 'memory', limit: unknown, used: number | undefined): string {
  const allowed = quantityToNumber(limit);
  if (used === undefined || allowed === undefined || used <= allowed) return '';
  return resource === 'memory'
    ? `, less than the ${Math.round(used / MIB)}Mi that a pod uses now`
    : `, less than the ${Math.round(used * 1_000)}m that a pod uses now`;
}

const MIB = 2 ** 20;

function amountAt(value: JsonValue | undefined, leaf: string | undefined, resource: string) {
  if (leaf !== undefined) return value;
  return isJsonObject(value) ? value[resource] : undefined;
}

/** A limit where none is declared takes something away, too; a request does not. */
function isLowered(desired: unknown, live: unknown, bound: string): boolean {
  const now = parseQuantity(live);
  if (now === undefined) return false;
  if (desired === undefined) return bound === 'limits';
  const planned = parseQuantity(desired);
  return planned !== undefined && now < planned;
}

function ofField(kind: string, change: FieldChange): readonly string[] {
  const { path, op, desired, live } = change;
  const isGone = op === 'removed';
  if (/\.maxUnavailable$/.test(path) && isLess(desired ?? 0, live)) {
    return [`more pods may be away at once, ${show(desired)} → ${show(live)}`];
  }
  switch (path) {
    case 'spec.strategy.type':
      return live === 'Recreate' ? ['a rollout stops every pod before it starts new ones'] : [];
    case 'spec.minAvailable':
      return isGone || isLess(live, desired)
        ? [`fewer pods must stay, ${show(desired)} → ${show(live)}`]
        : [];
    case 'spec.minReplicas':
      return isLess(live, desired) ? [`it may scale down to ${show(live)}`] : [];
    case 'spec.maxReplicas':
      return isLess(live, desired) ? [`it scales up to ${show(live)} at most`] : [];
    case 'spec.paused':
      return live === true ? ['rollouts are paused'] : [];
    case 'spec.suspend':
      return live === true ? ['it is suspended and starts no jobs'] : [];
    default:
      return ofPlacement(kind, path, isGone);
  }
}

function ofPlacement(kind: string, path: string, isGone: boolean): readonly string[] {
  if (kind === 'Service' && path.startsWith('spec.selector')) {
    return ['the service selects other pods'];
  }
  if (kind === 'Service' && isGone && path.startsWith('spec.ports')) {
    return ['the service no longer offers a port'];
  }
  const spreads = /\.(?:affinity\.podAntiAffinity|topologySpreadConstraints)/;
  return isGone && spreads.test(path) ? ['its pods may all run on one node'] : [];
}

/** Of two counts or two percentages; a count and a percentage cannot be compared. */
function isLess(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  const [one, other] = [percentOf(left), percentOf(right)];
  return one !== undefined && other !== undefined && one < other;
}

function percentOf(value: JsonValue | undefined): number | undefined {
  if (value === 0) return 0;
  const digits = typeof value === 'string' ? /^(\d{1,3})%$/.exec(value)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

function show(value: JsonValue | undefined): string {
  return value === undefined ? 'none' : String(value);
}
