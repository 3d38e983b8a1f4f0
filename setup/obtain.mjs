import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DOWNLOAD_LIMITS, download } from './download.mjs';
import { goBuild } from './go-build.mjs';
import { cacheDirectory, cachedPath } from './locate.mjs';
import { step } from './step.mjs';
import { currentPlatform } from './tools.mjs';

/**
 * Brings programs that the machine does not have into the cache: all downloads at once, then what is still missing built
 * one after the other. REALIGN_RELEASES_URL replaces the release hosts (a mirror, or a test).
 * @param {readonly import('./tools.mjs').Tool[]} tools
 */
export async function obtainAll(tools, env = process.env, limits = DOWNLOAD_LIMITS) {
  await mkdir(cacheDirectory(env), { recursive: true });
  await removeLeftovers(cacheDirectory(env));
  const downloaded = await Promise.allSettled(
    tools.map((tool) =>
      step(`${tool.name} ${tool.version} (release)`, (report) =>
        intoCache(tool, env, (target) => fetchRelease(tool, target, report, env, limits)),
      ),
    ),
  );
  for (const [index, tool] of tools.entries()) {
    const result = downloaded[index];
    if (result.status === 'rejected') await build(tool, result.reason, env);
  }
}

async function build(tool, downloadError, env) {
  try {
    await step(
      `${tool.name} ${tool.version} (go build, about ${tool.buildSeconds} s on two cores)`,
      (report) => intoCache(tool, env, (target) => goBuild(tool, target, report, env)),
    );
  } catch (buildError) {
    throw new Error(noWayLeft(tool, downloadError, buildError, env));
  }
}

/** Whatever happens on the way, the cache holds the whole program or none. */
async function intoCache(tool, env, make) {
  const target = cachedPath(tool, env);
  const partial = join(dirname(target), `.${tool.name}.${process.pid}.partial`);
  try {
    await make(partial);
    await chmod(partial, 0o755);
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

async function fetchRelease(tool, target, report, env, limits) {
  const platform = currentPlatform();
  if (!platform) throw new Error(`no release for ${process.platform} on ${process.arch}`);
  await download(
    tool.release(platform, env.REALIGN_RELEASES_URL || undefined),
    target,
    report,
    limits,
  );
}

/** What interrupted runs left behind. Those of a run that still goes on stay. */
async function removeLeftovers(directory) {
  for (const name of await readdir(directory)) {
    const pid = /^\..*\.(\d+)\.partial(\.download)?$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(directory, name), { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function noWayLeft(tool, downloadError, buildError, env) {
  const platform = currentPlatform() ?? { os: 'linux', arch: 'amd64' };
  const { url } = tool.release(platform, env.REALIGN_RELEASES_URL || undefined);
  return `${tool.name} ${tool.version} is missing, and no way to get it worked:
    download: ${downloadError.message}
    go build: ${buildError.message}
  Any one of these helps:
    1. Install ${tool.name} ${tool.version} so that it is on PATH, or set ${tool.variable} to the program.
    2. Let this machine reach ${url}
       (REALIGN_RELEASES_URL names a mirror).
    3. Install Go (https://go.dev/dl) and let it reach a module proxy (GOPROXY).`;
}
