import type { ApiResource, KubernetesClient } from '../clients/kubernetes/index.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { type AppError, fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, pause } from './clock.ts';
import { placeKey, placeOf } from './live-store.ts';

export type ReflectorState = 'starting' | 'listing' | 'watching' | 'waiting' | 'forbidden';

export type ReflectorStatus = {
  readonly resource: string;
  /** '' = all namespaces. */
  readonly namespace: string;
  readonly state: ReflectorState;
  /** A complete list was read at least once. */
  readonly listed: boolean;
  /** Why it waits or skips. */
  readonly message?: string;
};

/** What a reflector tells. Calls come in the order in which the API server saw things. */
export type ReflectorHandlers = {
  onObject(object: KubeObject): void;
  onDeleted(object: KubeObject): void;
  /** A full list is through: every object not named is gone. Keys are `placeKey`s. */
  onListed(present: ReadonlySet<string>): void;
  /** Called after the state changed. */
  onState?(status: ReflectorStatus): void;
};

export type Reflector = {
  /** Lists and watches until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  status(): ReflectorStatus;
};

export type ReflectorOptions = {
  readonly pageSize?: number;
  readonly idleMs?: number;
  readonly watchSeconds?: number;
  readonly retryFirstMs?: number;
  readonly forbiddenRetryMs?: number;
};

const PAGE_SIZE = 500;
const MIN_PAGE_SIZE = 10;
// Bookmarks come about once a minute, so that two and a half minutes of silence mean a dead connection.
const WATCH_IDLE_MS = 150_000;
const WATCH_SECONDS = 300;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 30_000;
// Rights are granted by people; asking more often would only fill the audit log.
const FORBIDDEN_RETRY_MS = 60_000;
// A watch that lived so long was a good one: the next failure is a new story.
const SETTLED_WATCH_MS = 5_000;

/**
 * Mirrors one kind in one scope: a paged list, then a watch from exactly there, resumed from the last version seen. After 410
 * it lists again; without the right it says so and asks again slowly. It never polls.
 */
export function createReflector(deps: {
  readonly client: KubernetesClient;
  readonly resource: ApiResource;
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly handlers: ReflectorHandlers;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly options?: ReflectorOptions;
}): Reflector {
  const { client, resource, namespace, handlers, log, clock, random, options = {} } = deps;
  const scope = namespace === undefined ? {} : { namespace };
  const where = { resource: resource.plural, namespace: namespace ?? '' };
  let status: ReflectorStatus = { ...where, state: 'starting', listed: false };
  let pageSize = options.pageSize ?? PAGE_SIZE;

  const enter = (state: ReflectorState, change: { listed?: boolean; message?: string } = {}) => {
    const { message, listed = status.listed } = change;
    status = { ...where, state, listed, ...(message === undefined ? {} : { message }) };
    handlers.onState?.(status);
  };

  const list = async (signal: AbortSignal): Promise<string> => {
    enter('listing');
    const present = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const page = await client.list(resource, {
        ...scope,
        limit: pageSize,
        ...(next === undefined ? {} : { continue: next }),
        signal,
      });
      for (const object of page.items) {
        present.add(placeKey(placeOf(object)));
        handlers.onObject(object);
      }
      next = page.continue;
      if (next !== undefined) continue;
      enter('listing', { listed: true });
      handlers.onListed(present);
      return page.resourceVersion;
    }
  };

  const watch = async (from: string, signal: AbortSignal, seen: (version: string) => void) => {
    const seconds = options.watchSeconds ?? WATCH_SECONDS;
    const events = client.watch(resource, {
      ...scope,
      resourceVersion: from,
      // Spread, so that not all watches of all watchers come back in one moment.
      timeoutSeconds: Math.round(seconds * (1 + random())),
      idleMs: options.idleMs ?? WATCH_IDLE_MS,
      signal,
      onOpen: () => enter('watching'),
    });
    for await (const event of events) {
      if (event.type === 'BOOKMARK') {
        seen(event.resourceVersion);
        continue;
      }
      if (event.type === 'DELETED') handlers.onDeleted(event.object);
      else handlers.onObject(event.object);
      seen(event.object.metadata.resourceVersion ?? from);
    }
  };

  const retryMs = (failures: number): number => {
    const firstMs = options.retryFirstMs ?? RETRY_FIRST_MS;
    return backoffMs({ firstMs, maxMs: RETRY_MAX_MS }, failures, random);
  };

  const explain = (error: AppError, forbidden: boolean, delayMs: number): void => {
    if (error.message !== status.message) {
      const fields = { ...where, code: error.code, reason: error.message, retryMs: delayMs };
      log.warn(fields, forbidden ? 'kind is skipped until it can be read' : 'watch interrupted');
    }
    enter(forbidden ? 'forbidden' : 'waiting', { message: error.message });
  };

  return {
    status: () => status,
    async run(signal) {
      let version: string | undefined;
      let failures = 0;
      while (!signal.aborted) {
        const startedAt = clock.now();
        try {
          version ??= await list(signal);
          await watch(version, signal, (seen) => {
            version = seen;
          });
          // Ended in good order. One that ends at once, again and again, must not become a busy loop.
          failures = clock.now() - startedAt > SETTLED_WATCH_MS ? 0 : failures + 1;
          if (failures > 1) await pause(clock, retryMs(failures), signal);
        } catch (cause) {
          if (signal.aborted) return;
          const error = fromUnknown(cause);
          failures = clock.now() - startedAt > SETTLED_WATCH_MS ? 1 : failures + 1;
          const { reason } = error.details;
          if (reason === 'Expired') version = undefined;
          if (reason === 'ResponseTooLarge')
            pageSize = Math.max(MIN_PAGE_SIZE, Math.ceil(pageSize / 4));
          // NOT_FOUND: the kind itself is gone, as when its CRD is deleted.
          const forbidden = error.code === 'KUBERNETES_FORBIDDEN' || error.code === 'NOT_FOUND';
          const delayMs = forbidden
            ? (options.forbiddenRetryMs ?? FORBIDDEN_RETRY_MS)
            : retryMs(failures);
          if (reason === 'Expired') log.info(where, 'version expired, listing again');
          else explain(error, forbidden, delayMs);
          await pause(clock, delayMs, signal);
        }
      }
    },
  };
}
