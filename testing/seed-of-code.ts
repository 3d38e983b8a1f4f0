import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * A seed, 0 to 2^32 − 1, for what is drawn at random from the tests of these folders: another one with each change of their code, the same
 * one for the same code, so that a run that failed can be repeated and a green one says something about its commit.
 */
export function seedOfCode(folders: readonly string[]): number {
  const hash = createHash('sha256');
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT }));
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(`${ROOT}/${file}`));
  return hash.digest().readUInt32BE();
}
