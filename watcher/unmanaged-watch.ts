import { setImmediate as breathe } from 'node:timers/promises';
import { type KubeObject, type ResourceRef, refOf, resourceKey } from '../drift/resource-ref.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { ClusterWatch, ObjectKey } from './cluster-watch.ts';
import type { Verdict } from './types.ts';

/** Live objects that nobody declares, where the configuration asks for them (`unmanaged: report`). */
export type UnmanagedWatch = {
  /** Looks at every live object: after desired state changed, here or in an environment beside this one. */
  scan(): Promise<void>;
  /** One object came, changed or went; true if it is none of desired state's. */
  onChange(key: ObjectKey, live: KubeObject | undefined): void;
  /** The present verdict of a resource; undefined where there is none, or it cannot be told. */
  judge(ref: ResourceRef): Verdict | undefined;
};

export type UnmanagedWatchDeps = {
  readonly environment: string;
  readonly cluster: Pick<ClusterWatch, 'get' | 'keys'>;
  /** Whether a unit of any environment of the cluster declares it; undefined while one of them cannot be read. */
  readonly isDeclared: (key: string) => boolean | undefined;
  /** Undefined for what the cluster makes for itself. */
  readonly judgeUnmanaged: (live: KubeObject) => Verdict | undefined;
  /** Takes a verdict as the present one. */
  readonly settle: (ref: ResourceRef, verdict: Verdict | undefined) => void;
  readonly log: Log;
};

const OBJECTS_PER_TURN = 200;
/** More than people look through one by one: then the environment is not managed, and one warning says so. */
const MAX_UNMANAGED = 1_000;

export function createUnmanagedWatch(deps: UnmanagedWatchDeps): UnmanagedWatch {
  const { environment, cluster, isDeclared, judgeUnmanaged, settle, log } = deps;
  const known = new Map<string, ResourceRef>();
  let isFull = false;

  const verdictOf = (live: KubeObject): Verdict | undefined => {
    try {
      return judgeUnmanaged(live);
    } catch (cause) {
      log.error(
        { name: live.metadata.name, reason: fromUnknown(cause).message },
        'cannot be judged',
      );
      return undefined;
    }
  };

  const forget = (key: string): void => {
    const ref = known.get(key);
    known.delete(key);
    if (ref !== undefined && isDeclared(key) !== true) settle(ref, undefined);
  };

  const report = (key: string, live: KubeObject): void => {
    const verdict = verdictOf(live);
    if (verdict === undefined) {
      forget(key);
      return;
    }
    if (!known.has(key) && known.size >= MAX_UNMANAGED) {
      if (!isFull)
        log.warn({ limit: MAX_UNMANAGED }, 'more objects are unmanaged than are reported');
      isFull = true;
      return;
    }
    const ref = refOf(environment, live);
    known.set(key, ref);
    settle(ref, verdict);
  };

  const look = (at: ObjectKey, read: () => KubeObject | undefined): void => {
    // Cluster-scoped objects belong to no environment's namespaces.
    if (at.namespace === '') return;
    const key = resourceKey(at);
    const declared = isDeclared(key);
    if (declared === undefined) return;
    const live = declared ? undefined : read();
    if (live === undefined) forget(key);
    else report(key, live);
  };

  return {
    async scan() {
      let inTurn = 0;
      for (const key of cluster.keys()) {
        if (!known.has(resourceKey(key)) || isDeclared(resourceKey(key)) === true) {
          look(key, () => cluster.get(key));
        }
        if (++inTurn % OBJECTS_PER_TURN === 0) await breathe();
      }
    },
    onChange: (key, live) => look(key, () => live),
    judge(ref) {
      if (isDeclared(resourceKey(ref)) !== false || ref.namespace === '') return undefined;
      const live = cluster.get(ref);
      return live && verdictOf(live);
    },
  };
}
