import { decodedByteLength, utf8ByteLength } from '../base64.ts';
import type { FieldChange } from '../field-change.ts';
import { type PathSegment, parseFieldPath } from '../field-path.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { KubeObject } from '../resource-ref.ts';
import { isCredentialArgument, isCredentialName, looksLikeCredential } from './credentials.ts';

/** Longer values are described, not shown: in payloads, records and messages nobody reads them anyway. */
const MAX_SHOWN_BYTES = 1024;
const HASH_CHARACTERS = 12;
/** Annotations in which tools keep the object that they applied, with all its values. */
const APPLIED_RECORDS: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'kapp.k14s.io/original',
  'objectset.rio.cattle.io/applied',
]);

/**
 * What the place of a value says of it: `base64` and `text` are the values of a Secret, `secret` its outer fields, which lead
 * to them, `annotations` those of another object, and `plain` is everything else.
 */
type Scope = 'plain' | 'annotations' | 'secret' | 'base64' | 'text';

/** An HMAC under the installation's key: equal texts give equal answers, and nobody can guess them. */
export type KeyedHash = (text: string) => string;

/**
 * The changes as they may leave the process: a Secret's data and annotations, credentials and records of applied
 * objects in annotations become `24 bytes`,
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
  const outer = outerScope(object.kind);
  for (const [field, value] of Object.entries({ ...object, metadata })) {
    if (value !== undefined) {
      content[field] = redactValue(value as JsonValue, field, scopeWithin(outer, field));
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
    const safe = redactValue(value, place.name, place.scope);
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

/** The name that a value goes by, and what the way to it says. */
function placeOf(path: string, kind: string): { name: string; scope: Scope } {
  const segments = path === '' ? [] : parseFieldPath(path);
  const scope = segments.reduce<Scope>(
    (within, one) => (one.kind === 'field' ? scopeWithin(within, one.name) : within),
    outerScope(kind),
  );
  return { name: nameOf(segments), scope };
}

function nameOf(segments: readonly PathSegment[]): string {
  const last = segments.at(-1);
  const before = segments.at(-2);
  if (last?.kind === 'field' && last.name === 'value' && before?.kind === 'item') {
    return before.keys[0]?.[1] ?? '';
  }
  return last?.kind === 'field' ? last.name : '';
}

function outerScope(kind: string): Scope {
  return kind === 'Secret' ? 'secret' : 'plain';
}

function scopeWithin(scope: Scope, field: string): Scope {
  if (scope === 'plain') return field === 'annotations' ? 'annotations' : 'plain';
  if (scope !== 'secret') return scope;
  if (field === 'data') return 'base64';
  // Whatever wrote a Secret may have left a copy of its values in an annotation.
  if (field === 'stringData' || field === 'annotations') return 'text';
  return field === 'metadata' ? 'secret' : 'plain';
}

function redactValue(value: JsonValue, name: string, scope: Scope): JsonValue {
  if (typeof value === 'string') return redactText(value, name, scope);
  if (Array.isArray(value)) return redactList(value as readonly JsonValue[], name, scope);
  if (!isJsonObject(value)) {
    return scope === 'base64' || scope === 'text' ? `${byteLength(value)} bytes` : value;
  }
  return mapObject(value, (held, field) => {
    const named = field === 'value' ? value['name'] : undefined;
    return redactValue(held, typeof named === 'string' ? named : field, scopeWithin(scope, field));
  });
}

function redactText(text: string, name: string, scope: Scope): string {
  if (scope === 'base64') return `${decodedByteLength(text)} bytes`;
  const isSecret =
    scope === 'text' ||
    APPLIED_RECORDS.has(name) ||
    (scope === 'annotations' && isWholeObject(text)) ||
    isCredentialName(name) ||
    looksLikeCredential(text);
  return isSecret ? `${utf8ByteLength(text)} bytes` : text;
}

/** By its marks, without parsing: what a record of an applied object holds cannot be told value by value. */
function isWholeObject(text: string): boolean {
  return /^\s*\{/.test(text) && text.includes('"apiVersion"') && text.includes('"kind"');
}

function redactList(list: readonly JsonValue[], name: string, scope: Scope): JsonValue {
  const safe = list.map((item, at) => {
    const isSecret = typeof item === 'string' && isCredentialArgument(item, list[at - 1]);
    return isSecret ? `${utf8ByteLength(item)} bytes` : redactValue(item, name, scope);
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
