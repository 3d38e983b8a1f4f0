import { watchRunner } from '../stack/runner-watch.ts';

const EXIT_AFTER_STOP_MS = 30_000;
/** Ctrl-C reaches the whole terminal group, and a launcher passes it on: two in quick succession are one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Keeps the process until Ctrl-C, SIGTERM, a failure or `finished`, then stops everything once. A second signal does not wait
 * any longer. Resolves with the exit code: 1 after a failure (which `onFailure` is told), else 0.
 */
export async function runUntilSignal(
  controller: AbortController,
  failed: Promise<never>,
  stop: () => Promise<void>,
  onFailure: (error: unknown) => void,
  finished?: Promise<void>,
): Promise<number> {
  const signalled = new Promise<void>((resolve) => {
    let firstMs: number | undefined;
    const onSignal = () => {
      if (firstMs !== undefined && Date.now() - firstMs > SAME_SIGNAL_MS) process.exit(130);
      firstMs ??= Date.now();
      resolve();
    };
    watchRunner(onSignal);
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
  const code = await Promise.race([signalled, failed, ...(finished ? [finished] : [])])
    .then(() => 0)
    .catch((error: unknown) => {
      onFailure(error);
      return 1;
    });
  controller.abort();
  // What does not stop in time must not keep the process: its guardian ends the rest.
  setTimeout(() => process.exit(code || 1), EXIT_AFTER_STOP_MS).unref();
  await stop();
  return code;
}
