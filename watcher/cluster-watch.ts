import type { ApiResource, KubernetesClient } from '../clients/kubernetes/index.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, pause } from './clock.ts';
import { createLiveStore, type LiveStore, type Place, placeOf } from './live-store.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
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
  coverage(ref: ObjectKey): Coverage;
  status(): WatcherStatus['clusters'][number];
};

type Scope = { readonly reflector: Reflector; readonly store: LiveStore };

const RETRY = { firstMs: 250, maxMs: 30_000 };

export function createClusterWatch(deps: {
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
}): ClusterWatch {
  const { client, handlers, metrics } = deps;
  const log = deps.log.child({ server: client.server });
  // By `group/kind`, then by namespace ('' = all, or a kind without).
  const scopes = new Map<string, Map<string, Scope>>();
  const settled = Promise.withResolvers<void>();
  let running: Promise<unknown> = Promise.resolve();
  let message: string | undefined;

  const scopeOf = (ref: ObjectKey): Scope | undefined => {
    const byNamespace = scopes.get(kindKey(ref));
    return byNamespace?.get(ref.namespace) ?? byNamespace?.get('');
  };

  const all = (): readonly Scope[] => [...scopes.values()].flatMap((one) => [...one.values()]);

  const checkSettled = (): void => {
    const waiting = all().some(({ reflector }) => {
      const { listed, state } = reflector.status();
      return !listed && state !== 'forbidden';
    });
    if (!waiting) settled.resolve();
  };

  const addScope = (resource: ApiResource, namespace: string): void => {
    const store = createLiveStore();
    const { group, kind } = resource;
    const count = () => metrics?.resourcesWatched(kind, namespace, store.size());
    const reflector = createReflector({
      ...deps,
      log,
      resource,
      ...(namespace === '' ? {} : { namespace }),
      options: deps.reflector ?? {},
      handlers: {
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
        onState: checkSettled,
      },
    });
    const byNamespace = scopes.get(kindKey(resource)) ?? new Map<string, Scope>();
    scopes.set(kindKey(resource), byNamespace.set(namespace, { reflector, store }));
  };

  /** Waits for the API server, then turns the configured names into kinds. */
  const resolveKinds = async (signal: AbortSignal): Promise<readonly ApiResource[]> => {
    for (let failures = 1; ; failures++) {
      try {
        const discovery = await client.discover({ fresh: failures > 1, signal });
        return deps.resources.map((name) => watchable(discovery.resolve(name)));
      } catch (cause) {
        const error = fromUnknown(cause);
        if (signal.aborted) return [];
        if (error.code === 'NOT_FOUND') {
          throw new AppError('CONFIG_INVALID', `resources: ${error.message}`, { cause: error });
        }
        if (!error.retryable && error.code !== 'KUBERNETES_FORBIDDEN') throw error;
        message = error.message;
        const delayMs = backoffMs(RETRY, failures, deps.random);
        log.warn({ reason: error.message, retryMs: delayMs }, 'waiting for the API server');
        await pause(deps.clock, delayMs, signal);
      }
    }
  };

  return {
    async start(signal) {
      const resources = await resolveKinds(signal);
      if (signal.aborted) return;
      message = undefined;
      for (const resource of resources) {
        const namespaces =
          resource.namespaced && deps.namespaces.length > 0 ? deps.namespaces : [''];
        for (const namespace of namespaces) {
          if (!scopes.get(kindKey(resource))?.has(namespace)) addScope(resource, namespace);
        }
      }
      running = Promise.all(all().map(({ reflector }) => reflector.run(signal)));
      signal.addEventListener('abort', () => settled.resolve(), { once: true });
      checkSettled();
      await settled.promise;
    },
    async ended() {
      await running;
    },
    has: (ref) => scopeOf(ref)?.store.has(ref) ?? false,
    get: (ref) => scopeOf(ref)?.store.get(ref),
    coverage(ref) {
      const scope = scopeOf(ref);
      if (scope === undefined) return scopes.size === 0 ? 'unknown' : 'outside';
      return scope.reflector.status().listed ? 'listed' : 'unknown';
    },
    status() {
      const reflectors = all().map(({ reflector }) => reflector.status());
      const ready =
        scopes.size > 0 && reflectors.every((one) => one.listed || one.state === 'forbidden');
      return {
        server: client.server,
        ready,
        reflectors,
        ...(message === undefined ? {} : { message }),
      };
    },
  };
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
