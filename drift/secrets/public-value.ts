import { parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import { parseQuantity } from '../quantity.ts';
import { isCredentialName, looksLikeCredential } from './credentials.ts';

/** Below these everybody names fields as they like, so that a name says nothing of the value. */
const FREE_FIELDS: ReadonlySet<string> = new Set([
  ...['data', 'stringData', 'binaryData', 'annotations', 'labels', 'env', 'args', 'command'],
]);
const QUANTITY_FIELDS: ReadonlySet<string> = new Set([
  ...['cpu', 'memory', 'storage', 'ephemeral-storage', 'sizeLimit'],
]);
/** Fields of Kubernetes itself that hold one of a few words, such as `RollingUpdate`. */
const ENUM_FIELDS: ReadonlySet<string> = new Set([
  ...['type', 'protocol', 'pathType', 'imagePullPolicy', 'restartPolicy', 'dnsPolicy'],
  ...['concurrencyPolicy', 'podManagementPolicy', 'sessionAffinity', 'failurePolicy'],
  ...['externalTrafficPolicy', 'internalTrafficPolicy', 'ipFamilyPolicy', 'volumeBindingMode'],
  ...['reclaimPolicy', 'persistentVolumeReclaimPolicy', 'preemptionPolicy', 'updateMode'],
  ...['terminationMessagePolicy', 'whenUnsatisfiable', 'completionMode', 'scope'],
]);
const ENUM_WORD = /^[A-Z][A-Za-z]{1,31}$/;

/**
 * Whether a value may stand where it is kept for good and seen by everybody: numbers, booleans, nothing at all, quantities,
 * container images, and the words of well-known fields. Never what people put into ConfigMaps, Secrets, env and the like.
 */
export function isPublicValue(path: string, value: JsonValue | undefined): boolean {
  const names = parseFieldPath(path).flatMap((one) => (one.kind === 'field' ? [one.name] : []));
  const field = names.at(-1) ?? '';
  if (names.some((name) => FREE_FIELDS.has(name)) || isCredentialName(field)) return false;
  if (typeof value !== 'string') return value === undefined || !isComposite(value);
  if (QUANTITY_FIELDS.has(field)) return parseQuantity(value) !== undefined;
  if (field === 'image') return !looksLikeCredential(value);
  return ENUM_FIELDS.has(field) && ENUM_WORD.test(value);
}

function isComposite(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}
