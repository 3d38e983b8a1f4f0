import type { KubeObject, ResourceRef } from '../../drift/resource-ref.ts';
import type { ApiResource, Discovery } from './discovery.ts';

/** Addresses one object; `namespace` is '' for cluster-scoped kinds. */
export type ObjectRef = Pick<ResourceRef, 'group' | 'version' | 'kind' | 'namespace' | 'name'>;

export type ListOptions = {
  /** All namespaces when absent. */
  readonly namespace?: string;
  /** Objects per page; the answer's `continue` leads to the next page. */
  readonly limit: number;
  readonly continue?: string;
  readonly labelSelector?: string;
  readonly signal?: AbortSignal;
};

export type ObjectList = {
  readonly items: readonly KubeObject[];
  /** Where a watch may begin. */
  readonly resourceVersion: string;
  /** Token of the next page; absent on the last one. */
  readonly continue?: string;
};

export type WatchOptions = {
  readonly namespace?: string;
  /** Events after this version; that of a list, an event or a bookmark. */
  readonly resourceVersion: string;
  /** Asks for bookmarks, which the server sends about once a minute. Default true. */
  readonly bookmarks?: boolean;
  /** After so long the server ends the watch in good order. */
  readonly timeoutSeconds: number;
  /** Silence after which the connection is taken for dead. With bookmarks, minutes of it are not normal. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
  /** Called when the server accepted the watch. */
  readonly onOpen?: () => void;
};

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export type ApplyOptions = {
  readonly fieldManager: string;
  readonly force: boolean;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
};

/** RFC 6902; `test` guards the ones after it. */
export type JsonPatchOperation =
  | {
      readonly op: 'add' | 'replace' | 'test';
      readonly path: string;
      readonly value: unknown;
    }
  | { readonly op: 'remove'; readonly path: string };

export type PatchOptions = {
  readonly fieldManager: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
};

export type AccessQuestion = {
  readonly verb: string;
  readonly group: string;
  /** Plural, e.g. `deployments`. */
  readonly resource: string;
  readonly subresource?: string;
  /** All namespaces when absent. */
  readonly namespace?: string;
};

export type AccessAnswer = { readonly allowed: boolean; readonly reason: string };

/**
 * One identity at one API server. Everything rejects with AppError: NOT_FOUND (404), CONFLICT (409), KUBERNETES_FORBIDDEN
 * (401, 403), KUBERNETES_REFUSED (other 4xx, and what the schema refuses), KUBERNETES_UNAVAILABLE (network, time-out, 429,
 * 5xx; retryable). `details` hold `status`, the server's `causes`, and its `reason`: `Expired` = list
 * again (410), `ResponseTooLarge` = ask for smaller pages. Reads are tried again when the server asks for
 * it (429); writes are left to the caller.
 */
export type KubernetesClient = {
  /** URL of the API server: clients of one server and scope can share informers. */
  readonly server: string;
  readonly context: string;
  /** e.g. `v1.36.3`; the cheapest sign of life. */
  version(signal?: AbortSignal): Promise<string>;
  /** What the server serves; read once, again when `fresh`, and beside a use every ten minutes. */
  discover(options?: { fresh?: boolean; signal?: AbortSignal }): Promise<Discovery>;
  /** Undefined where there is no such object. */
  get(ref: ObjectRef, signal?: AbortSignal): Promise<KubeObject | undefined>;
  list(resource: ApiResource, options: ListOptions): Promise<ObjectList>;
  /** Ends without error when the server closes the watch; rejects with reason `Expired` when the version is too old. */
  watch(resource: ApiResource, options: WatchOptions): AsyncIterable<WatchEvent>;
  applyServerSide(object: KubeObject, options: ApplyOptions): Promise<KubeObject>;
  jsonPatch(
    ref: ObjectRef,
    operations: readonly JsonPatchOperation[],
    options: PatchOptions,
  ): Promise<KubeObject>;
  /** False where it was gone already. */
  delete(ref: ObjectRef, options?: { uid?: string; signal?: AbortSignal }): Promise<boolean>;
  /** May this identity do so? By SelfSubjectAccessReview. */
  accessReview(question: AccessQuestion, signal?: AbortSignal): Promise<AccessAnswer>;
  canI(verb: string, resource: ApiResource, namespace?: string): Promise<boolean>;
  /** Closes the pooled connections. */
  close(): void;
};
