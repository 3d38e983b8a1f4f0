import { type Logger, LogLevel } from '@slack/web-api';
import type { Log } from '../lib/log.ts';

/**
 * What the SDKs say, in our log. Their debug lines hold whole requests and are dropped; of the rest only texts are kept, for objects
 * may be payloads.
 */
export function toSlackLogger(log: Log): Logger {
  const words = (parts: readonly unknown[]) =>
    parts
      .flatMap((one) => (one instanceof Error ? one.message : typeof one === 'string' ? one : []))
      .join(' ')
      .slice(0, MAX_LINE);
  return {
    debug: () => {},
    info: (...parts) => log.debug({ said: words(parts) }, 'Slack SDK'),
    warn: (...parts) => log.warn({ said: words(parts) }, 'Slack SDK'),
    error: (...parts) => log.warn({ said: words(parts) }, 'Slack SDK'),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}

const MAX_LINE = 500;
