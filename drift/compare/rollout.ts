import { isJsonObject, type JsonObject } from '../json.ts';
import type { KubeObject } from '../resource-ref.ts';

export type Rollout = 'finished' | 'progressing' | 'none';

/**
 * Whether the controller of a workload has caught up with its spec, by the rules that `kubectl rollout status` follows: the
 * generation was observed, all replicas are of the new template (as far as the update strategy replaces them by itself),
 * available, and no old ones are left. `none` for kinds whose controllers roll nothing out.
 */
export function rolloutOf(live: KubeObject): Rollout {
  if (!isWorkload(live)) return 'none';
  const { status, spec } = live;
  if (!isJsonObject(status) || !isJsonObject(spec)) return 'progressing';
  const observed = status['observedGeneration'];
  if (typeof observed !== 'number' || observed < (live.metadata.generation ?? 0)) {
    return 'progressing';
  }
  return isRolledOut(live.kind, spec, status) ? 'finished' : 'progressing';
}

function isRolledOut(kind: string, spec: JsonObject, status: JsonObject): boolean {
  const wanted = count(spec['replicas'], 1);
  const replicas = count(status['replicas'], 0);
  if (kind === 'Deployment') {
    const updated = count(status['updatedReplicas'], 0);
    const available = count(status['availableReplicas'], 0);
    return updated >= wanted && replicas <= updated && available >= updated;
  }
  const isManual = strategyOf(spec)['type'] === 'OnDelete';
  if (kind === 'StatefulSet') {
    const updated = isManual || count(status['updatedReplicas'], 0) >= wanted - partitionOf(spec);
    return updated && count(status['readyReplicas'], 0) >= wanted && replicas <= wanted;
  }
  const scheduled = count(status['desiredNumberScheduled'], 0);
  const updated = isManual || count(status['updatedNumberScheduled'], 0) >= scheduled;
  return updated && count(status['numberAvailable'], 0) >= scheduled;
}

function strategyOf(spec: JsonObject): JsonObject {
  const strategy = spec['updateStrategy'];
  return isJsonObject(strategy) ? strategy : {};
}

/** Pods of a StatefulSet with a lower ordinal keep the old template. */
function partitionOf(spec: JsonObject): number {
  const { rollingUpdate } = strategyOf(spec);
  return isJsonObject(rollingUpdate) ? count(rollingUpdate['partition'], 0) : 0;
}

function isWorkload(live: KubeObject): boolean {
  return ['Deployment', 'StatefulSet', 'DaemonSet'].includes(live.kind);
}

function count(value: unknown, absent: number): number {
  return typeof value === 'number' ? value : absent;
}
