import type { Context } from '@temporalio/activity';
import {
  ApplicationFailure,
  ApplicationFailureCategory,
  CancelledFailure,
} from '@temporalio/common';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  Next,
} from '@temporalio/worker';
import type { StepEntry } from '../drift/decide/record.ts';
import { type AppError, fromUnknown, NO_SPACE, withRepair } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { withoutQuotedValues } from '../lib/quoted-values.ts';
import type { Store } from '../store/types.ts';
import type { AnnouncementActivities } from './announcement-types.ts';
import { BEAT_EVERY_MS } from './heartbeat.ts';
import type { Activities, StepInput } from './types.ts';

const MAX_MESSAGE_LENGTH = 2_000;
/** What could not be told after so many attempts is told with the next step: it must not undo what was done, nor keep it from ending. */
const MAX_TELLING_ATTEMPTS = 6;
/** Temporal takes a delay of nothing for an end of retrying. */
const MIN_RETRY_DELAY_MS = 100;
/** A server that asks for more is asked again all the same: an hour of silence would be a drift that nobody hears of. */
const MAX_RETRY_DELAY_MS = 10 * 60_000;
/** These beat through `currentHeartbeat`, with details that a beat of ours would overwrite. */
const BEATING_BY_THEMSELVES: ReadonlySet<string> = new Set<keyof Activities>([
  'applyUnit',
  'verify',
  'analyseEnvironment',
  'verifyUnit',
  'correctUnit',
]);

/** After these people may see something else than before. */
const SEEN_BY_PEOPLE: ReadonlySet<string> = new Set<keyof Activities>([
  ...(['openQuestion', 'amendQuestion', 'closeQuestion', 'confirmDecision', 'notify'] as const),
  ...(['record', 'closeEpisode', 'openChangeSet', 'writeUnit', 'upgradeUnit'] as const),
  ...(['applyUnit', 'restoreUnit', 'removeResidue', 'verify'] as const),
]);
/** No steps of a drift: they have a record of their own. */
const UNRECORDED: ReadonlySet<string> = new Set<keyof AnnouncementActivities>([
  ...(['surveyMessages', 'groupMessages', 'postMessage'] as const),
]);

/**
 * Around every attempt of every activity: writes down that it started and how it ended, and turns what it throws into a failure
 * whose type is our error code, so that workflows and retry rules decide by code. It also beats the heart of those that do
 * not do so themselves, and has what people see looked at again after those that change it.
 */
export function createActivityInterceptor(
  context: Pick<Context, 'heartbeat'> & {
    readonly info: Pick<Context['info'], 'activityType' | 'attempt'>;
  },
  {
    store,
    log,
    announce,
  }: {
    readonly store: StepStore;
    readonly log: Log;
    readonly announce: (episodeId: string) => Promise<void>;
  },
): ActivityInboundCallsInterceptor {
  const { activityType, attempt } = context.info;
  const tell = async (episodeId: string): Promise<void> => {
    try {
      await announce(episodeId);
    } catch (error) {
      if (attempt < MAX_TELLING_ATTEMPTS) throw error;
      const { code, message: reason } = fromUnknown(error);
      log.warn({ episodeId, step: activityType, code, reason }, 'people are not told of a step');
    }
  };
  return {
    async execute(
      input: ActivityExecuteInput,
      next: Next<ActivityInboundCallsInterceptor, 'execute'>,
    ): Promise<unknown> {
      const step = input.args[0] as StepInput;
      const entry = { episodeId: step.episodeId, step: activityType, key: step.key };
      const beating = BEATING_BY_THEMSELVES.has(activityType)
        ? undefined
        : setInterval(() => context.heartbeat(), BEAT_EVERY_MS);
      let counted = attempt;
      const note = async (one: Pick<StepEntry, 'status' | 'message'>): Promise<void> => {
        if (UNRECORDED.has(activityType)) return;
        counted = await append(store, { ...entry, attempt: counted, ...one });
      };
      try {
        await note({ status: 'started' });
        const result = await next(input);
        await note({ status: 'done' });
        if (SEEN_BY_PEOPLE.has(activityType)) await tell(step.episodeId);
        return result;
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        const failure = toFailure(error);
        const told = { ...entry, attempt: counted, code: failure.type, reason: failure.message };
        const say = failure.category === ApplicationFailureCategory.BENIGN ? log.debug : log.warn;
        say.call(log, told, 'an activity attempt failed');
        // The failure itself must reach Temporal even when Postgres is what is away.
        await note({ status: 'failed', message: failure.message }).catch(() => {});
        throw failure;
      } finally {
        clearInterval(beating);
      }
    },
  };
}

type StepStore = { readonly episodes: Pick<Store['episodes'], 'appendStep'> };

function append(store: StepStore, entry: Omit<StepEntry, 'at'>): Promise<number> {
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
  const { repair, details } = known;
  const { retryAfterMs, reason } = details;
  return ApplicationFailure.create({
    type: known.code,
    message: withRepair({ message, repair }),
    // Whoever makes an AppError of it again takes the two from here.
    details: [{ message, repair }],
    nonRetryable: !known.retryable,
    // Temporal's own log leaves it out, too.
    ...(reason === NO_SPACE && { category: ApplicationFailureCategory.BENIGN }),
    // The server has said when to come again.
    ...(typeof retryAfterMs === 'number' && {
      nextRetryDelay: Math.min(Math.max(retryAfterMs, MIN_RETRY_DELAY_MS), MAX_RETRY_DELAY_MS),
    }),
    ...(message === known.message && { cause: known }),
  });
}
