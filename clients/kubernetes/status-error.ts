import { z } from 'zod';
import { AppError, type ErrorCode } from '../../lib/errors.ts';
import { withoutQuotedValues } from '../../lib/quoted-values.ts';

// meta/v1 Status: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
const statusSchema = z.object({
  kind: z.literal('Status'),
  message: z.string().default(''),
  reason: z.string().default(''),
  code: z.number().default(0),
  details: z
    .object({
      causes: z
        .array(
          z.object({
            reason: z.string().default(''),
            message: z.string().default(''),
            field: z.string().default(''),
          }),
        )
        .default([]),
      retryAfterSeconds: z.number().default(0),
    })
    .default({ causes: [], retryAfterSeconds: 0 }),
});

/** One reason of a refusal; for a 409 of a server-side apply the field and, in the message, its other manager. */
export type StatusCause = {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
};

const MAX_MESSAGE_CHARS = 2_000;
// A server-side apply answers 500 for objects that do not fit the schema, which no further attempt can mend.
const SCHEMA_REFUSAL = /not declared in schema|duplicate entries for key|failed to create typed/;

/** `details.reason` of a resourceVersion or page token that is too old: list again. */
const EXPIRED = 'Expired';

/** `details.reason` of an answer larger than the client reads: ask for smaller pages. */
export const TOO_LARGE = 'ResponseTooLarge';

/** What an answer other than 2xx means. `what` is the attempt in words, e.g. `get deployments`. */
export function errorOfAnswer(what: string, status: number, body: string): AppError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // Proxies and early start-up answer in plain text.
    parsed = undefined;
  }
  return errorOfStatus(what, status, parsed, body.trim());
}

/** What a `Status` object means, as an answer's body or as the object of a watch's ERROR event. */
export function errorOfStatus(
  what: string,
  httpStatus: number,
  body: unknown,
  fallback = '',
): AppError {
  const read = statusSchema.safeParse(body);
  const status = read.success && read.data.code > 0 ? read.data.code : httpStatus;
  const said = shown(read.success ? read.data.message : fallback);
  const causes: readonly StatusCause[] = read.success
    ? read.data.details.causes.map((cause) => ({ ...cause, message: shown(cause.message) }))
    : [];
  return new AppError(codeOf(status, said), `${what}: ${said || `answered ${status}`}`, {
    details: {
      status,
      reason: status === 410 ? EXPIRED : read.success ? read.data.reason : '',
      causes,
      ...(read.success && read.data.details.retryAfterSeconds > 0
        ? { retryAfterMs: read.data.details.retryAfterSeconds * 1_000 }
        : {}),
    },
  });
}

/** The server quotes the values that it refuses, which may be a Secret's. */
function shown(message: string): string {
  return withoutQuotedValues(message.slice(0, MAX_MESSAGE_CHARS));
}

function codeOf(status: number, message: string): ErrorCode {
  if (status === 401 || status === 403) return 'KUBERNETES_FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 409) return 'CONFLICT';
  if (status === 408 || status === 429) return 'KUBERNETES_UNAVAILABLE';
  if (status >= 500 && !SCHEMA_REFUSAL.test(message)) return 'KUBERNETES_UNAVAILABLE';
  return 'KUBERNETES_REFUSED';
}

/** The server's reasons for a refusal; for an apply conflict each names a field and its manager. */
export function causesOf(error: unknown): readonly StatusCause[] {
  if (!(error instanceof AppError)) return [];
  const causes = error.details['causes'];
  return Array.isArray(causes) ? causes : [];
}
