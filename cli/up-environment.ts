import { chmodSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const EXPORTED = [
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_UI_URL',
  'CUB_API_URL',
  'CUB_TOKEN',
  'KUBECONFIG',
  'REALIGN_ADMIN_KUBECONFIG',
  'REALIGN_URL',
  'REALIGN_TOKEN',
] as const;

/**
 * Writes what other commands need to find a running `realign up`, as lines for a shell, readable by its owner only. Returns the
 * file's path from the working directory.
 */
export function writeUpEnvironment(
  directory: string,
  variables: Readonly<Partial<Record<string, string>>>,
): string {
  const lines = EXPORTED.flatMap((name) => {
    const value = variables[name];
    return value === undefined ? [] : [`export ${name}=${quoted(value)}\n`];
  });
  const file = join(directory, 'env');
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  // The mode above is for new files only.
  chmodSync(file, 0o600);
  return relative(process.cwd(), file);
}

/** POSIX: nothing but the quote itself means anything between single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
