/**
 * One class, one catalogue. Each code has a sentence that says what to do, the HTTP status it becomes and whether trying
 * again can help; every border (HTTP, Temporal, the command line) renders from here.
 */
export const ERRORS = {
  INVALID_INPUT: { status: 400, retryable: false, repair: 'Correct the input and send it again.' },
  UNAUTHORIZED: {
    status: 401,
    retryable: false,
    repair:
      'Send a token of an entry of `people:` as `Authorization: Bearer`; set REALIGN_TOKEN for the command line.',
  },
  FORBIDDEN: {
    status: 403,
    retryable: false,
    repair: 'Ask somebody with the role that the message names.',
  },
  NOT_FOUND: { status: 404, retryable: false, repair: 'List what exists, then name it again.' },
  AMBIGUOUS: {
    status: 409,
    retryable: false,
    repair: 'Name the environment too: `environment:Kind:namespace:name`.',
  },
  TOO_LARGE: { status: 413, retryable: false, repair: 'Send less at once.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    retryable: false,
    repair: 'Send JSON with `Content-Type: application/json`.',
  },
  TOO_MANY_REQUESTS: {
    status: 429,
    retryable: true,
    repair: 'Wait ten seconds, then call less often.',
  },
  CONFLICT: {
    status: 409,
    retryable: false,
    repair: 'Read the present state again, then decide anew.',
  },
  DIGEST_STALE: {
    status: 409,
    retryable: false,
    repair:
      'The drift or its plan changed; read the question again and decide on what it says now.',
  },
  QUESTION_CLOSED: {
    status: 409,
    retryable: false,
    repair: 'Nothing waits for a decision any more; see the record for what happened.',
  },
  ALREADY_DECIDED: {
    status: 409,
    retryable: false,
    repair: 'The first decision holds; see the record for who took it.',
  },
  NOT_AN_APPROVER: {
    status: 403,
    retryable: false,
    repair: 'The policy names who may approve; ask one of them.',
  },
  SELF_APPROVAL: {
    status: 403,
    retryable: false,
    repair: 'Somebody other than the author of the change must approve.',
  },
  FROZEN: {
    status: 409,
    retryable: false,
    repair: 'Decide again after the freeze; rejecting and snoozing are possible now.',
  },
  CONFIG_INVALID: {
    status: 500,
    retryable: false,
    repair: 'Correct the configuration; `realign config check` shows every problem.',
  },
  MANIFEST_INVALID: {
    status: 422,
    retryable: false,
    repair: 'Correct the YAML at the place that the message names.',
  },
  CONFIGHUB_UNAUTHORIZED: {
    status: 502,
    retryable: false,
    repair: 'Check CUB_TOKEN: ConfigHub refused it.',
  },
  CONFIGHUB_REFUSED: {
    status: 502,
    retryable: false,
    repair: 'ConfigHub refused the request; its message says why.',
  },
  CONFIGHUB_CONFLICT: {
    status: 409,
    retryable: true,
    repair: 'Somebody else wrote the unit; it is read again.',
  },
  CONFIGHUB_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair:
      'ConfigHub cannot be reached; check CUB_API_URL and the network. Realign tries again by itself.',
  },
  APPLY_FAILED: {
    status: 502,
    retryable: false,
    repair: 'ConfigHub could not apply the unit; its message says why.',
  },
  KUBERNETES_FORBIDDEN: {
    status: 502,
    retryable: false,
    repair: 'Grant the identity the missing right (deploy/base/rbac.yaml), then try again.',
  },
  KUBERNETES_REFUSED: {
    status: 502,
    retryable: false,
    repair: 'The API server refused the request; its message says why.',
  },
  KUBERNETES_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair:
      'The API server cannot be reached; check KUBECONFIG and the context. Realign tries again by itself.',
  },
  TEMPORAL_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair: 'Temporal cannot be reached; check TEMPORAL_ADDRESS. Realign tries again by itself.',
  },
  TEMPORAL_REFUSED: {
    status: 502,
    retryable: false,
    repair:
      'Temporal refuses this identity: check temporal.namespace, temporal.apiKey and temporal.tls.',
  },
  PAYLOAD_UNREADABLE: {
    status: 422,
    retryable: true,
    repair:
      'List the key that the payload names under temporal.codec.keys, after the one that encrypts, in every process.',
  },
  DATABASE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair: 'Postgres cannot be reached; check DATABASE_URL. Realign tries again by itself.',
  },
  SLACK_UNAUTHORIZED: {
    status: 502,
    retryable: false,
    repair: 'Slack refused the token; `realign slack check` says what is wrong with it.',
  },
  SLACK_REFUSED: {
    status: 502,
    retryable: false,
    repair: 'Slack refused the request; `realign slack check` looks for the cause.',
  },
  SLACK_RATE_LIMITED: {
    status: 503,
    retryable: true,
    repair: 'Slack asks for a pause. Realign tries again by itself when it is over.',
  },
  SLACK_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair: 'Slack cannot be reached; check the network. Realign tries again by itself.',
  },
  RECEIVER_REFUSED: {
    status: 502,
    retryable: false,
    repair:
      'The receiver of notifications refused the message; correct its entry in notifications.receivers.',
  },
  RECEIVER_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair: 'The receiver of notifications cannot be reached. Realign tries again by itself.',
  },
  APPROVERS_UNKNOWN: {
    status: 503,
    retryable: true,
    repair:
      'Slack does not say who belongs to the group of approvers; decide again in a minute. Rejecting and snoozing are possible now.',
  },
  CLAUDE_REFUSED: {
    status: 502,
    retryable: false,
    repair:
      'Check claude.apiKey, claude.model and claude.url; the message says what Claude refused.',
  },
  CLAUDE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair: 'Nothing needs to be done: Claude is asked again, and drift is dealt with without it.',
  },
  CLAUDE_ANSWER_INVALID: {
    status: 502,
    retryable: false,
    repair:
      'Nothing needs to be done: the answer is thrown away. If it happens often, change claude.model.',
  },
  CLAUDE_BUDGET_SPENT: {
    status: 429,
    retryable: false,
    repair: 'Wait until calls have become older than the hour or the day, or raise claude.budget.',
  },
  API_UNAVAILABLE: {
    status: 503,
    retryable: true,
    repair: 'The api of Realign cannot be reached; check REALIGN_URL and that `realign api` runs.',
  },
  STARTING: {
    status: 503,
    retryable: true,
    repair: 'Wait until `/ready` answers 200; until then it names the parts that are waited for.',
  },
  SETUP_FAILED: {
    status: 500,
    retryable: false,
    repair: 'Follow the message, then run the command again.',
  },
  INTERNAL: {
    status: 500,
    retryable: true,
    repair: 'This is a fault of Realign; report it with the log line of the same request id.',
  },
} as const satisfies Record<string, { status: number; retryable: boolean; repair: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a code of the catalogue. `details` are for machines and must hold no secret. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? {};
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** What the reader can do about it: what `details` says of this very error, or else the catalogue of its code. */
  get repair(): string {
    const { repair } = this.details;
    return typeof repair === 'string' ? repair : ERRORS[this.code].repair;
  }
}

/** `details.reason` of what every run of an environment meets while its space is away: said once, by the source. */
export const NO_SPACE = 'NoSpace';

/** Whatever was thrown, as an AppError; the original stays as its cause. */
export function fromUnknown(error: unknown, code: ErrorCode = 'INTERNAL'): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError(code, message, { cause: error });
}

/** What happened and what to do about it, for places that have one line for both. */
export function withRepair({ message, repair }: Pick<AppError, 'message' | 'repair'>): string {
  const end = /[.!?…][)\]"'`]*$/.test(message.trimEnd()) ? '' : '.';
  return `${message.trimEnd()}${end} ${repair}`;
}
