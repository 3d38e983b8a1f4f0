import http from 'node:http';
import https from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../lib/errors.ts';
import { createIdentity, type Identity, type Tls } from './identity.ts';
import { loadKubeContext } from './kubeconfig.ts';

/** How to reach the API server as this identity, at this moment. */
export type Access = {
  readonly headers: http.OutgoingHttpHeaders;
  readonly agent: http.Agent;
  /** Watches have sockets of their own, so that any number of them cannot keep requests waiting. */
  readonly watchAgent: http.Agent;
};

export type Credentials = {
  readonly server: URL;
  readonly context: string;
  /** Cheap: files and plugins are asked at most every few seconds, or when `fresh` (after a 401). */
  access(options?: { fresh?: boolean }): Promise<Access>;
  close(): void;
};

// Projected service account tokens are replaced minutes before they expire; reading them this often is soon enough.
const CREDENTIALS_AGE_MS = 10_000;
const MAX_SOCKETS = 32;
const MAX_WATCH_SOCKETS = 512;
const KEEP_ALIVE_PROBE_MS = 15_000;

/** Reads a kubeconfig, found as kubectl finds it, or the pod's service account. Throws CONFIG_INVALID. */
export function loadCredentials(options: { kubeconfig?: string; context?: string }): Credentials {
  const context = loadKubeContext(options);
  const server = parseServer(context.cluster.server);
  if (server.protocol === 'http:' && context.cluster['insecure-skip-tls-verify'] !== true) {
    throw new AppError(
      'CONFIG_INVALID',
      `the kubeconfig's server ${server.origin} is plain HTTP, which insecure-skip-tls-verify must allow`,
    );
  }
  const identity = createIdentity(context);
  const pool = createPool(server);
  let known: { access: Promise<Access>; at: number } | undefined;
  return {
    server,
    context: context.name,
    access({ fresh = false } = {}) {
      const now = performance.now();
      if (known === undefined || fresh || now - known.at > CREDENTIALS_AGE_MS) {
        const access = readAccess(identity, pool, fresh);
        known = { access, at: now };
        // A failed read must not be remembered as the answer for the next seconds.
        access.catch(() => {
          if (known?.access === access) known = undefined;
        });
      }
      return known.access;
    },
    close: pool.close,
  };
}

async function readAccess(identity: Identity, pool: Pool, fresh: boolean): Promise<Access> {
  try {
    const { headers, tls, proxy } = await identity({ fresh });
    return { headers, ...pool.agents(tls, proxy) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('KUBERNETES_FORBIDDEN', `no credentials for the API server: ${reason}`, {
      cause: error,
    });
  }
}

function parseServer(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new AppError('CONFIG_INVALID', `the kubeconfig's server is not an http(s) URL: ${text}`);
  }
  return url;
}

type Pool = {
  agents(tls: Tls, proxy: http.Agent | undefined): { agent: http.Agent; watchAgent: http.Agent };
  close(): void;
};

/** Keeps one pair of agents until the TLS material changes (rotated client certificate). */
function createPool(server: URL): Pool {
  let current: { tls: Tls; agent: http.Agent; watchAgent: http.Agent } | undefined;
  const make = (tls: Tls, maxSockets: number): http.Agent => {
    const options = {
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_PROBE_MS,
      maxSockets,
      maxFreeSockets: MAX_SOCKETS,
      scheduling: 'lifo' as const,
    };
    return server.protocol === 'https:'
      ? new https.Agent({ ...options, ...tls })
      : new http.Agent(options);
  };
  const close = (): void => {
    current?.agent.destroy();
    current?.watchAgent.destroy();
    current = undefined;
  };
  return {
    close,
    agents(tls, proxy) {
      // Tunnels through a proxy are client-node's own agents; they are used as they come.
      if (proxy !== undefined) return { agent: proxy, watchAgent: proxy };
      if (current === undefined || !isDeepStrictEqual(current.tls, tls)) {
        // The old pair is left to drain: destroying it would cut watches that still work.
        current = { tls, agent: make(tls, MAX_SOCKETS), watchAgent: make(tls, MAX_WATCH_SOCKETS) };
      }
      return current;
    },
  };
}
