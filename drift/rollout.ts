import { isJsonObject } from './json.ts';
import type { KubeObject } from './resource-ref.ts';

export type Rollout = 'finished' | 'progressing' | 'none';

/**
 * Whether the controller of a workload has caught up with its spec, by the rules that `kubectl rollout status` follows: the
 * generation was observed, all replicas are of the new template, available, and no old ones are left. `none` for kinds whose
 * controllers report no `observedGeneration`.
 */
export function rolloutOf(live: KubeObject): Rollout {
  const { status, spec } = live;
  if (!isJsonObject(status) || !isJsonObject(spec)) return 'none';
  const observed = status['observedGeneration'];
  if (typeof observed !== 'number') return isWorkload(live) ? 'progressing' : 'none';
  if (observed < (live.metadata.generation ?? 0)) return 'progressing';
  switch (live.kind) {
    case 'Deployment': {
      const wanted = count(spec['replicas'], 1);
      const updated = count(status['updatedReplicas'], 0);
      const done =
        updated >= wanted &&
        count(status['replicas'], 0) <= updated &&
        count(status['availableReplicas'], 0) >= updated;
      return done ? 'finished' : 'progressing';
    }
    case 'StatefulSet': {
      const wanted = count(spec['replicas'], 1);
      const done =
        count(status['readyReplicas'], 0) >= wanted && count(status['replicas'], 0) <= wanted;
      return done ? 'finished' : 'progressing';
    }
    case 'DaemonSet': {
      const wanted = count(status['desiredNumberScheduled'], 0);
      const done =
        count(status['updatedNumberScheduled'], 0) >= wanted &&
        count(status['numberAvailable'], 0) >= wanted;
      return done ? 'finished' : 'progressing';
    }
    default:
      return 'none';
  }
}

function isWorkload(live: KubeObject): boolean {
  return ['Deployment', 'StatefulSet', 'DaemonSet'].includes(live.kind);
}

function count(value: unknown, absent: number): number {
  return typeof value === 'number' ? value : absent;
}
