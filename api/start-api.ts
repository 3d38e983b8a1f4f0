import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Express } from 'express';
import { AppError } from '../lib/errors.ts';
import { isLoopbackHost } from './auth.ts';

export type RunningApi = {
  readonly port: number;
  readonly url: string;
  /** Answers by another app from the next request on. */
  serve(app: Express): void;
  /** Answers what is under way, then ends; connections that stay open are cut after ten seconds. */
  close(): Promise<void>;
};

/** DriftGuard's: 30 s for a request, 60 s for an idle connection. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 1_000;
const CLOSE_TIMEOUT_MS = 10_000;

/** Listens; port 0 takes a free one. Throws CONFIG_INVALID if `auth: none` would be open to other machines or the port is taken. */
export async function startApi(
  app: Express,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RunningApi> {
  let serving = guarded(app, host);
  const server = createServer((request, response) => serving(request, response));
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = IDLE_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${message}`, {
      cause,
      details: { repair: 'Set PORT or `api.port` to a free port, or end what listens there.' },
    });
  }
  const address = server.address();
  const listening = typeof address === 'object' && address ? address.port : port;
  return {
    port: listening,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening}`,
    serve(next) {
      serving = guarded(next, host);
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function guarded(app: Express, host: string): Express {
  if (app.locals['auth'] === 'none' && !isLoopbackHost(host)) {
    throw new AppError('CONFIG_INVALID', `api.auth: none needs a loopback api.host, not ${host}`);
  }
  return app;
}
