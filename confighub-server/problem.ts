import { sqlState } from './database.ts';
import { HubError } from './hub-error.ts';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';
const INVALID_REGULAR_EXPRESSION = '2201B';
const QUERY_CANCELED = '57014';

/** Status and message of whatever a handler threw. Unknown errors are faults of this server: 500, details in its log. */
export function problemOf(error: unknown): {
  status: number;
  message: string;
  unexpected: boolean;
} {
  if (error instanceof HubError) {
    return { status: error.status, message: error.message, unexpected: false };
  }
  switch (sqlState(error)) {
    case UNIQUE_VIOLATION:
      return { status: 409, message: 'an entity with this slug exists already', unexpected: false };
    case FOREIGN_KEY_VIOLATION:
      return { status: 400, message: 'an id names nothing that exists', unexpected: false };
    case INVALID_REGULAR_EXPRESSION:
      return { status: 400, message: 'where: not a regular expression', unexpected: false };
    case QUERY_CANCELED:
      return { status: 503, message: 'the query took too long', unexpected: false };
  }
  const parser = bodyParserProblem(error);
  return parser ?? { status: 500, message: 'internal error', unexpected: true };
}

/** The `Error` of one item of a bulk answer. */
export function itemError(error: unknown, entityType: string, entityId: string): object {
  const { status, message, unexpected } = problemOf(error);
  if (unexpected) throw error;
  return {
    Status: status,
    Message: message,
    ErrorCategory: status === 404 ? 'not-found' : 'validation',
    ErrorMetadata: { EntityType: entityType, EntityID: entityId },
  };
}

// express's parsers throw errors with a status of their own (413 too large, 400 not JSON).
function bodyParserProblem(
  error: unknown,
): { status: number; message: string; unexpected: boolean } | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') {
    return undefined;
  }
  if (error.status < 400 || error.status > 499) return undefined;
  return { status: error.status, message: error.message, unexpected: false };
}
