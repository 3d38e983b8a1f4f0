import type { DesiredObject } from '../desired/source.ts';
import type { RuledComparison } from '../drift/compare/ignore.ts';
import type { JsonValue } from '../drift/json.ts';
import { formatResource, type KubeObject, type ResourceRef } from '../drift/resource-ref.ts';
import { redactObject } from '../drift/secrets/redact.ts';
import { digest } from '../lib/digest.ts';
import { diffDigest } from '../lib/drift-digest.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';

/** Larger states are not kept: a list of records would be as large as the cluster, and nobody reads that far. */
const MAX_STATE_BYTES = 256 * 1024;

/** Desired, live and their difference as they are now. Holds secret values: it never leaves the activity that asked. */
export type Inspection = {
  readonly desired: DesiredObject;
  readonly live: KubeObject | undefined;
  readonly comparison: RuledComparison;
  readonly diffDigest: string;
};

/** Reads both sides afresh and compares them; undefined when nothing declares the resource any more. */
export async function inspect(
  deps: ActivityDeps,
  ref: ResourceRef,
  signal?: AbortSignal,
): Promise<Inspection | undefined> {
  const { source, cluster } = environmentOf(deps, ref.environment);
  const [desired, live] = await Promise.all([source.find(ref), cluster.get(ref, signal)]);
  if (!desired) return undefined;
  return compareNow(deps, desired, live);
}

/** Compares what was read already. */
export function compareNow(
  deps: ActivityDeps,
  desired: DesiredObject,
  live: KubeObject | undefined,
): Inspection {
  const comparison = deps.compareLive(desired, live);
  if (comparison.problems) {
    const resource = formatResource(desired.ref);
    deps.log.warn({ resource, problems: comparison.problems }, 'an annotation cannot be read');
  }
  return {
    desired,
    live,
    comparison,
    diffDigest: diffDigest(deps.keyedHash, comparison.changes),
  };
}

/** Both sides as the read model keeps them: redacted, without the bookkeeping that nobody reads, and not too large. */
export function redactedStates(
  deps: ActivityDeps,
  { desired, live }: Pick<Inspection, 'desired' | 'live'>,
): { desired: JsonValue; live: JsonValue; desiredHash: string } {
  return {
    desired: storable(redactObject(desired.object, deps.keyedHash)),
    live: live ? storable(redactObject(live, deps.keyedHash)) : null,
    desiredHash: `hmac-sha256:${deps.keyedHash(digest(desired.object))}`,
  };
}

/** The state itself, or what stands for one that is too large. */
export function storable(state: JsonValue): JsonValue {
  const bytes = Buffer.byteLength(JSON.stringify(state));
  return bytes <= MAX_STATE_BYTES ? state : { omitted: 'larger than 256 KiB', bytes };
}
