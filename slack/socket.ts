import { setTimeout as sleep } from 'node:timers/promises';
import type { SocketModeReceiver } from '@slack/bolt';
import type { Log } from '../lib/log.ts';
import { asSlackError } from './errors.ts';

export type SocketConnection = {
  isConnected(): boolean;
  stop(): Promise<void>;
};

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** From asking for an address to Slack's greeting. */
const CONNECT_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;

/**
 * Keeps one connection of Socket Mode for as long as the process lives. Slack closes each a few times a day; what it sends between
 * two connections goes to another process, or is lost, and the other doors are there.
 */
export function keepConnected(client: SocketModeReceiver['client'], log: Log): SocketConnection {
  const stopping = new AbortController();
  let isConnected = false;
  const whole = stayConnected(client, stopping.signal, log, (now) => {
    isConnected = now;
  });
  return {
    isConnected: () => isConnected,
    async stop() {
      stopping.abort();
      await Promise.race([client.disconnect(), sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      await whole;
    },
  };
}

async function stayConnected(
  client: SocketModeReceiver['client'],
  signal: AbortSignal,
  log: Log,
  note: (isConnected: boolean) => void,
): Promise<void> {
  const stopped = aborted(signal);
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const closed = Promise.withResolvers<void>();
    const end = () => closed.resolve();
    client.once('disconnected', end);
    try {
      await within(client.start(), CONNECT_TIMEOUT_MS);
      log.info({}, 'connected to Slack');
      note(true);
      pauseMs = FIRST_PAUSE_MS;
      await Promise.race([closed.promise, stopped]);
    } catch (error) {
      // Whatever came of it, it is not left half open.
      client.disconnect().catch(() => {});
      if (!signal.aborted) {
        const { code, message, repair } = asSlackError('apps.connections.open', error);
        log.warn({ code, error: message, repair, pauseMs }, 'no connection to Slack; trying again');
        await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    } finally {
      note(false);
      client.off('disconnected', end);
    }
  }
}

async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  const timeout = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: timeout.signal, ref: false }).then(() => {
    throw new Error(`no greeting within ${timeoutMs / 1_000} s`);
  });
  // Of the two, the loser's failure is nobody's.
  late.catch(() => {});
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    timeout.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
