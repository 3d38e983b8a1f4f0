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
  beat(details?: string): void;
};

/** The running activity's heartbeat. */
export function currentHeartbeat(): Heartbeat {
  const context = Context.current();
  const { attempt, scheduledTimestampMs, heartbeatDetails } = context.info;
  return {
    attempt,
    scheduledAtMs: scheduledTimestampMs,
    lastDetails: typeof heartbeatDetails === 'string' ? heartbeatDetails : undefined,
    signal: context.cancellationSignal,
    beat: (details) => context.heartbeat(details),
  };
}

/** The run id of the workflow that asked. */
export function currentRunId(): string {
  return Context.current().info.workflowExecution?.runId ?? '';
}
