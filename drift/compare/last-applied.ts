import { parseFieldPath } from '../field-path.ts';
import { isJsonObject } from '../json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../resource-ref.ts';

const KUBECTL_APPLY = 'kubectl-client-side-apply';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Whether `kubectl apply` owns a field that it did not send: its annotation says what it sent, so the server completed the
 * rest with defaults. This holds after later applies and after another applier took the object over, too.
 */
export function isBeyondLastApplied(
  live: KubeObject,
  entry: ManagedFieldsEntry,
  path: string,
): boolean {
  const record = live.metadata.annotations?.[LAST_APPLIED];
  if (entry.manager !== KUBECTL_APPLY || record === undefined) return false;
  const sent = parse(record);
  return sent !== undefined && !holds(sent, path);
}

function parse(record: string): unknown {
  try {
    return JSON.parse(record);
  } catch {
    return undefined;
  }
}

function holds(sent: unknown, path: string): boolean {
  let at = sent;
  for (const segment of parseFieldPath(path)) {
    if (segment.kind === 'field') at = isJsonObject(at) ? at[segment.name] : undefined;
    else {
      const { keys } = segment;
      const isItem = (one: unknown) =>
        isJsonObject(one) && keys.every(([key, value]) => String(one[key]) === value);
      at = Array.isArray(at) ? at.find(isItem) : undefined;
    }
    if (at === undefined) return false;
  }
  return true;
}
