import type { ConfigHub } from '../clients/confighub/index.ts';
import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { isNamespacedBuiltIn } from '../desired/cluster-scoped.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { type CorpusEntry, nameOf, readCorpus } from './corpus.ts';
import { eventually } from './eventually.ts';

// The corpus in a real cluster. `run` is the namespace that it is written to, and the name of what has none.

const AT_ONCE = 8;
const APPLY_TIMEOUT_MS = 60_000;

/** One unit for each manifest, in a space called as the namespace, applied; returns the objects. */
export async function installCorpus(
  hub: ConfigHub,
  admin: KubernetesClient,
  run: string,
): Promise<readonly KubeObject[]> {
  const { spaceId } = await hub.createSpace({ slug: run });
  const { targetId } = await hub.createTarget(spaceId, {
    slug: 'cluster',
    parameters: { KubeNamespace: run },
  });
  return writeInOrder(admin, run, async ({ object, text }) => {
    const unit = await hub.createUnit(spaceId, { slug: slugOf(object), data: text, targetId });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: APPLY_TIMEOUT_MS });
  });
}

/** What `installCorpus` calls the unit of an object. */
export function slugOf(object: KubeObject): string {
  return nameOf(object).replaceAll(/[^A-Za-z0-9-]/g, '-');
}

/** Writes every manifest, custom resources when their kind is served; returns what was written, with its namespace. */
export async function writeInOrder(
  admin: KubernetesClient,
  run: string,
  write: (entry: CorpusEntry) => Promise<void>,
): Promise<readonly KubeObject[]> {
  const entries = readCorpus(run).map((step) =>
    step.map(({ text, object }) => ({ text, object: placed(object, run) })),
  );
  for (const step of entries) {
    await forEach(step, write);
    await waitForCustomKinds(admin, run);
  }
  return entries.flat().map(({ object }) => object);
}

export async function waitForCustomKinds(admin: KubernetesClient, run: string): Promise<void> {
  const widget = { group: `${run}.realign.test`, version: 'v1', kind: 'Widget' };
  await eventually(async () => (await admin.discover({ fresh: true })).find(widget), {
    what: 'the custom kind to be served',
  });
}

/** The object in the namespace, where it can have one. */
export function placed(object: KubeObject, namespace: string): KubeObject {
  if (!isNamespacedBuiltIn(refOf('', object))) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** Eight at once, in their order. */
export async function forEach<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const take = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
}
