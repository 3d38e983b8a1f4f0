import http from 'node:http';
import https from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { AppError } from '../../lib/errors.ts';

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

/**
 * Reads a kubeconfig: the file given, else KUBECONFIG, `~/.kube/config`, or the pod's service account. Certificates, tokens,
 * token files, exec plugins and proxies are client-node's part. Throws CONFIG_INVALID.
 */
export function loadCredentials(options: { kubeconfig?: string; context?: string }): Credentials {
  const config = readKubeconfig(options.kubeconfig);
  if (options.context !== undefined) {
    if (!config.contexts.some((one) => one.name === options.context)) {
      const known = config.contexts.map((one) => one.name).join(', ') || 'none';
      throw new AppError(
        'CONFIG_INVALID',
        `the kubeconfig has no context ${options.context}; it has: ${known}`,
      );
    }
    config.setCurrentContext(options.context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new AppError('CONFIG_INVALID', 'the kubeconfig names no current context and cluster');
  }
  const server = parseServer(cluster.server);
  const pool = createPool(server, cluster.proxyUrl !== undefined && cluster.proxyUrl !== '');
  let known: { access: Promise<Access>; at: number } | undefined;
  return {
    server,
    context: config.getCurrentContext(),
    access({ fresh = false } = {}) {
      const now = performance.now();
      if (known === undefined || fresh || now - known.at > CREDENTIALS_AGE_MS) {
        const access = readAccess(config, pool);
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

function readKubeconfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('CONFIG_INVALID', `the kubeconfig cannot be read: ${reason}`, {
      cause: error,
    });
  }
  return config;
}

function parseServer(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new AppError('CONFIG_INVALID', `the kubeconfig's server is not an http(s) URL: ${text}`);
  }
  return url;
}

type Tls = Pick<
  https.AgentOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>;
type Pool = {
  agents(tls: Tls, proxy: http.Agent | undefined): { agent: http.Agent; watchAgent: http.Agent };
  readonly proxied: boolean;
  close(): void;
};

/** Keeps one pair of agents until the TLS material changes (rotated client certificate). */
function createPool(server: URL, proxied: boolean): Pool {
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
    proxied,
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

async function readAccess(config: KubeConfig, pool: Pool): Promise<Access> {
  const options: https.RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('KUBERNETES_FORBIDDEN', `no credentials for the API server: ${reason}`, {
      cause: error,
    });
  }
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  const tls: Tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  };
  const proxy = pool.proxied && options.agent instanceof http.Agent ? options.agent : undefined;
  return { headers: cleanHeaders(options), ...pool.agents(tls, proxy) };
}

function cleanHeaders(options: https.RequestOptions): http.OutgoingHttpHeaders {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // Token files end in a newline more often than not, which no header may hold.
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  }
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return headers;
}
