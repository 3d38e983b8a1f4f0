import { AppError } from '../lib/errors.ts';

export const UNREADABLE = Symbol('unreadable');

/** An object that Realign may not read is part of the reach all the same: it is named instead of compared. */
export async function readable<T>(reading: Promise<T>): Promise<T | typeof UNREADABLE> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AppError && UNREADABLE_CODES.has(error.code)) return UNREADABLE;
    throw error;
  }
}

const UNREADABLE_CODES: ReadonlySet<string> = new Set(['KUBERNETES_FORBIDDEN', 'NOT_FOUND']);
