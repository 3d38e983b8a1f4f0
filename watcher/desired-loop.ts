import type { DesiredSnapshot, DesiredSource } from '../desired/source.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, pause } from './clock.ts';

export type DesiredLoop = {
  /** Loads, then refreshes until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves after the first load. */
  loaded(): Promise<void>;
  isLoaded(): boolean;
  /** Looks at the source as soon as possible instead of at the next turn. */
  hurry(): void;
  /** Why the source cannot be read at present. */
  message(): string | undefined;
};

const RETRY = { firstMs: 250, maxMs: 30_000 };

/** Keeps one environment's desired state fresh. A source that is away leaves the last state in force. */
export function createDesiredLoop(deps: {
  readonly source: DesiredSource;
  readonly refreshMs: number;
  readonly onSnapshot: (snapshot: DesiredSnapshot) => Promise<void>;
  /** After each look, whether anything changed or not. */
  readonly onTurn?: () => void;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
}): DesiredLoop {
  const { source, refreshMs, onSnapshot, onTurn, log, clock, random } = deps;
  const loaded = Promise.withResolvers<void>();
  // Of the last snapshot that was handed on.
  let revision: string | undefined;
  let message: string | undefined;
  let turn = new AbortController();

  const look = async (signal: AbortSignal): Promise<void> => {
    const snapshot =
      revision === undefined ? await source.load(signal) : await source.refresh(revision, signal);
    if (snapshot === undefined) return;
    await onSnapshot(snapshot);
    revision = snapshot.revision;
    loaded.resolve();
  };

  return {
    loaded: () => loaded.promise,
    isLoaded: () => revision !== undefined,
    message: () => message,
    hurry() {
      // A source that is away is not asked more often because of it.
      if (message === undefined) turn.abort();
    },
    async run(signal) {
      signal.addEventListener('abort', () => loaded.resolve(), { once: true });
      let failures = 0;
      while (!signal.aborted) {
        turn = new AbortController();
        let delayMs = refreshMs;
        try {
          await look(signal);
          if (failures > 0) log.info({}, 'desired state is read again');
          failures = 0;
          message = undefined;
          onTurn?.();
        } catch (cause) {
          if (signal.aborted) return;
          failures += 1;
          const error = fromUnknown(cause);
          delayMs = Math.max(
            revision === undefined ? 0 : refreshMs,
            backoffMs(RETRY, failures, random),
          );
          if (message !== error.message) {
            const { code, message: reason, repair } = error;
            log.warn(
              { code, reason, repair, retryMs: delayMs },
              'waiting for the source of desired state',
            );
          }
          message = error.message;
        }
        await pause(clock, delayMs, AbortSignal.any([signal, turn.signal]));
      }
    },
  };
}
