/** How long an API server may take to start, from its first refusal on. A series of refusals that goes on longer is meant. */
const STARTING_MS = 30_000;

/**
 * Tells whether a refusal can be believed. An API server that has just started refuses everybody until it has read its roles; its
 * `/readyz` waits for that (https://kubernetes.io/docs/reference/using-api/health-checks/), but not every cluster has somebody in between
 * who asks. `isReady` asks it. Who may not read `/readyz` either is believed after half a minute.
 */
export function createStartingCheck(isReady: () => Promise<boolean>): () => Promise<boolean> {
  let firstMs = 0;
  let lastMs = 0;
  return async () => {
    if (await isReady()) return false;
    const nowMs = Date.now();
    if (nowMs - lastMs > 2 * STARTING_MS) firstMs = nowMs;
    lastMs = nowMs;
    return nowMs - firstMs < STARTING_MS;
  };
}
