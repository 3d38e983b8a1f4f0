import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { rolloutOf } from '../drift/compare/rollout.ts';
import { type KubeObject, refOf, splitApiVersion } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { HubError } from './hub-error.ts';
import { liveStateOf, objectsOf } from './manifests.ts';
import { overlayLive } from './overlay-live.ts';
import type { InventoryItem } from './unit-row.ts';

export type Task = {
  readonly action: string;
  readonly data: string;
  /** For namespaced objects that name none. */
  readonly namespace: string;
  /** Go duration of the target; how long an apply waits for controllers. */
  readonly waitTimeout: string | undefined;
  readonly inventory: readonly InventoryItem[];
  /** Objects that another unit applies too must not be pruned. */
  isShared(item: InventoryItem): Promise<boolean>;
  readonly signal: AbortSignal;
};

export type Outcome = {
  readonly completed: boolean;
  /** ConfigHub's `Result`, e.g. `ApplyCompleted`. */
  readonly result: string;
  readonly message: string;
  readonly inventory: readonly InventoryItem[];
  readonly liveState?: string;
  /** Refresh only: the unit's data with the cluster's values, where they differ. */
  readonly driftedData?: string;
};

/** Where units are applied to. `perform` never rejects: failures are outcomes. */
export type Cluster = { perform(task: Task): Promise<Outcome> };

const FIELD_MANAGER = 'confighub';
const DEFAULT_WAIT_MS = 120_000;
const MAX_WAIT_MS = 600_000;
const POLL_MIN_MS = 20;
const POLL_MAX_MS = 1_000;
// Without a controller a workload never gets a status; so long is waited for a first sign of one.
const NO_CONTROLLER_MS = 5_000;

/** Without a cluster: every action completes, and what is live is what was applied. */
export function createNoCluster(): Cluster {
  return {
    perform: async ({ action, data, inventory }) => {
      if (action === 'Refresh') {
        return { completed: true, result: 'RefreshAndNoDrift', message: '', inventory };
      }
      const liveState = action === 'Destroy' ? '' : data;
      return {
        completed: true,
        result: `${action}Completed`,
        message: 'no cluster connected',
        inventory: [],
        liveState,
      };
    },
  };
}

/** Applies as ConfigHub's Kubernetes worker does: forced server-side apply under the field manager `confighub`. */
export function createCluster(kubernetes: KubernetesClient): Cluster {
  return {
    perform: async (task) => {
      try {
        switch (task.action) {
          case 'Apply':
            return await apply(kubernetes, task);
          case 'Destroy':
            return await destroy(kubernetes, task);
          default:
            return await refresh(kubernetes, task);
        }
      } catch (error) {
        return {
          completed: false,
          result: `${task.action}Failed`,
          message: messageOf(error),
          inventory: task.inventory,
        };
      }
    },
  };
}

async function apply(kubernetes: KubernetesClient, task: Task): Promise<Outcome> {
  const objects = await placed(kubernetes, objectsOf(task.data), task);
  const wanted = objects.map(itemOf);
  // Should this stop half-way, everything that may have been written is still known for pruning.
  const everything = [
    ...wanted,
    ...task.inventory.filter((old) => !wanted.some((one) => same(one, old))),
  ];
  const live: KubeObject[] = [];
  try {
    for (const object of objects) {
      live.push(
        await kubernetes.applyServerSide(object, {
          fieldManager: FIELD_MANAGER,
          force: true,
          signal: task.signal,
        }),
      );
    }
    const pruned = await prune(kubernetes, task, wanted);
    const { objects: settled, late } = await waitUntilReady(kubernetes, live, task);
    const summary = `applied ${objects.length} objects${pruned > 0 ? `, deleted ${pruned}` : ''}`;
    return {
      completed: late === undefined,
      result: late === undefined ? 'ApplyCompleted' : 'ApplyWaitFailed',
      message: late === undefined ? summary : `${summary}; ${late} was not ready in time`,
      inventory: wanted,
      liveState: liveStateOf(settled),
    };
  } catch (error) {
    return {
      completed: false,
      result: 'ApplyFailed',
      message: messageOf(error),
      inventory: everything,
    };
  }
}

async function prune(
  kubernetes: KubernetesClient,
  task: Task,
  wanted: readonly InventoryItem[],
): Promise<number> {
  let deleted = 0;
  for (const old of task.inventory) {
    if (wanted.some((one) => same(one, old)) || (await task.isShared(old))) continue;
    if (await kubernetes.delete(addressOf(old), { signal: task.signal })) deleted += 1;
  }
  return deleted;
}

async function destroy(kubernetes: KubernetesClient, task: Task): Promise<Outcome> {
  const deleted = await prune(kubernetes, task, []);
  return {
    completed: true,
    result: 'DestroyCompleted',
    message: `deleted ${deleted} objects`,
    inventory: [],
    liveState: '',
  };
}

async function refresh(kubernetes: KubernetesClient, task: Task): Promise<Outcome> {
  const objects = await placed(kubernetes, objectsOf(task.data), task);
  const found = await Promise.all(
    objects.map((object) => kubernetes.get(refOf('', object), task.signal)),
  );
  const live = found.filter((object) => object !== undefined);
  const refreshed = overlayLive(task.data, found);
  const drifted = refreshed !== task.data;
  return {
    completed: true,
    result: drifted ? 'RefreshAndDrifted' : 'RefreshAndNoDrift',
    message: '',
    inventory: task.inventory,
    liveState: liveStateOf(live),
    ...(drifted ? { driftedData: refreshed } : {}),
  };
}

/** Gives namespaced objects a namespace and takes it from cluster-scoped ones; 422 for kinds that are not served. */
async function placed(
  kubernetes: KubernetesClient,
  objects: readonly KubeObject[],
  task: Task,
): Promise<readonly KubeObject[]> {
  return Promise.all(
    objects.map(async (object) => {
      const kind = { ...splitApiVersion(object.apiVersion), kind: object.kind };
      const known = (await kubernetes.discover({ signal: task.signal })).find(kind);
      const resource =
        known ?? (await kubernetes.discover({ fresh: true, signal: task.signal })).find(kind);
      if (resource === undefined) {
        throw new HubError(422, `the cluster does not serve ${object.apiVersion} ${object.kind}`);
      }
      const { namespace, ...metadata } = object.metadata;
      return {
        ...object,
        metadata: resource.namespaced
          ? { ...metadata, namespace: namespace ?? task.namespace }
          : metadata,
      } as KubeObject;
    }),
  );
}

/** Follows workloads until their controllers are done; names one that was late. */
async function waitUntilReady(
  kubernetes: KubernetesClient,
  applied: readonly KubeObject[],
  task: Task,
): Promise<{ objects: readonly KubeObject[]; late?: string }> {
  const limitMs = durationMs(task.waitTimeout);
  const started = Date.now();
  let objects = applied;
  for (let pauseMs = POLL_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, POLL_MAX_MS)) {
    const waitedMs = Date.now() - started;
    const open = objects.filter((object) => {
      const noController = waitedMs > NO_CONTROLLER_MS && !hasStatus(object);
      return rolloutOf(object) === 'progressing' && !noController;
    });
    const first = open[0];
    if (first === undefined) return { objects };
    if (waitedMs > limitMs) return { objects, late: `${first.kind} ${first.metadata.name}` };
    await sleep(pauseMs, undefined, { signal: task.signal });
    objects = await Promise.all(
      objects.map(async (object) =>
        open.includes(object)
          ? ((await kubernetes.get(refOf('', object), task.signal)) ?? object)
          : object,
      ),
    );
  }
}

function hasStatus(object: KubeObject): boolean {
  const status = object['status'] as { observedGeneration?: unknown } | undefined;
  return status?.observedGeneration !== undefined;
}

function durationMs(duration: string | undefined): number {
  if (duration === undefined) return DEFAULT_WAIT_MS;
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(duration);
  if (parts === null || duration === '') return DEFAULT_WAIT_MS;
  const [, hours = '0', minutes = '0', seconds = '0'] = parts;
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return Math.min(ms, MAX_WAIT_MS);
}

function itemOf(object: KubeObject): InventoryItem {
  const { name, namespace = '' } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, namespace, name };
}

function addressOf(item: InventoryItem) {
  return {
    ...splitApiVersion(item.apiVersion),
    kind: item.kind,
    namespace: item.namespace,
    name: item.name,
  };
}

// The version may move (apps/v1beta1 → apps/v1) without making it another object.
function same(a: InventoryItem, b: InventoryItem): boolean {
  return (
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    splitApiVersion(a.apiVersion).group === splitApiVersion(b.apiVersion).group
  );
}

function messageOf(error: unknown): string {
  if (error instanceof AppError && error.code === 'KUBERNETES_UNAVAILABLE') {
    return `the cluster is unavailable: ${error.message}`;
  }
  if (error instanceof AppError || error instanceof HubError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
