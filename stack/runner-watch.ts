const POLL_MS = 500;

/**
 * Calls `onGone` once when the launcher (setup/run.mjs) that started this process has died without telling: a SIGKILL cannot
 * be passed on. Does nothing for a process that was started directly, which may well outlive its shell. Returns a stop.
 */
export function watchRunner(onGone: () => void, env: NodeJS.ProcessEnv = process.env): () => void {
  const runner = Number(env['REALIGN_RUNNER_PID'] ?? Number.NaN);
  if (runner !== process.ppid) return () => {};
  const timer = setInterval(() => {
    if (process.ppid === runner) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
