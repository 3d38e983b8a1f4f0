/** The folder of the programs that we fetched or built. */
export function cacheDirectory(env?: NodeJS.ProcessEnv): string;

/** The first program of this name on PATH. */
export function findOnPath(name: string, env?: NodeJS.ProcessEnv): string | undefined;
