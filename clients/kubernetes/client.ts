import { z } from 'zod';
import { refOf } from '../../drift/resource-ref.ts';
import { AppError } from '../../lib/errors.ts';
import { loadCredentials } from './credentials.ts';
import {
  type ApiResource,
  createDiscovery,
  type Discovery,
  groupDiscoveryList,
  readGroups,
} from './discovery.ts';
import { createDiscoveryCache } from './discovery-cache.ts';
import { createHttp, type Http } from './http.ts';
import { parseList, parseObject } from './kube-object.ts';
import { objectPath, resourcePath } from './resource-path.ts';
import type { AccessAnswer, AccessQuestion, KubernetesClient, ObjectRef } from './types.ts';
import { readEvents } from './watch-stream.ts';

export type KubernetesOptions = {
  /** Path of a kubeconfig; else KUBECONFIG, `~/.kube/config`, or the pod's service account. */
  readonly kubeconfig?: string;
  /** A context of it; else its current one. */
  readonly context?: string;
  /** For each request, not for watches. Default 15 s. */
  readonly timeoutMs?: number;
  /** Its first word becomes the field manager of writes that name none. */
  readonly userAgent: string;
};

const DEFAULT_TIMEOUT_MS = 15_000;
const AGGREGATED_DISCOVERY = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');

/** Opens nothing: the first request connects. Rejects with CONFIG_INVALID if the kubeconfig cannot be used. */
export async function createKubernetesClient(
  options: KubernetesOptions,
): Promise<KubernetesClient> {
  const credentials = loadCredentials(options);
  const http = createHttp(credentials, {
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    userAgent: options.userAgent,
  });
  const discover = createDiscoveryCache(
    () => readDiscovery(http),
    () => performance.now(),
  );

  const served = async (ref: Pick<ObjectRef, 'group' | 'version' | 'kind'>, signal?: AbortSignal) =>
    (await discover(signal === undefined ? {} : { signal })).find(ref) ??
    (await discover({ fresh: true, ...(signal && { signal }) })).resolveKind(ref);

  return {
    server: credentials.server.href.replace(/\/$/, ''),
    context: credentials.context,
    async version(signal) {
      const body = await http.json({ ...get('/version', 'read the version'), signal });
      return z.object({ gitVersion: z.string() }).parse(body).gitVersion;
    },
    discover,
    async get(ref, signal) {
      const resource = await served(ref, signal);
      const call = get(objectPath(resource, ref), `get ${resource.plural} ${ref.name}`);
      try {
        return parseObject(await http.json({ ...call, signal }), resource);
      } catch (error) {
        if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    async list(resource, { namespace, limit, continue: token, labelSelector, signal }) {
      const place = namespace === undefined ? {} : { namespace };
      const body = await http.json({
        ...get(resourcePath(resource, place), `list ${resource.plural}`),
        query: { limit: String(limit), continue: token, labelSelector },
        signal,
      });
      return parseList(body, resource);
    },
    async *watch(resource, watchOptions) {
      const { namespace, resourceVersion, timeoutSeconds, idleMs, signal } = watchOptions;
      const what = `watch ${resource.plural}`;
      const response = await http.stream({
        ...get(resourcePath(resource, namespace === undefined ? {} : { namespace }), what),
        query: {
          watch: 'true',
          resourceVersion,
          allowWatchBookmarks: String(watchOptions.bookmarks ?? true),
          timeoutSeconds: String(timeoutSeconds),
        },
        signal,
      });
      watchOptions.onOpen?.();
      yield* readEvents(response, resource, { what, idleMs, signal });
    },
    ...createWrites(http, served),
    ...createAccessReviews(http),
    close: credentials.close,
  };
}

type Served = (
  ref: Pick<ObjectRef, 'group' | 'version' | 'kind'>,
  signal?: AbortSignal,
) => Promise<ApiResource>;

function createWrites(
  http: Http,
  served: Served,
): Pick<KubernetesClient, 'applyServerSide' | 'jsonPatch' | 'delete'> {
  return {
    async applyServerSide(object, { fieldManager, force, dryRun = false, signal }) {
      const ref = refOf('', object);
      const resource = await served(ref, signal);
      const answer = await http.json({
        method: 'PATCH',
        path: objectPath(resource, ref),
        query: {
          fieldManager,
          force: String(force),
          fieldValidation: 'Strict',
          dryRun: dryRun ? 'All' : undefined,
        },
        // JSON is YAML, and the one content type covers both.
        contentType: 'application/apply-patch+yaml',
        body: JSON.stringify(object),
        repeatable: true,
        what: `apply ${resource.plural} ${ref.name}`,
        signal,
      });
      return parseObject(answer, resource);
    },
    async jsonPatch(ref, operations, { fieldManager, dryRun = false, signal }) {
      const resource = await served(ref, signal);
      const answer = await http.json({
        method: 'PATCH',
        path: objectPath(resource, ref),
        query: { fieldManager, dryRun: dryRun ? 'All' : undefined },
        contentType: 'application/json-patch+json',
        body: JSON.stringify(operations),
        repeatable: false,
        what: `patch ${resource.plural} ${ref.name}`,
        signal,
      });
      return parseObject(answer, resource);
    },
    async delete(ref, { uid, signal } = {}) {
      const resource = await served(ref, signal);
      try {
        await http.json({
          method: 'DELETE',
          path: objectPath(resource, ref),
          ...(uid === undefined ? {} : { body: JSON.stringify({ preconditions: { uid } }) }),
          repeatable: false,
          what: `delete ${resource.plural} ${ref.name}`,
          signal,
        });
        return true;
      } catch (error) {
        if (error instanceof AppError && error.code === 'NOT_FOUND') return false;
        throw error;
      }
    },
  };
}

function createAccessReviews(http: Http): Pick<KubernetesClient, 'accessReview' | 'canI'> {
  const accessReview = async (
    question: AccessQuestion,
    signal?: AbortSignal,
  ): Promise<AccessAnswer> => {
    const answer = await http.json({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: JSON.stringify({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: question },
      }),
      // A review stores nothing.
      repeatable: true,
      what: `ask for the right to ${question.verb} ${question.resource}`,
      signal,
    });
    return accessAnswer.parse(answer).status;
  };
  return {
    accessReview,
    async canI(verb, { group, plural }, namespace) {
      const place = namespace === undefined ? {} : { namespace };
      return (await accessReview({ verb, group, resource: plural, ...place })).allowed;
    },
  };
}

const accessAnswer = z.object({
  status: z.object({ allowed: z.boolean(), reason: z.string().default('') }),
});

async function readDiscovery(http: Http): Promise<Discovery> {
  const lists = await Promise.all(
    ['/api', '/apis'].map(async (path) => {
      const what = `discover ${path}`;
      const body = await http.json({ ...get(path, what), accept: AGGREGATED_DISCOVERY });
      const read = groupDiscoveryList.safeParse(body);
      if (read.success) return read.data;
      throw new AppError(
        'KUBERNETES_REFUSED',
        `${what}: the API server has no aggregated discovery (Kubernetes 1.27 or later has)`,
      );
    }),
  );
  return createDiscovery(readGroups(lists));
}

function get(path: string, what: string) {
  return { method: 'GET', path, what, repeatable: true } as const;
}
