import type { AppError } from '../lib/errors.ts';
import type { Confirmation } from './types.ts';

/** Why a dry run was refused, and what that says of the drift. */
export type Refusal = Extract<Confirmation, { because: string }>;

const MAX_FIELDS = 5;
const MAX_FIELD_LENGTH = 200;

/**
 * The API server's schema does not know what is desired: 400 for a strict apply, 500 from the merge of a server-side apply, as
 * measured on Kubernetes 1.36.
 */
const SCHEMA_REFUSAL =
  /strict decoding error|unknown field|not declared in schema|duplicate entries for key|failed to create typed/;
/** Both forms name the field and no value: `unknown field "spec.foo"`, `.spec.foo: field not declared in schema`. */
const UNKNOWN_FIELDS = [
  /unknown field "([^"]+)"/g,
  /\.((?:[\w-]|\.|\[[^\]]*\])+): field not declared in schema/g,
];

/**
 * What a refused dry run means; undefined where asking again may help. Of the server's words only names of fields are kept,
 * because its messages quote values.
 */
export function refusalOf(error: AppError): Refusal | undefined {
  if (error.code === 'KUBERNETES_UNAVAILABLE') return undefined;
  const status = error.details['status'];
  if (error.code === 'KUBERNETES_REFUSED' && SCHEMA_REFUSAL.test(error.message)) {
    const fields = UNKNOWN_FIELDS.flatMap((pattern) =>
      [...error.message.matchAll(pattern)].map((match) => match[1] ?? ''),
    );
    return { kind: 'invalid-desired', because: `the API server does not know ${named(fields)}` };
  }
  if (status === 422) {
    const fields = named(fieldsOfCauses(error));
    return { kind: 'unrepairable', because: `the API server would refuse to set ${fields}` };
  }
  const reason =
    error.code === 'KUBERNETES_FORBIDDEN'
      ? 'the identity for repairs may not apply it, or admission denies it'
      : `the API server refused the dry run${typeof status === 'number' ? ` (${status})` : ''}`;
  return { kind: 'unconfirmed', because: reason };
}

function fieldsOfCauses({ details }: AppError): readonly string[] {
  const { causes } = details;
  if (!Array.isArray(causes)) return [];
  return causes.flatMap((cause: { readonly field?: unknown }) =>
    typeof cause.field === 'string' && cause.field !== '' ? [cause.field] : [],
  );
}

function named(fields: readonly string[]): string {
  const names = [...new Set(fields)].map((one) => one.slice(0, MAX_FIELD_LENGTH));
  if (names.length === 0) return 'a field of what is desired';
  const more = names.length > MAX_FIELDS ? ` and ${names.length - MAX_FIELDS} more` : '';
  return `${names.slice(0, MAX_FIELDS).join(', ')}${more}`;
}
