import { readFile } from 'node:fs/promises';
import http from 'node:http';
import type https from 'node:https';
import { createExecPlugin, type ExecPlugin } from './exec-plugin.ts';
import type { KubeContext, KubeUser } from './kubeconfig.ts';

export type Tls = Pick<
  https.AgentOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>;

/** What requests carry and connections are made with; `proxy` is a tunnel that already has the TLS parts. */
export type Proof = {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Tls;
  readonly proxy?: http.Agent;
};

/** Reads files anew with each call; plugins run again when their credential expires or when `fresh`. */
export type Identity = (options: { readonly fresh: boolean }) => Promise<Proof>;

/** The identity of a context. Rejects with what is wrong with its files or its plugin. */
export function createIdentity(context: KubeContext): Identity {
  const { cluster, user } = context;
  if (cluster['proxy-url'] || user['auth-provider']) return createClientNodeIdentity(context);
  const plugin = user.exec ? createExecPlugin(user.exec, cluster) : undefined;
  return (options) => prove(context, plugin, options.fresh);
}

async function prove(
  { cluster, user }: KubeContext,
  plugin: ExecPlugin | undefined,
  fresh: boolean,
): Promise<Proof> {
  const given = await plugin?.({ fresh });
  const authorization = await authorizationOf(user, given?.token);
  return {
    headers: {
      ...(authorization && { authorization }),
      ...(user.as && { 'impersonate-user': user.as }),
    },
    tls: {
      ca: await material(cluster, 'certificate-authority'),
      cert: given?.certificate ?? (await material(user, 'client-certificate')),
      key: given?.key ?? (await material(user, 'client-key')),
      servername: cluster['tls-server-name'] || undefined,
      rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
    },
  };
}

/** Of all ways that a user may have, kubectl's order: what is declared before what a plugin gives. */
async function authorizationOf(
  { token, tokenFile, username, password }: KubeUser,
  pluginToken: string | undefined,
): Promise<string | undefined> {
  // Token files end in a newline more often than not, which no header may hold.
  if (tokenFile) return `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
  if (token) return `Bearer ${token.trim()}`;
  if (username) return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
  return pluginToken === undefined ? undefined : `Bearer ${pluginToken.trim()}`;
}

/** PEM that stands in the kubeconfig itself, in base64, or in the file that it names. */
async function material<K extends string>(
  entry: { readonly [key in K | `${K}-data`]?: string | null | undefined },
  key: K,
): Promise<Buffer | undefined> {
  const data = entry[`${key}-data`];
  if (data) return Buffer.from(data, 'base64');
  const file = entry[key];
  return file ? readFile(file) : undefined;
}

/**
 * Proxies, and the identity providers that kubectl has given up for plugins (oidc, gcp, azure), are client-node's part. It is
 * loaded for them alone: with every generated model it takes 80 MB and most of a second.
 */
function createClientNodeIdentity(context: KubeContext): Identity {
  const loading = async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromString(JSON.stringify(asFile(context)));
    return config;
  };
  let config: ReturnType<typeof loading> | undefined;
  return async () => {
    config ??= loading();
    const options: https.RequestOptions = {};
    await (await config).applyToHTTPSOptions(options);
    return proofOf(options, Boolean(context.cluster['proxy-url']));
  };
}

/** As a file that client-node reads; it knows token files only as a provider. */
function asFile({ name, cluster, user: { tokenFile, ...user } }: KubeContext): object {
  const provider = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
  return {
    clusters: [{ name, cluster }],
    users: [{ name, user: { ...user, ...(tokenFile && provider) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}

function proofOf(options: https.RequestOptions, isProxied: boolean): Proof {
  const { ca, cert, key, pfx, passphrase, servername, auth, agent } = options;
  const { rejectUnauthorized = true } = options;
  const tls: Tls = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  }
  if (typeof auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  }
  return { headers, tls, ...(isProxied && agent instanceof http.Agent && { proxy: agent }) };
}
