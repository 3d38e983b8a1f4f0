import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  Next,
} from '@temporalio/worker';
import type { StepEntry } from '../drift/record.ts';
import { type AppError, fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { withoutQuotedValues } from '../lib/quoted-values.ts';
import type { Store } from '../store/types.ts';
import { BEAT_EVERY_MS } from './heartbeat.ts';
import type { Activities, StepInput } from './types.ts';

const MAX_MESSAGE_LENGTH = 2_000;
/** These beat through `currentHeartbeat`, with details that a beat of ours would overwrite. */
const BEATING_BY_THEMSELVES: ReadonlySet<string> = new Set<keyof Activities>([
  'applyUnit',
  'verify',
  'analyseEnvironment',
]);

/**
 * Around every attempt of every activity: writes down that it started and how it ended, and turns what it throws into a failure
 * whose type is our error code, so that workflows and retry rules decide by code. It also beats the heart of those that do
 * not do so themselves.
 */
export function createActivityInterceptor(
  context: Context,
  { store, log }: { readonly store: Store; readonly log: Log },
): ActivityInboundCallsInterceptor {
  const { activityType, attempt } = context.info;
  return {
    async execute(
      input: ActivityExecuteInput,
      next: Next<ActivityInboundCallsInterceptor, 'execute'>,
    ): Promise<unknown> {
      const step = input.args[0] as StepInput;
      const entry = { episodeId: step.episodeId, step: activityType, key: step.key, attempt };
      const beating = BEATING_BY_THEMSELVES.has(activityType)
        ? undefined
        : setInterval(() => context.heartbeat(), BEAT_EVERY_MS);
      try {
        await append(store, { ...entry, status: 'started' });
        const result = await next(input);
        await append(store, { ...entry, status: 'done' });
        return result;
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        const failure = toFailure(error);
        log.warn(
          { ...entry, code: failure.type, reason: failure.message },
          'an activity attempt failed',
        );
        // The failure itself must reach Temporal even when Postgres is what is away.
        await append(store, { ...entry, status: 'failed', message: failure.message }).catch(
          () => {},
        );
        throw failure;
      } finally {
        clearInterval(beating);
      }
    },
  };
}

function append(store: Store, entry: Omit<StepEntry, 'at'>): Promise<void> {
  const message = entry.message?.slice(0, MAX_MESSAGE_LENGTH);
  return store.episodes.appendStep({
    ...entry,
    at: new Date().toISOString(),
    ...(message !== undefined && { message }),
  });
}

/** The failure that Temporal keeps. No value that a server quoted is in it, nor in its cause, which is kept as well. */
export function toFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const known: AppError = fromUnknown(error);
  const message = withoutQuotedValues(known.message);
  return ApplicationFailure.create({
    type: known.code,
    message: `${message} ${known.repair}`,
    nonRetryable: !known.retryable,
    ...(message === known.message && { cause: known }),
  });
}
