import { AppError } from '../../lib/errors.ts';

const TIMEOUT_MS = 10_000;
const DEFAULT_PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 600_000;

/**
 * Posts JSON once. What may pass (no answer, 408, 429, 5xx) throws RECEIVER_UNAVAILABLE, with the pause that was asked for; what will
 * not, RECEIVER_REFUSED. The URL may be a secret and is in no message.
 */
export async function postJson(
  receiver: string,
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'realign', ...headers },
    body,
    // Elsewhere is not where the configuration says.
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    const reason = error instanceof Error && error.name === 'TimeoutError' ? 'in time' : 'at all';
    throw new AppError('RECEIVER_UNAVAILABLE', `${receiver} did not answer ${reason}`);
  });
  await response.body?.cancel();
  if (response.ok) return;
  const message = `${receiver} answered ${response.status}`;
  const isPassing = response.status === 408 || response.status === 429 || response.status >= 500;
  if (!isPassing) throw new AppError('RECEIVER_REFUSED', message);
  const details = response.status === 429 ? { retryAfterMs: pauseOf(response) } : {};
  throw new AppError('RECEIVER_UNAVAILABLE', message, { details });
}

function pauseOf(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0
    ? Math.min(seconds * 1_000, MAX_PAUSE_MS)
    : DEFAULT_PAUSE_MS;
}
