import { once } from 'node:events';
import { createServer } from 'node:http';
import { createKubernetesClient } from '../clients/kubernetes/index.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createApp } from './app.ts';
import { createCluster, createNoCluster } from './apply.ts';
import { openDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { createIdentities, type ServerToken } from './identity.ts';
import { createRunner } from './runner.ts';

export type { Dialect } from './dialect.ts';
export type { ServerToken } from './identity.ts';

export type ConfighubServerOptions = {
  /** A database of the server's own; its schema is brought up to date. */
  readonly databaseUrl: string;
  readonly tokens: readonly ServerToken[];
  readonly dialect: Dialect;
  /** Path of a kubeconfig to apply with; without it an apply completes and live state is the applied data. */
  readonly kubeconfig?: string;
  readonly log: Log;
};

export type ConfighubServer = {
  /** Port 0 takes a free one; CONFIG_INVALID if it is taken. Resolves with the origin, e.g. `http://127.0.0.1:8080`; clients use it as CUB_API_URL. */
  listen(port: number, host?: string): Promise<string>;
  /** Ends open requests, waits for running actions, leaves queued ones for the next start. */
  close(): Promise<void>;
};

const REQUEST_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** A ConfigHub-compatible server for development and tests, its state in Postgres. Takes up actions that were left open. Throws
 * DATABASE_UNAVAILABLE while the database cannot be opened. */
export async function createConfighubServer(
  options: ConfighubServerOptions,
): Promise<ConfighubServer> {
  const { log } = options;
  const kubernetes =
    options.kubeconfig === undefined
      ? undefined
      : await createKubernetesClient({ kubeconfig: options.kubeconfig, userAgent: 'confighub' });
  const database = await openDatabase(options.databaseUrl);
  const cluster = kubernetes === undefined ? createNoCluster() : createCluster(kubernetes);
  const runner = createRunner({ database, cluster, log });
  const identities = createIdentities(options.tokens);
  const server = createServer(
    createApp({ dialect: options.dialect, database, identities, runner, log }),
  );
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  return {
    listen: async (port, host = '127.0.0.1') => {
      server.listen(port, host);
      await once(server, 'listening').catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new AppError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${reason}`, {
          cause,
          details: { repair: 'Choose another port or address, or end what listens there.' },
        });
      });
      await runner.resume();
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
    },
    close: async () => {
      if (server.listening) {
        const closed = once(server, 'close');
        server.close();
        server.closeIdleConnections();
        const impatient = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
        await closed;
        clearTimeout(impatient);
      }
      await runner.close();
      await database.close();
      kubernetes?.close();
    },
  };
}
