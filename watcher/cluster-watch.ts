import type { ApiResource, KubernetesClient } from '../clients/kubernetes/index.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, pause } from './clock.ts';
import { createLiveStore, type LiveStore, type Place, placeOf } from './live-store.ts';
import {
  createReflector,
  type Reflector,
  type ReflectorHandlers,
  type ReflectorOptions,
} from './reflector.ts';
import type { WatcherMetrics, WatcherStatus } from './types.ts';

export type Kind = Pick<ResourceRef, 'group' | 'kind'>;
export type ObjectKey = Kind & Place;

/**
 * What can be said of an object that is not there: it is missing (`listed`), nobody knows yet or has the right to know
 * (`unknown`), or its kind or namespace is not watched (`outside`).
 */
export type Coverage = 'listed' | 'unknown' | 'outside';

export type ClusterHandlers = {
  /** It may compare differently than before. `live` is undefined once it is deleted. */
  onChange(key: ObjectKey, live: KubeObject | undefined): void;
  /** A scope was listed in full: what is declared in it and not there is missing. */
  onListed(scope: ListedScope): void;
};

/** One kind in one namespace; '' = all, or a kind without. */
export type ListedScope = Kind & { readonly namespace: string };

/** Everything that is watched on one API server, whichever environments it belongs to. */
export type ClusterWatch = {
  /** Resolves when each scope was listed once or is forbidden. CONFIG_INVALID for kinds that the server does not know. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing runs any more; the signal of `start` must have been aborted. */
  ended(): Promise<void>;
  has(ref: ObjectKey): boolean;
  get(ref: ObjectKey): KubeObject | undefined;
  /** Everything that is held now. */
  keys(): readonly ObjectKey[];
  coverage(ref: ObjectKey): Coverage;
  status(): WatcherStatus['clusters'][number];
};

export type ClusterWatchDeps = {
  readonly client: KubernetesClient;
  readonly resources: readonly string[];
  /** Empty = all. */
  readonly namespaces: readonly string[];
  readonly handlers: ClusterHandlers;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics?: WatcherMetrics;
  readonly reflector?: ReflectorOptions;
};

const RETRY = { firstMs: 250, maxMs: 30_000 };

export function createClusterWatch(deps: ClusterWatchDeps): ClusterWatch {
  const cluster: Cluster = {
    deps,
    log: deps.log.child({ server: deps.client.server }),
    scopes: new Map(),
    settled: Promise.withResolvers<void>(),
    message: undefined,
  };
  let running: Promise<unknown> = Promise.resolve();
  return {
    async start(signal) {
      const resources = await resolveKinds(cluster, signal);
      if (signal.aborted) return;
      cluster.message = undefined;
      addScopes(cluster, resources);
      running = Promise.all(allScopes(cluster).map(({ reflector }) => reflector.run(signal)));
      signal.addEventListener('abort', () => cluster.settled.resolve(), { once: true });
      checkSettled(cluster);
      await cluster.settled.promise;
    },
    async ended() {
      await running;
    },
    has: (ref) => scopeOf(cluster, ref)?.store.has(ref) ?? false,
    get: (ref) => scopeOf(cluster, ref)?.store.get(ref),
    coverage(ref) {
      const scope = scopeOf(cluster, ref);
      if (scope === undefined) return cluster.scopes.size === 0 ? 'unknown' : 'outside';
      return scope.reflector.status().listed ? 'listed' : 'unknown';
    },
    keys: () => allScopes(cluster).flatMap(keysOf),
    status: () => statusOf(cluster),
  };
}

type Scope = Kind & { readonly reflector: Reflector; readonly store: LiveStore };

/** One cluster's state. */
type Cluster = {
  readonly deps: ClusterWatchDeps;
  readonly log: Log;
  /** By `group/kind`, then by namespace ('' = all, or a kind without). */
  readonly scopes: Map<string, Map<string, Scope>>;
  /** Resolved when each scope was listed once or is forbidden. */
  readonly settled: PromiseWithResolvers<void>;
  /** Why the API server cannot be asked at present. */
  message: string | undefined;
};

/** Waits for the API server, then turns the configured names into kinds. */
async function resolveKinds(
  cluster: Cluster,
  signal: AbortSignal,
): Promise<readonly ApiResource[]> {
  const { client, resources, clock, random } = cluster.deps;
  for (let failures = 1; ; failures++) {
    try {
      const discovery = await client.discover({ fresh: failures > 1, signal });
      return resources.map((name) => watchable(discovery.resolve(name)));
    } catch (cause) {
      const error = fromUnknown(cause);
      if (signal.aborted) return [];
      if (error.code === 'NOT_FOUND') {
        throw new AppError('CONFIG_INVALID', `resources: ${error.message}`, { cause: error });
      }
      if (!error.retryable && error.code !== 'KUBERNETES_FORBIDDEN') throw error;
      cluster.message = error.message;
      const delayMs = backoffMs(RETRY, failures, random);
      cluster.log.warn({ reason: error.message, retryMs: delayMs }, 'waiting for the API server');
      await pause(clock, delayMs, signal);
    }
  }
}

function addScopes(cluster: Cluster, resources: readonly ApiResource[]): void {
  const { namespaces } = cluster.deps;
  for (const resource of resources) {
    const key = kindKey(resource);
    const byNamespace = cluster.scopes.get(key) ?? new Map<string, Scope>();
    cluster.scopes.set(key, byNamespace);
    const isNarrow = resource.namespaced && namespaces.length > 0;
    for (const namespace of isNarrow ? namespaces : ['']) {
      if (!byNamespace.has(namespace)) {
        byNamespace.set(namespace, createScope(cluster, resource, namespace));
      }
    }
  }
}

function createScope(cluster: Cluster, resource: ApiResource, namespace: string): Scope {
  const store = createLiveStore();
  const reflector = createReflector({
    ...cluster.deps,
    log: cluster.log,
    resource,
    ...(namespace === '' ? {} : { namespace }),
    options: cluster.deps.reflector ?? {},
    handlers: {
      ...storeHandlers(cluster.deps, store, { ...resource, namespace }),
      onState: () => checkSettled(cluster),
    },
  });
  const { group, kind } = resource;
  return { group, kind, reflector, store };
}

/** Keeps the store as the API server is, and says what changed. */
function storeHandlers(
  { handlers, metrics }: Pick<ClusterWatchDeps, 'handlers' | 'metrics'>,
  store: LiveStore,
  { group, kind, namespace }: ListedScope,
): ReflectorHandlers {
  const count = () => metrics?.resourcesWatched(kind, namespace, store.size());
  return {
    onObject(object) {
      metrics?.eventProcessed('ADDED_OR_MODIFIED', kind);
      if (store.put(object) === 'same') return;
      handlers.onChange({ group, kind, ...placeOf(object) }, object);
    },
    onDeleted(object) {
      metrics?.eventProcessed('DELETED', kind);
      const place = placeOf(object);
      if (store.remove(place)) handlers.onChange({ group, kind, ...place }, undefined);
      count();
    },
    onListed(present) {
      metrics?.eventProcessed('LISTED', kind);
      for (const place of store.removeOthers(present)) {
        handlers.onChange({ group, kind, ...place }, undefined);
      }
      count();
      handlers.onListed({ group, kind, namespace });
    },
  };
}

function checkSettled(cluster: Cluster): void {
  if (allScopes(cluster).every(isSettled)) cluster.settled.resolve();
}

function keysOf({ group, kind, store }: Scope): readonly ObjectKey[] {
  return store.places().map((place) => ({ group, kind, ...place }));
}

function isSettled({ reflector }: Scope): boolean {
  const { listed, state } = reflector.status();
  return listed || state === 'forbidden';
}

function statusOf(cluster: Cluster): WatcherStatus['clusters'][number] {
  const { deps, message } = cluster;
  const scopes = allScopes(cluster);
  return {
    server: deps.client.server,
    ready: scopes.length > 0 && scopes.every(isSettled),
    reflectors: scopes.map(({ reflector }) => reflector.status()),
    ...(message === undefined ? {} : { message }),
  };
}

function scopeOf({ scopes }: Cluster, ref: ObjectKey): Scope | undefined {
  const byNamespace = scopes.get(kindKey(ref));
  return byNamespace?.get(ref.namespace) ?? byNamespace?.get('');
}

function allScopes({ scopes }: Cluster): readonly Scope[] {
  return [...scopes.values()].flatMap((one) => [...one.values()]);
}

function watchable(resource: ApiResource): ApiResource {
  if (resource.verbs.includes('list') && resource.verbs.includes('watch')) return resource;
  throw new AppError(
    'CONFIG_INVALID',
    `resources: ${resource.plural} cannot be listed and watched at this API server`,
  );
}

function kindKey({ group, kind }: Kind): string {
  return `${group}/${kind}`;
}
