import { createHmac, hash } from 'node:crypto';
import { AppError } from './errors.ts';

const MAX_DEPTH = 256;

/**
 * JSON with the keys of every object in code unit order and no spaces, so that equal data has equal text. Fields that are
 * `undefined` are left out, as JSON does. INVALID_INPUT for what JSON cannot say (functions, NaN, bigint, cycles).
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/** SHA-256 of the canonical JSON of any data, 64 hex digits. */
export function digest(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** SHA-256 of a text (as UTF-8), 64 hex digits. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** HMAC-SHA256, 64 hex digits: tells equal secrets from different ones without being guessable as a plain hash is. */
export function keyedHash(key: Uint8Array | string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) {
    throw new AppError('INVALID_INPUT', `data nested deeper than ${MAX_DEPTH} levels`);
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) {
    return `[${value.map((item) => write(item === undefined ? null : item, depth + 1)).join(',')}]`;
  }
  if (typeof value === 'object') {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, field]) => `${JSON.stringify(key)}:${write(field, depth + 1)}`);
    return `{${fields.join(',')}}`;
  }
  throw new AppError('INVALID_INPUT', `a ${typeof value} (${String(value)}) has no JSON`);
}
