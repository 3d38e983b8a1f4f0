import { decodedByteLength, utf8ByteLength } from './base64.ts';
import { isCredentialArgument, isCredentialName, looksLikeCredential } from './credentials.ts';
import type { FieldChange } from './field-change.ts';
import { parseFieldPath } from './field-path.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject } from './json.ts';
import type { KubeObject } from './resource-ref.ts';

/** Longer values are described, not shown: in payloads, records and messages nobody reads them anyway. */
const MAX_SHOWN_BYTES = 1024;
const HASH_CHARACTERS = 12;
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** An HMAC under the installation's key: equal texts give equal answers, and nobody can guess them. */
export type KeyedHash = (text: string) => string;

/**
 * The changes as they may leave the process: Secret data, credentials and last-applied-configuration become `24 bytes`,
 * values over 1 KiB their length and, with `keyedHash`, the beginning of their hash. Everything else stays as it is.
 */
export function redactChanges(
  changes: readonly FieldChange[],
  kind: string,
  keyedHash?: KeyedHash,
): readonly FieldChange[] {
  return changes.map((change) => redactChange(change, kind, keyedHash));
}

/** A whole object as it may be kept and shown; `managedFields` are left out, nobody reads them there. */
export function redactObject(object: KubeObject, keyedHash?: KeyedHash): JsonValue {
  const { managedFields: _owners, ...metadata } = object.metadata;
  const content: Record<string, JsonValue> = {};
  for (const [field, value] of Object.entries({ ...object, metadata })) {
    const isSecret = object.kind === 'Secret' && isSecretField(field);
    if (value !== undefined) {
      content[field] = redactValue(value as JsonValue, field, isSecret ? field : undefined);
    }
  }
  return shortened(content, keyedHash);
}

/** A change for people, without its path: `changed, 24 → 32 bytes`, `3 → 5`, `added, "debug"`. */
export function renderChange(change: FieldChange): string {
  const { op, desired, live } = change;
  if (op === 'object-missing') return 'missing';
  if (change.redacted === true) return renderRedacted(change);
  if (desired === undefined) return `${op}, ${JSON.stringify(live)}`;
  if (live === undefined) return `${op}, was ${JSON.stringify(desired)}`;
  const values = `${JSON.stringify(desired)} → ${JSON.stringify(live)}`;
  return op === 'changed' ? values : `${op}, ${values}`;
}

function renderRedacted({ op, desired, live }: FieldChange): string {
  if (typeof desired !== 'string') return `${op}, ${String(live)}`;
  if (typeof live !== 'string') return `${op}, ${desired}`;
  const before = /^(\d+) bytes$/.exec(desired)?.[1];
  const isPlain = before !== undefined && /^\d+ bytes$/.test(live);
  return `${op}, ${isPlain ? before : desired} → ${live}`;
}

function redactChange(change: FieldChange, kind: string, keyedHash?: KeyedHash): FieldChange {
  if (change.desired === undefined && change.live === undefined) return change;
  const place = placeOf(change.path, kind);
  const shown: { desired?: JsonValue; live?: JsonValue } = {};
  let isRedacted = false;
  for (const side of ['desired', 'live'] as const) {
    const value = change[side];
    if (value === undefined) continue;
    const safe = redactValue(value, place.name, place.secretField);
    const short = describeLong(safe, value, keyedHash);
    if (short !== value) isRedacted = true;
    shown[side] = short;
  }
  if (!isRedacted) return change;
  // One side described and the other shown would tell what the described one is not; both are.
  const { desired: _desired, live: _live, ...rest } = change;
  return { ...rest, ...describeBoth(shown, change), redacted: true };
}

/** When one side is a description as a whole, so is the other. */
function describeBoth(
  shown: { readonly desired?: JsonValue; readonly live?: JsonValue },
  change: FieldChange,
): { desired?: JsonValue; live?: JsonValue } {
  const isWhole = (side: 'desired' | 'live') =>
    typeof shown[side] === 'string' && shown[side] !== change[side];
  if (!isWhole('desired') && !isWhole('live')) return shown;
  const both: { desired?: JsonValue; live?: JsonValue } = {};
  for (const side of ['desired', 'live'] as const) {
    const value = shown[side];
    if (value === undefined) continue;
    both[side] = isWhole(side) ? value : `${byteLength(value)} bytes`;
  }
  return both;
}

/** The name that a value goes by, and the Secret's field that it lies in. */
function placeOf(path: string, kind: string): { name: string; secretField: string | undefined } {
  const segments = parseFieldPath(path);
  const [first] = segments;
  const root = first?.kind === 'field' ? first.name : '';
  const last = segments.at(-1);
  const before = segments.at(-2);
  const secretField = kind === 'Secret' && isSecretField(root) ? root : undefined;
  if (last?.kind === 'field' && last.name === 'value' && before?.kind === 'item') {
    return { name: before.keys[0]?.[1] ?? '', secretField };
  }
  return { name: last?.kind === 'field' ? last.name : '', secretField };
}

function isSecretField(field: string): boolean {
  return field === 'data' || field === 'stringData';
}

function redactValue(value: JsonValue, name: string, secretField: string | undefined): JsonValue {
  if (typeof value === 'string') {
    if (secretField === 'data') return `${decodedByteLength(value)} bytes`;
    if (secretField !== undefined) return `${utf8ByteLength(value)} bytes`;
    const isSecret = name === LAST_APPLIED || isCredentialName(name) || looksLikeCredential(value);
    return isSecret ? `${utf8ByteLength(value)} bytes` : value;
  }
  if (Array.isArray(value)) return redactList(value as readonly JsonValue[], name, secretField);
  if (!isJsonObject(value)) return secretField === undefined ? value : `${byteLength(value)} bytes`;
  return mapObject(value, (held, field) => {
    const named = field === 'value' ? value['name'] : undefined;
    return redactValue(held, typeof named === 'string' ? named : field, secretField);
  });
}

function redactList(
  list: readonly JsonValue[],
  name: string,
  secretField: string | undefined,
): JsonValue {
  const safe = list.map((item, at) => {
    const isSecret = typeof item === 'string' && isCredentialArgument(item, list[at - 1]);
    return isSecret ? `${utf8ByteLength(item)} bytes` : redactValue(item, name, secretField);
  });
  return safe.some((item, at) => item !== list[at]) ? safe : list;
}

/** The same object when nothing in it changed, so that callers can tell. */
function mapObject(
  object: JsonObject,
  map: (value: JsonValue, field: string) => JsonValue,
): JsonObject {
  let changed: Record<string, JsonValue> | undefined;
  for (const [field, value] of Object.entries(object)) {
    const mapped = map(value, field);
    if (mapped !== value) {
      changed ??= { ...object };
      changed[field] = mapped;
    }
  }
  return changed ?? object;
}

/** Long texts inside an object, each described on its own. */
function shortened(value: JsonValue, keyedHash: KeyedHash | undefined): JsonValue {
  if (typeof value === 'string') return describeLong(value, value, keyedHash);
  if (Array.isArray(value))
    return (value as readonly JsonValue[]).map((one) => shortened(one, keyedHash));
  return isJsonObject(value) ? mapObject(value, (one) => shortened(one, keyedHash)) : value;
}

function describeLong(
  value: JsonValue,
  original: JsonValue,
  keyedHash: KeyedHash | undefined,
): JsonValue {
  if (typeof value !== 'string' && typeof value !== 'object') return value;
  const length = byteLength(value);
  if (length <= MAX_SHOWN_BYTES) return value;
  if (!keyedHash) return `${length} bytes`;
  const text = typeof original === 'string' ? original : JSON.stringify(original);
  return `${length} bytes, hash ${keyedHash(text).slice(0, HASH_CHARACTERS)}`;
}

function byteLength(value: JsonValue): number {
  return utf8ByteLength(typeof value === 'string' ? value : JSON.stringify(value));
}
