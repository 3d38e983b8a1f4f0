import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const VERSION_TIMEOUT_MS = 10_000;

/** @param {NodeJS.ProcessEnv} env @returns {string} the folder of the programs that we fetched or built */
export function cacheDirectory(env = process.env) {
  const base =
    env.REALIGN_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'realign');
  return join(base, 'bin');
}

/** @param {import('./tools.mjs').Tool} tool @returns {string} */
export function cachedPath(tool, env = process.env) {
  return join(cacheDirectory(env), `${tool.name}-${tool.version}`);
}

/**
 * Finds a program that is already on the machine: environment variable, PATH with a usable version, cache.
 * @param {import('./tools.mjs').Tool} tool
 * @returns {Promise<{path: string, from: string} | undefined>}
 */
export async function locate(tool, env = process.env) {
  const given = env[tool.variable];
  if (given) {
    if (!isProgram(given))
      throw new Error(`${tool.variable} names ${given}, which is not a program that can be run`);
    return { path: given, from: tool.variable };
  }
  const found = findOnPath(tool.name, env);
  if (found && (await hasUsableVersion(tool, found))) return { path: found, from: 'PATH' };
  const cached = cachedPath(tool, env);
  return isProgram(cached) ? { path: cached, from: 'cache' } : undefined;
}

/** @param {string} name @returns {string | undefined} */
export function findOnPath(name, env = process.env) {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** @returns {Promise<boolean>} */
function hasUsableVersion(tool, path) {
  return new Promise((resolve) => {
    execFile(path, tool.versionArguments, { timeout: VERSION_TIMEOUT_MS }, (error, stdout) => {
      const version = /(\d+)\.(\d+)\.(\d+)/.exec(error ? '' : stdout);
      resolve(version !== null && tool.accepts(version.slice(1).map(Number)));
    });
  });
}
