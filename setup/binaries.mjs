import { cachedPath, locate } from './locate.mjs';
import { toolNamed } from './tools.mjs';

/**
 * Paths of the programs, in the order of the names; fetches or builds what the machine does not have.
 * @param {readonly string[]} names
 * @param {NodeJS.ProcessEnv} env
 * @param {{answerMs: number, stallMs: number}} [limits]  how long a release host may be silent
 * @returns {Promise<string[]>}
 */
export async function ensureBinaries(names, env = process.env, limits = undefined) {
  const tools = names.map(toolNamed);
  const located = await Promise.all(tools.map((tool) => locate(tool, env)));
  const missing = tools.filter((_, index) => located[index] === undefined);
  if (missing.length > 0) {
    // Loaded only when needed: a start with everything present must cost nothing.
    const { obtainAll } = await import('./obtain.mjs');
    await obtainAll(missing, env, limits);
  }
  return tools.map((tool, index) => located[index]?.path ?? cachedPath(tool, env));
}
