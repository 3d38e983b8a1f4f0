import { z } from 'zod';
import { AppError } from '../lib/errors.ts';

/** The last row of a page: the next page starts after it. */
type Position = { readonly at: string; readonly id: string };

const position = z.tuple([z.iso.datetime(), z.string().min(1).max(300)]);

/** A position as a word for a URL. Opaque to clients: its content may change. */
export function encodeCursor({ at, id }: Position): string {
  return Buffer.from(JSON.stringify([at, id])).toString('base64url');
}

/** Throws INVALID_INPUT for anything that `encodeCursor` did not make; `isId` says what the ids of the list look like. */
export function decodeCursor(cursor: string, isId = isUuid): Position {
  try {
    const [at, id] = position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (!isId(id)) throw new Error('another list gave it');
    return { at, id };
  } catch (cause) {
    throw new AppError('INVALID_INPUT', 'cursor is none that a previous page gave', { cause });
  }
}

function isUuid(id: string): boolean {
  return z.uuid().safeParse(id).success;
}
