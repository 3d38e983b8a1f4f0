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

export type ReflectorDeps = {
  readonly client: KubernetesClient;
  readonly resource: ApiResource;
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly handlers: ReflectorHandlers;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly options?: ReflectorOptions;
};

/**
 * Mirrors one kind in one scope: a paged list, then a watch from exactly there, resumed from the last version seen. After 410
 * it lists again; without the right it says so and asks again slowly. It never polls.
 */
export function createReflector(deps: ReflectorDeps): Reflector {
  const { resource, namespace, options = {} } = deps;
  const where = { resource: resource.plural, namespace: namespace ?? '' };
  const mirror: Mirror = {
    ...deps,
    options,
    scope: namespace === undefined ? {} : { namespace },
    where,
    status: { ...where, state: 'starting', listed: false },
    version: undefined,
    failures: 0,
    pageSize: options.pageSize ?? PAGE_SIZE,
  };
  return {
    status: () => mirror.status,
    run: (signal) => mirrorUntil(mirror, signal),
  };
}

/** One reflector's state. */
type Mirror = Pick<
  ReflectorDeps,
  'client' | 'resource' | 'handlers' | 'log' | 'clock' | 'random'
> & {
  readonly options: ReflectorOptions;
  readonly scope: { readonly namespace?: string };
  readonly where: Pick<ReflectorStatus, 'resource' | 'namespace'>;
  status: ReflectorStatus;
  /** Where the next watch begins; without, a list comes first. */
  version: string | undefined;
  /** In a row. */
  failures: number;
  pageSize: number;
};

async function mirrorUntil(mirror: Mirror, signal: AbortSignal): Promise<void> {
  const { clock } = mirror;
  while (!signal.aborted) {
    const startedAt = clock.now();
    const hasSettled = (): boolean => clock.now() - startedAt > SETTLED_WATCH_MS;
    try {
      mirror.version ??= await list(mirror, signal);
      await watch(mirror, mirror.version, signal);
      // Ended in good order. One that ends at once, again and again, must not become a busy loop.
      mirror.failures = hasSettled() ? 0 : mirror.failures + 1;
      if (mirror.failures > 1) await pause(clock, retryMs(mirror), signal);
    } catch (cause) {
      if (signal.aborted) return;
      mirror.failures = hasSettled() ? 1 : mirror.failures + 1;
      await pause(clock, learnFrom(mirror, fromUnknown(cause)), signal);
    }
  }
}

/** Reads everything, page by page. Gives the version from which a watch continues it. */
async function list(mirror: Mirror, signal: AbortSignal): Promise<string> {
  const { client, resource, scope, handlers } = mirror;
  enter(mirror, 'listing');
  const present = new Set<string>();
  let next: string | undefined;
  for (;;) {
    const page = await client.list(resource, {
      ...scope,
      limit: mirror.pageSize,
      ...(next === undefined ? {} : { continue: next }),
      signal,
    });
    for (const object of page.items) {
      present.add(placeKey(placeOf(object)));
      handlers.onObject(object);
    }
    next = page.continue;
    if (next !== undefined) continue;
    enter(mirror, 'listing', { listed: true });
    handlers.onListed(present);
    return page.resourceVersion;
  }
}

async function watch(mirror: Mirror, from: string, signal: AbortSignal): Promise<void> {
  const { client, resource, scope, handlers, options, random } = mirror;
  const seconds = options.watchSeconds ?? WATCH_SECONDS;
  const events = client.watch(resource, {
    ...scope,
    resourceVersion: from,
    // Spread, so that not all watches of all watchers come back in one moment.
    timeoutSeconds: Math.round(seconds * (1 + random())),
    idleMs: options.idleMs ?? WATCH_IDLE_MS,
    signal,
    onOpen: () => enter(mirror, 'watching'),
  });
  for await (const event of events) {
    if (event.type === 'BOOKMARK') {
      mirror.version = event.resourceVersion;
      continue;
    }
    if (event.type === 'DELETED') handlers.onDeleted(event.object);
    else handlers.onObject(event.object);
    mirror.version = event.object.metadata.resourceVersion ?? from;
  }
}

/** What to do differently after a failure; gives how long to wait before. */
function learnFrom(mirror: Mirror, error: AppError): number {
  const { log, where, options } = mirror;
  const { reason } = error.details;
  if (reason === 'Expired') {
    mirror.version = undefined;
    log.info(where, 'version expired, listing again');
    return retryMs(mirror);
  }
  if (reason === 'ResponseTooLarge') {
    mirror.pageSize = Math.max(MIN_PAGE_SIZE, Math.ceil(mirror.pageSize / 4));
  }
  // NOT_FOUND: the kind itself is gone, as when its CRD is deleted.
  const isForbidden = error.code === 'KUBERNETES_FORBIDDEN' || error.code === 'NOT_FOUND';
  const delayMs = isForbidden ? (options.forbiddenRetryMs ?? FORBIDDEN_RETRY_MS) : retryMs(mirror);
  if (error.message !== mirror.status.message) {
    const fields = { ...where, code: error.code, reason: error.message, retryMs: delayMs };
    log.warn(fields, isForbidden ? 'kind is skipped until it can be read' : 'watch interrupted');
  }
  enter(mirror, isForbidden ? 'forbidden' : 'waiting', { message: error.message });
  return delayMs;
}

function retryMs({ options, failures, random }: Mirror): number {
  const firstMs = options.retryFirstMs ?? RETRY_FIRST_MS;
  return backoffMs({ firstMs, maxMs: RETRY_MAX_MS }, failures, random);
}

function enter(
  mirror: Mirror,
  state: ReflectorState,
  change: { listed?: boolean; message?: string } = {},
): void {
  const { message, listed = mirror.status.listed } = change;
  mirror.status = {
    ...mirror.where,
    state,
    listed,
    ...(message === undefined ? {} : { message }),
  };
  mirror.handlers.onState?.(mirror.status);
}
