import type { Discovery, KubernetesClient } from '../clients/kubernetes/index.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** A kind that nobody serves yet is asked about again, because its definition may come with the same release. */
const ASK_AGAIN_AFTER_MS = 30_000;

type Kind = Pick<ResourceRef, 'group' | 'kind'>;

/**
 * Tells which kinds live in a namespace, custom ones included, as the cluster serves them. Resolves when it has been asked once;
 * where it refuses, nothing is known. A kind that it does not serve is undefined, and looked up again in the background.
 */
export async function createKindScopes(deps: {
  readonly cluster: Pick<KubernetesClient, 'discover'>;
  readonly log: Log;
  readonly now?: () => number;
}): Promise<(kind: Kind) => boolean | undefined> {
  const { cluster, log, now = Date.now } = deps;
  let served: Discovery['find'] | undefined;
  let askedAtMs = now();

  const ask = async (fresh: boolean): Promise<void> => {
    try {
      served = (await cluster.discover({ fresh })).find;
    } catch (error) {
      log.warn({ reason: fromUnknown(error).message }, 'the kinds of the cluster cannot be read');
    }
  };

  await ask(false);
  return ({ group, kind }) => {
    const found = served?.({ group, version: '', kind });
    if (found === undefined && now() - askedAtMs >= ASK_AGAIN_AFTER_MS) {
      askedAtMs = now();
      void ask(true);
    }
    return found?.namespaced;
  };
}
