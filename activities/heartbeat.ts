import { Context } from '@temporalio/activity';

/** What a following activity needs of its Temporal context. */
export type Heartbeat = {
  readonly attempt: number;
  /** When the first attempt was scheduled: the same for all attempts. */
  readonly scheduledAtMs: number;
  /** What the last attempt's latest beat said. */
  readonly lastDetails: string | undefined;
  /** Aborted when the workflow cancels the activity or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Beats now, and from here on every few seconds until disposed of, always with the latest details. */
  beat(details?: string): void;
  [Symbol.dispose](): void;
};

/** A third of the time-out: one lost beat does no harm. */
export const BEAT_EVERY_MS = 3_000;

/** The running activity's heartbeat. */
export function currentHeartbeat(): Heartbeat {
  const context = Context.current();
  const { attempt, scheduledTimestampMs, heartbeatDetails } = context.info;
  // A single read may take longer than the time-out: beating does not depend on how often it polls.
  let latest: string | undefined =
    typeof heartbeatDetails === 'string' ? heartbeatDetails : undefined;
  const timer = setInterval(() => context.heartbeat(latest), BEAT_EVERY_MS);
  return {
    attempt,
    scheduledAtMs: scheduledTimestampMs,
    lastDetails: typeof heartbeatDetails === 'string' ? heartbeatDetails : undefined,
    signal: context.cancellationSignal,
    beat: (details) => {
      latest = details ?? latest;
      context.heartbeat(latest);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** Of the running activity, from 1. */
export function currentAttempt(): number {
  return Context.current().info.attempt;
}

/** The run id of the workflow that asked. */
export function currentRunId(): string {
  return Context.current().info.workflowExecution?.runId ?? '';
}
