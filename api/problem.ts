import { z } from 'zod';
import { AppError, fromUnknown } from '../lib/errors.ts';

/** RFC 9457 (application/problem+json), with `error` and `message` as DriftGuard's clients read them. */
export const problemSchema = z.object({
  type: z.string().describe('`urn:realign:error:` and the code'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().describe('the request id, which the log line has too'),
  code: z.string(),
  repair: z.string().describe('what to do about it'),
  retryable: z.boolean(),
  candidates: z.array(z.string()).optional(),
  error: z.string().describe('the same as title'),
  message: z.string().describe('the same as detail'),
});
export type Problem = z.infer<typeof problemSchema>;

/** What a route calls its failures. */
export type Titles = { readonly failure?: string; readonly notFound?: string };

/** Messages of faults stay in the log: they may hold what only operators should read. */
export function toProblem(error: AppError, requestId: string, titles: Titles = {}): Problem {
  const detail = error.code === 'INTERNAL' ? 'An unexpected fault.' : error.message;
  const title = titleOf(error, titles);
  const { candidates } = error.details;
  return {
    type: `urn:realign:error:${error.code}`,
    title,
    status: error.status,
    detail,
    instance: requestId,
    code: error.code,
    repair: error.repair,
    retryable: error.retryable,
    ...(Array.isArray(candidates) && { candidates: candidates.map(String) }),
    error: title,
    message: detail,
  };
}

function titleOf(error: AppError, titles: Titles): string {
  if (error.status >= 500 && titles.failure) return titles.failure;
  if (error.status === 404 && titles.notFound) return titles.notFound;
  const words = error.code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Errors of express and its body parser carry a status; everything else unknown is ours. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  if (status === 413) {
    const limit = error instanceof Error && 'limit' in error ? Number(error.limit) : 0;
    return new AppError('TOO_LARGE', `the body is larger than ${limit / 1024} KiB`);
  }
  if (type === 'entity.parse.failed') {
    return new AppError('INVALID_INPUT', 'the body is no JSON object', { cause: error });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return fromUnknown(error, 'INVALID_INPUT');
  }
  return fromUnknown(error);
}

/** Input of a request, or INVALID_INPUT that names every wrong part. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  what: 'query' | 'body',
): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) {
    refuseNul(result.data, what);
    return result.data;
  }
  const issues = result.error.issues.map(
    (issue) => `${[what, ...issue.path].join('.')}: ${issue.message}`,
  );
  throw new AppError('INVALID_INPUT', issues.join('; '));
}

/** No name of ours holds a NUL character, and Postgres has none: a statement with one would fail as if it were our fault. */
export function refuseNul(input: unknown, what: 'path' | 'query' | 'body'): void {
  for (const [key, value] of Object.entries(input ?? {})) {
    if (typeof value === 'string' && value.includes('\0')) {
      throw new AppError('INVALID_INPUT', `${what}.${key}: must not hold a NUL character`);
    }
  }
}
