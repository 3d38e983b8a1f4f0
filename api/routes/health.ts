import { AppError } from '../../lib/errors.ts';
import { defineRoute, type Route, type RouteAnswer } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ApiDeps, Readiness } from '../types.ts';

const READINESS_TIMEOUT_MS = 5_000;
/** Anybody may ask, so that the parts behind are asked once a second at most. */
const READINESS_CACHE_MS = 1_000;

/** Whether the process lives (`/health`) and whether it can work (`/ready`); both answer without a token. */
export function healthRoutes({
  readiness,
  log,
  clock = () => new Date(),
}: Pick<ApiDeps, 'readiness' | 'log' | 'clock'>): readonly Route[] {
  const now = () => clock().toISOString();
  const health = async (): Promise<RouteAnswer> => {
    return { body: { status: 'healthy', message: 'Service is running', time: now() } };
  };
  const check = cached(() => withTimeout(readiness()), READINESS_CACHE_MS, clock);
  const common = { method: 'get', access: 'public', failure: 'Failed to tell' } as const;
  return [
    defineRoute({
      ...common,
      path: '/health',
      summary: 'The process lives',
      answer: schemas.health,
      handle: health,
    }),
    defineRoute({
      ...common,
      path: '/api/v1/health',
      summary: 'The process lives',
      answer: schemas.health,
      handle: health,
    }),
    defineRoute({
      ...common,
      path: '/ready',
      summary: 'Every part that the api needs is there; 503 names those that are not',
      answer: schemas.ready,
      async handle() {
        const parts = await check();
        const missing = parts.filter((part) => !part.ok);
        for (const { part, message } of missing) log.warn({ part, reason: message }, 'not ready');
        const components = parts.map(({ part, ok }) => ({ name: part, ready: ok }));
        if (missing.length === 0) {
          return {
            body: { status: 'ready', message: 'All components are ready', time: now(), components },
          };
        }
        const names = missing.map((one) => one.part).join(', ');
        return {
          status: 503,
          body: { status: 'not ready', message: `Not ready: ${names}`, time: now(), components },
        };
      },
    }),
  ];
}

async function withTimeout(parts: Promise<readonly Readiness[]>): Promise<readonly Readiness[]> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new AppError('INTERNAL', `no part answered within ${READINESS_TIMEOUT_MS} ms`)),
    READINESS_TIMEOUT_MS,
  );
  try {
    return await Promise.race([parts, promise]);
  } catch (error) {
    return [{ part: 'readiness', ok: false, message: error instanceof Error ? error.message : '' }];
  } finally {
    clearTimeout(timer);
  }
}

/** The last result for a while, and one question at a time. */
function cached<T>(ask: () => Promise<T>, maxAgeMs: number, clock: () => Date): () => Promise<T> {
  let last: { readonly at: number; readonly result: Promise<T> } | undefined;
  return () => {
    const at = clock().getTime();
    if (!last || at - last.at >= maxAgeMs) last = { at, result: ask() };
    return last.result;
  };
}
