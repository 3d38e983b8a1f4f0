import { setTimeout as sleep } from 'node:timers/promises';
import { healthyStatus, isSettled, type WatchedObject } from './healthy-status.ts';
import { createKubeRequests, type KubeAccess, type KubeRequests } from './kube-request.ts';
import { finaliseNamespace } from './namespace-finaliser.ts';

const RETRY_MS = 250;
const PAGE_SIZE = 500;
const FIELD_MANAGER = 'kube-controller-manager';

const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'] as const;

export type StatusPlayer = {
  /** From now on nothing is written: a rollout that does not come along. */
  pause(): void;
  /** Goes on, with what happened meanwhile first. */
  resume(): void;
  stop(): Promise<void>;
};

/**
 * Stands in for the controllers that the embedded cluster does not have: writes into workloads the status of a rollout that
 * went well at once, and empties and finalises namespaces that are being deleted.
 */
export function startStatusPlayer(access: KubeAccess): StatusPlayer {
  const requests = createKubeRequests(access);
  const ending = new AbortController();
  const gate = createGate();
  const context: PlayerContext = { requests, signal: ending.signal, gate };
  const loops = [
    ...WORKLOADS.map((plural) =>
      follow(context, `/apis/apps/v1/${plural}`, (object) =>
        settleWorkload(context, plural, object),
      ),
    ),
    follow(context, '/api/v1/namespaces', (object) => settleNamespace(context, object)),
  ];
  return {
    pause: gate.close,
    resume: gate.open,
    stop: async () => {
      ending.abort();
      gate.open();
      await Promise.all(loops);
      requests.close();
    },
  };
}

type PlayerContext = {
  readonly requests: KubeRequests;
  readonly signal: AbortSignal;
  readonly gate: Gate;
};

/** List, then watch, again and again until the end; `settle` brings one object to rest and may fail. */
async function follow(
  context: PlayerContext,
  path: string,
  settle: (object: WatchedObject) => Promise<void>,
): Promise<void> {
  while (!context.signal.aborted) {
    try {
      const resourceVersion = await settleAll(context, path, settle);
      const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
      for await (const event of context.requests.watch(`${path}?${query}`, context.signal)) {
        const { type, object } = event as { type: string; object: WatchedObject };
        if (type === 'ERROR') break;
        if (type === 'ADDED' || type === 'MODIFIED') await settleOne(context, settle, object);
      }
    } catch {
      // The server may be away or the version too old; the next list tells.
    }
    if (!context.signal.aborted)
      await sleep(RETRY_MS, undefined, { signal: context.signal }).catch(() => {});
  }
}

async function settleAll(
  context: PlayerContext,
  path: string,
  settle: (object: WatchedObject) => Promise<void>,
): Promise<string> {
  for (let token = ''; ; ) {
    const page = await context.requests.get(
      `${path}?limit=${PAGE_SIZE}&continue=${encodeURIComponent(token)}`,
    );
    if (page.status !== 200) throw new Error(`list of ${path} answers ${page.status}`);
    const list = page.body as {
      metadata: { resourceVersion: string; continue?: string };
      items: WatchedObject[];
    };
    for (const object of list.items) await settleOne(context, settle, object);
    token = list.metadata.continue ?? '';
    if (token === '') return list.metadata.resourceVersion;
  }
}

/** While paused, events wait in the watch's stream, so nothing is forgotten and memory stays small. */
async function settleOne(
  context: PlayerContext,
  settle: (object: WatchedObject) => Promise<void>,
  object: WatchedObject,
): Promise<void> {
  await context.gate.passed();
  if (!context.signal.aborted) await settle(object);
}

async function settleWorkload(
  context: PlayerContext,
  plural: string,
  object: WatchedObject,
): Promise<void> {
  if (object.metadata.deletionTimestamp !== undefined || isSettled(plural, object)) return;
  const { namespace, name, resourceVersion } = object.metadata;
  // Bound to the version that was seen, so that a status never claims to have observed a spec that it has not.
  const { status } = await context.requests.send(
    'PATCH',
    `/apis/apps/v1/namespaces/${namespace}/${plural}/${name}/status?fieldManager=${FIELD_MANAGER}`,
    { metadata: { resourceVersion }, status: healthyStatus(plural, object) },
    'application/merge-patch+json',
  );
  // A conflict (409) or a deletion (404) brings an event of its own; anything else is tried again with the next list.
  if (status >= 400 && status !== 409 && status !== 404) throw new Error(`PATCH answers ${status}`);
}

async function settleNamespace(context: PlayerContext, object: WatchedObject): Promise<void> {
  if (object.metadata.deletionTimestamp === undefined) return;
  await finaliseNamespace(context.requests, object.metadata.name);
}

type Gate = { open(): void; close(): void; passed(): Promise<void> };

function createGate(): Gate {
  let closed: { promise: Promise<void>; resolve: () => void } | undefined;
  return {
    close: () => {
      closed ??= Promise.withResolvers<void>();
    },
    open: () => {
      closed?.resolve();
      closed = undefined;
    },
    passed: async () => {
      while (closed) await closed.promise;
    },
  };
}
