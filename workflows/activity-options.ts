import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/** Codes of `lib/errors.ts` that no retry can mend. Kept as text: workflows import nothing from `lib/`. */
const NEVER_RETRIED = [
  'INVALID_INPUT',
  'NOT_FOUND',
  'FORBIDDEN',
  'CONFLICT',
  'CONFIG_INVALID',
  'MANIFEST_INVALID',
  'CONFIGHUB_UNAUTHORIZED',
  'CONFIGHUB_REFUSED',
  'APPLY_FAILED',
  'KUBERNETES_FORBIDDEN',
  'KUBERNETES_REFUSED',
];

/** A killed worker is noticed in this time: every attempt beats while it lives, however long it takes. */
const HEARTBEAT_TIMEOUT = '10s';

/** One row per group of activities; every time-out and retry has its reason. */
export const ACTIVITY_OPTIONS = {
  /** Reads and rows in Postgres: repeating them is free, so they are tried through an outage of hours. */
  read: {
    startToCloseTimeout: '30s', // the slowest read is a unit of 1 MiB and its live objects
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: {
      initialInterval: '500ms',
      backoffCoefficient: 2,
      maximumInterval: '30s', // an outage ends without anyone waiting minutes for the next try
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  },
  /** Asking Claude holds up nothing; but advice about a drift that was dealt with long ago is of no use. */
  claude: {
    startToCloseTimeout: '45s', // a call takes 30 s at most, and the facts around it are read before
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    scheduleToCloseTimeout: '10m',
    retry: {
      initialInterval: '2s', // unless the server says when
      backoffCoefficient: 3,
      maximumInterval: '1m',
      maximumAttempts: 4,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  },
  /** Somebody waits at a prompt. */
  answer: {
    startToCloseTimeout: '24s',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    scheduleToCloseTimeout: '25s',
    retry: { maximumAttempts: 1 },
  },
  /** A dry run holds up the question or the fix behind it, so after half a minute people decide without it. */
  confirm: {
    startToCloseTimeout: '30s',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: {
      initialInterval: '500ms',
      backoffCoefficient: 2,
      maximumInterval: '10s',
      maximumAttempts: 7, // enough for workers that are killed and API servers that restart
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  },
  /** Written beside the fix, which does not wait for it: tried through the outage of a day. */
  record: {
    startToCloseTimeout: '1m', // a few small requests
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    scheduleToCloseTimeout: '24h',
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      maximumInterval: '5m',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  },
  /** What people are told: after a minute the workflow looks again at what there is to say, and pauses. */
  post: {
    startToCloseTimeout: '45s', // a look into the history, an edit, a post, ten seconds each
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      maximumInterval: '30s',
      maximumAttempts: 5,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  },
  /** Writes to ConfigHub: each checks first whether it has already happened. */
  write: {
    startToCloseTimeout: '1m', // one guarded request and the look before it
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    scheduleToCloseTimeout: '1h', // then a person should hear of it instead
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      maximumInterval: '1m',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  },
  /** Applies and verifications follow something that takes minutes; they beat between polls, too. */
  follow: {
    startToCloseTimeout: '15m', // above the longest rolloutTimeout that the configuration allows
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    scheduleToCloseTimeout: '1h',
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      maximumInterval: '30s',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  },
} as const satisfies Record<string, ActivityOptions>;

/** Within a workflow task, of ten seconds: the one try leaves time for what follows from it, be it the same step as an activity. */
export const LOCAL_OPTIONS = {
  startToCloseTimeout: '5s',
  retry: { maximumAttempts: 1 },
} as const satisfies LocalActivityOptions;
