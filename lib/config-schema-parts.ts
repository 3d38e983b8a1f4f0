import { z } from 'zod';
import { parseDurationMs } from './duration.ts';

/** Pieces that the parts of the configuration's shape share. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const MAX_LIST = 200;

export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'expected a name of letters, digits, "-", "_" and "." (at most 63)',
  );
export const text = z.string().min(1).max(1_024);
export const secret = z.string().min(16, 'expected at least 16 characters');
export const names = z
  .array(text)
  .min(1, 'expected at least one; leave the key out for "any"')
  .max(MAX_LIST);
export const labels = z.record(text, z.string().max(256));

/** A duration such as `90s`, in milliseconds once parsed. */
export function duration(minMs: number, maxMs: number) {
  return z.string('expected a duration such as 30s, 15m or 24h').transform((value, context) => {
    const ms = parseDurationMs(value);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    context.issues.push({
      code: 'custom',
      input: value,
      message:
        ms === undefined
          ? `"${value}" is not a duration; write for example 30s, 15m or 24h`
          : `${value} is out of range: ${minMs / SECOND_MS} s to ${maxMs / SECOND_MS} s`,
    });
    return z.NEVER;
  });
}

export const webUrl = z
  .url({ protocol: /^https?$/, error: 'expected a URL that begins with http:// or https://' })
  // It is printed and logged as it is, and paths are added to it.
  .refine(isPlainUrl, 'expected a URL without user, password, query or fragment')
  .transform((url) => url.replace(/\/+$/, ''));
export const hostAndPort = z
  .string()
  .regex(/^\S+:\d{1,5}$/, 'expected host:port, such as 127.0.0.1:7233');

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === '';
}
