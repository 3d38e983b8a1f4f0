import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { readCrd } from '../drift/compare/crd-schema.ts';
import { type Struct, structOfKind } from '../drift/compare/schema.ts';
import { apiVersionOf, type ResourceRef } from '../drift/resource-ref.ts';
import { type AppError, fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

export type KindRef = Pick<ResourceRef, 'group' | 'version' | 'kind'>;

/** The schemas of the custom kinds of one cluster, as far as it tells them: comparing goes on without. */
export type CustomSchemas = {
  /** Reads what is not known yet of these kinds. Never rejects, and takes a bounded time even if the cluster is away. */
  load(kinds: Iterable<KindRef>): Promise<void>;
  /** The schema of a kind that was loaded; undefined for built-in kinds, and where the cluster did not tell. */
  find(kind: KindRef): Struct | undefined;
};

const READ_TIMEOUT_MS = 3_000;
/** A CustomResourceDefinition rarely changes; one that did counts for revisions that are read afterwards. */
const KNOWN_FOR_MS = 600_000;
const RETRY_AFTER_MS = 60_000;
/** Far more custom kinds than any known cluster serves; the oldest is read again when it is needed. */
const MAX_KINDS = 2_000;

/** By version of the kind. */
type Schemas = ReadonlyMap<string, Struct>;
type Known = { readonly schemas: Schemas; readonly untilMs: number };

/** Reads each CustomResourceDefinition once, by discovery and one get; a refusal is remembered as well. */
export function createCustomSchemas(deps: {
  readonly cluster: Pick<KubernetesClient, 'discover' | 'get'>;
  readonly log: Log;
  readonly now?: () => number;
}): CustomSchemas {
  const { cluster, log, now = Date.now } = deps;
  const known = new Map<string, Known>();
  const reading = new Map<string, Promise<void>>();
  let awayUntilMs = 0;

  const remember = (key: string, schemas: Schemas, forMs: number): void => {
    known.delete(key);
    known.set(key, { schemas, untilMs: now() + forMs });
    for (const [oldest] of known) {
      if (known.size <= MAX_KINDS) break;
      known.delete(oldest);
    }
  };

  const read = async (key: string, kind: KindRef): Promise<void> => {
    try {
      remember(key, await readSchemas(cluster, kind), KNOWN_FOR_MS);
    } catch (cause) {
      const error = fromUnknown(cause);
      log.info({ kind: key, reason: error.message }, 'compared without its schema');
      // What is known stays in use. A cluster that is away is not asked for each kind.
      remember(key, known.get(key)?.schemas ?? new Map(), RETRY_AFTER_MS);
      if (!isRefusal(error)) awayUntilMs = now() + RETRY_AFTER_MS;
    }
  };

  return {
    async load(kinds) {
      for (const kind of kinds) {
        const key = `${kind.group}/${kind.kind}`;
        const isDue = (known.get(key)?.untilMs ?? 0) <= now() && awayUntilMs <= now();
        if (!isDue || structOfKind(apiVersionOf(kind), kind.kind)) continue;
        const underway = reading.get(key) ?? read(key, kind).finally(() => reading.delete(key));
        reading.set(key, underway);
        await underway;
      }
    },
    find: ({ group, version, kind }) => known.get(`${group}/${kind}`)?.schemas.get(version),
  };
}

async function readSchemas(
  cluster: Pick<KubernetesClient, 'discover' | 'get'>,
  kind: KindRef,
): Promise<Schemas> {
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  const served =
    (await cluster.discover({ signal })).find(kind) ??
    (await cluster.discover({ fresh: true, signal })).resolveKind(kind);
  const crd = await cluster.get(
    {
      group: 'apiextensions.k8s.io',
      version: 'v1',
      kind: 'CustomResourceDefinition',
      namespace: '',
      name: `${served.plural}.${kind.group}`,
    },
    signal,
  );
  // An aggregated API server has kinds without a definition.
  return (crd && readCrd(crd)?.schemas) ?? new Map();
}

function isRefusal(error: AppError): boolean {
  return error.code === 'KUBERNETES_FORBIDDEN' || error.code === 'NOT_FOUND';
}
