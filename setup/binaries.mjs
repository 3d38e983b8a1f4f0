import { locate } from './locate.mjs';
import { toolNamed } from './tools.mjs';

/**
 * Paths of the programs, in the order of the names; fetches or builds what the machine does not have.
 * @param {readonly string[]} names
 * @returns {Promise<string[]>}
 */
export async function ensureBinaries(names, env = process.env) {
  const tools = names.map(toolNamed);
  const located = await Promise.all(tools.map((tool) => locate(tool, env)));
  const paths = located.map((one) => one?.path);
  for (const [index, tool] of tools.entries()) {
    // Loaded only when needed: a start with everything present must cost nothing.
    if (paths[index] === undefined) {
      const { obtain } = await import('./obtain.mjs');
      paths[index] = await obtain(tool, env);
    }
  }
  return paths;
}
