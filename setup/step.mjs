const QUIET_MS = 5_000;

/**
 * Says on stderr what is done, every few seconds how far it is, and how long it took. Plain lines, because two steps may run
 * side by side and logs are read later.
 * @template T
 * @param {string} what  for people: `npm packages`, `etcd 3.7.3 (go build)`
 * @param {(report: (progress: string) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work, write = (line) => process.stderr.write(`${line}\n`)) {
  const startedAt = Date.now();
  const elapsed = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  let progress = '';
  write(`  ${what} …`);
  const ticker = setInterval(
    () => write(`  ${what}: ${elapsed()}${progress && `, ${progress}`}`),
    QUIET_MS,
  );
  try {
    const result = await work((text) => {
      progress = text;
    });
    write(`  ${what}: done in ${elapsed()}`);
    return result;
  } catch (error) {
    write(
      `  ${what}: failed after ${elapsed()}: ${error instanceof Error ? error.message : error}`,
    );
    throw error;
  } finally {
    clearInterval(ticker);
  }
}
