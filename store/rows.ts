import { z } from 'zod';
import type { Finding, Outcome } from '../drift/decide/record.ts';
import { SEVERITIES } from '../drift/field-change.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../drift/json.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';

/** Pieces that the row parsers of the tables share. Documents that only this store writes are checked for their shape, not deeply. */
export const instant = z.date().transform((date) => date.toISOString());
export const severity = z.enum(SEVERITIES);
export const json = z.custom<JsonValue>((value) => value !== undefined);
export const finding = z.custom<Finding>(isJsonObject);
export const outcome = z.enum([
  'detecting',
  'waiting',
  'fixing',
  'fixed',
  'partly-fixed',
  'accepted',
  'rejected',
  'snoozed',
  'expired',
  'tracked',
  'resolved',
  'transient',
  'failed',
] as const satisfies readonly Outcome[]);

export const refColumns = {
  environment: z.string(),
  api_group: z.string(),
  version: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
};

/** The resource that a row names. */
export function refOfRow(row: {
  environment: string;
  api_group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
}): ResourceRef {
  return {
    environment: row.environment,
    group: row.api_group,
    version: row.version,
    kind: row.kind,
    namespace: row.namespace,
    name: row.name,
  };
}

/** A ref in the order of the columns environment, api_group, version, kind, namespace, name. */
export function refValues(ref: ResourceRef): readonly string[] {
  return [ref.environment, ref.group, ref.version, ref.kind, ref.namespace, ref.name];
}

/** What identifies a resource, in the order of the columns environment, api_group, kind, namespace, name. */
export function resourceValues(ref: ResourceRef): readonly string[] {
  return [ref.environment, ref.group, ref.kind, ref.namespace, ref.name];
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], null | undefined> };

/** SQL says null where the types leave a field out. */
export function present<T extends object>(columns: T): Present<T> {
  const kept = Object.entries(columns).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(kept) as Present<T>;
}

/** Text as Postgres can hold it: it has no NUL character and no half surrogate pairs. */
export function toText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

/** A value as the text of a jsonb parameter. Kubernetes allows characters in texts that jsonb refuses. */
export function toJsonb(value: JsonValue | object | undefined): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  if (!text.includes('\\u0000') && !text.includes('\\ud')) return text;
  return JSON.stringify(withStorableTexts(value));
}

function withStorableTexts(value: unknown): unknown {
  if (typeof value === 'string') return toText(value);
  if (Array.isArray(value)) return value.map(withStorableTexts);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value satisfies JsonObject);
  return Object.fromEntries(entries.map(([key, one]) => [toText(key), withStorableTexts(one)]));
}
