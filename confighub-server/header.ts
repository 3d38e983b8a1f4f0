import { z } from 'zod';
import { badRequest, conflict } from './hub-error.ts';

/** What every entity carries. */
export type Header = {
  readonly slug: string;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

const texts = z.record(z.string(), z.string().nullable()).nullish();

/** The header of a create, PUT or PATCH body. Null values delete keys in a PATCH. */
export const headerInput = {
  Slug: z.string().optional(),
  DisplayName: z.string().nullish(),
  Labels: texts,
  Annotations: texts,
  Version: z.number().int().nullish(),
} as const;

export type HeaderInput = z.infer<z.ZodObject<typeof headerInput>>;

/** The columns of a header, for rows of any entity. */
export type HeaderRow = {
  readonly slug: string;
  readonly display_name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

const SLUG = /^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$/;
const LABEL_KEY = /^[A-Za-z0-9]([-_./A-Za-z0-9]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^[^'"\\\p{Cc}]*$/u;
const MAX_NAME_CHARS = 128;
const MAX_ANNOTATION_CHARS = 65_536;
const MAX_KEYS = 256;

/** The header of a new entity. */
export function newHeader(input: HeaderInput): Header {
  return checked({
    slug: input.Slug ?? '',
    displayName: input.DisplayName ?? '',
    labels: withoutNulls(input.Labels ?? {}),
    annotations: withoutNulls(input.Annotations ?? {}),
  });
}

/** PUT: what the body leaves out is emptied, but a slug stays. */
export function replaceHeader(row: HeaderRow, input: HeaderInput): Header {
  return newHeader({ ...input, Slug: input.Slug ?? row.slug });
}

/** PATCH by RFC 7386: what the body leaves out stays, null deletes. */
export function patchHeader(row: HeaderRow, input: HeaderInput): Header {
  return checked({
    slug: input.Slug ?? row.slug,
    displayName: input.DisplayName === undefined ? row.display_name : (input.DisplayName ?? ''),
    labels: patchTexts(row.labels, input.Labels),
    annotations: patchTexts(row.annotations, input.Annotations),
  });
}

/** 409 unless `sent` is the present version. A PUT must send one, a PATCH may. */
export function checkVersion(
  present: number,
  sent: number | null | undefined,
  required: boolean,
): void {
  if (sent === undefined || sent === null) {
    if (required)
      throw conflict('the body carries no Version; read the entity and send what you read');
    return;
  }
  if (sent !== present) throw conflict(`Version ${sent} is stale, the entity is at ${present}`);
}

function patchTexts(
  present: Readonly<Record<string, string>>,
  patch: Readonly<Record<string, string | null>> | null | undefined,
): Readonly<Record<string, string>> {
  if (patch === undefined) return present;
  if (patch === null) return {};
  return withoutNulls({ ...present, ...patch });
}

function withoutNulls(
  texts: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const kept: [string, string][] = [];
  for (const [key, value] of Object.entries(texts)) if (value !== null) kept.push([key, value]);
  return Object.fromEntries(kept);
}

function checked(header: Header): Header {
  if (header.slug.length > MAX_NAME_CHARS || !SLUG.test(header.slug)) {
    throw badRequest(`Slug is not valid: ${JSON.stringify(header.slug.slice(0, MAX_NAME_CHARS))}`);
  }
  for (const [name, map] of [
    ['Labels', header.labels],
    ['Annotations', header.annotations],
  ] as const) {
    if (Object.keys(map).length > MAX_KEYS) throw badRequest(`${name}: more than ${MAX_KEYS} keys`);
    for (const [key, value] of Object.entries(map)) checkPair(name, key, value);
  }
  return header;
}

function checkPair(map: 'Labels' | 'Annotations', key: string, value: string): void {
  if (key.length > MAX_NAME_CHARS || !LABEL_KEY.test(key)) {
    throw badRequest(`${map}: key is not valid: ${JSON.stringify(key.slice(0, MAX_NAME_CHARS))}`);
  }
  const valid =
    map === 'Labels'
      ? value.length <= MAX_NAME_CHARS && LABEL_VALUE.test(value)
      : value.length <= MAX_ANNOTATION_CHARS;
  if (!valid) throw badRequest(`${map}: the value of ${key} is not valid`);
}
