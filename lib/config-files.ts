import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Path } from './config-problems.ts';

const MAX_SECRET_BYTES = 64 * 1024;

/** Reports a problem at a key of realign.yaml. */
export type Refuse = (path: Path, message: string) => void;

/** Where relative paths of the configuration start, and where problems go. */
export type Place = { readonly directory: string; readonly refuse: Refuse };

/** The value of a secret key, given in place or as a file (`token`, `tokenFile`). */
export function readSecret(
  place: Place,
  path: readonly [string, string],
  value: string | undefined,
  file: string | undefined,
): string | undefined {
  if (file === undefined) return oneLine(place, path, value?.trim());
  const fileKey: Path = [path[0], `${path[1]}File`];
  if (value !== undefined)
    place.refuse(fileKey, `give either ${path[1]} or ${path[1]}File, not both`);
  const read = readLimited(pathFrom(place.directory, file), MAX_SECRET_BYTES);
  if ('error' in read) place.refuse(fileKey, read.error);
  else if (read.text.trim() === '') place.refuse(fileKey, 'the file is empty');
  else return oneLine(place, fileKey, read.text.trim());
  return undefined;
}

/** What HTTP takes as a header; errors about any other text would quote it. */
export function isOneLine(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}

export const NOT_ONE_LINE = 'expected one line without control characters';

function oneLine({ refuse }: Place, path: Path, text: string | undefined): string | undefined {
  if (text !== undefined && !isOneLine(text)) refuse(path, NOT_ONE_LINE);
  return text;
}

/** An absolute path; `~/` is the home directory. */
export function pathFrom(directory: string, path: string): string {
  return path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(directory, path);
}

/** The text of a file, or why there is none. */
export function readLimited(
  path: string,
  maxBytes: number,
): { readonly text: string } | { readonly error: string; readonly missing?: boolean } {
  try {
    if (statSync(path).size > maxBytes) return { error: `larger than ${maxBytes} bytes` };
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing) return { error: 'there is no such file', missing };
    return { error: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
