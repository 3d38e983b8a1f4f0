import { randomBytes } from 'node:crypto';
import { createConfighubServer, type Dialect } from '../confighub-server/index.ts';
import type { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { freePort } from '../stack/free-port.ts';
import { databaseUrl, type Stack, startStack } from '../stack/index.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

export type EmbeddedOptions = {
  readonly log: Log;
  /** Data stays there between runs; absent = fresh and temporary. */
  readonly directory?: string;
  /** Of the embedded ConfigHub server. Kept by the caller where the data stays; a new one otherwise. */
  readonly hubToken?: string;
  /** Which generation of ConfigHub's API that server speaks; `bridge` by default. */
  readonly dialect?: Dialect;
  /** Where the api will listen: audit events are sent there. Absent = no audit events; port 0 = a free port is chosen. */
  readonly api?: { readonly host: string; readonly port: number };
  /** Use these instead of starting the embedded ones. */
  readonly postgresUrl?: string;
  readonly temporalAddress?: string;
  readonly kubeconfig?: string;
  readonly hub?: { readonly url: string; readonly token: string };
  readonly onReady?: (part: string, afterMs: number) => void;
  readonly onFailure?: (error: AppError) => void;
};

export type Embedded = {
  readonly stack: Stack;
  readonly hub: { readonly url: string; readonly token: string };
  /** Environment variables that point Realign's configuration at the embedded parts. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

/** The embedded stack with the ConfigHub-compatible server beside it: everything that Realign needs around itself. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { postgresUrl, temporalAddress, directory } = options;
  const audit = await auditOf(options);
  const stack = await startStack({
    searchAttributes: SEARCH_ATTRIBUTES,
    databases: ['realign', 'confighub'],
    ...(directory !== undefined && { directory }),
    ...(postgresUrl !== undefined && { postgresUrl }),
    ...(temporalAddress !== undefined && { temporalAddress }),
    ...(options.kubeconfig !== undefined && { without: ['kubernetes'] as const }),
    ...(audit && { auditWebhook: audit.webhook }),
    ...(options.onReady && { onReady: options.onReady }),
    ...(options.onFailure && { onFailure: options.onFailure }),
  });
  try {
    const { kubernetes, temporal } = stack;
    const hub = options.hub ?? (await startHub(options, stack));
    const kubeconfig = options.kubeconfig ?? kubernetes?.kubeconfigs.realign;
    return {
      stack,
      hub,
      env: {
        DATABASE_URL: stack.postgresUrl,
        CUB_API_URL: hub.url,
        CUB_TOKEN: hub.token,
        ...audit?.env,
        ...(temporal && { TEMPORAL_ADDRESS: temporal.address }),
        ...(temporal?.uiUrl !== undefined && { TEMPORAL_UI_URL: temporal.uiUrl }),
        ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }),
        ...(kubernetes && { REALIGN_REPAIR_KUBECONFIG: kubernetes.kubeconfigs['realign-repair'] }),
      },
      stop: () => stack.stop(),
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** The API server must know the api's address before either of them listens. */
async function auditOf({ api, kubeconfig }: EmbeddedOptions) {
  if (api === undefined || kubeconfig !== undefined) return undefined;
  const port = api.port === 0 ? await freePort() : api.port;
  const token = randomBytes(24).toString('base64url');
  const host = ['0.0.0.0', '::'].includes(api.host) ? '127.0.0.1' : api.host;
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    webhook: { url: `${origin}/internal/audit`, token },
    env: { PORT: String(port), REALIGN_AUDIT_TOKEN: token },
  };
}

async function startHub(
  options: EmbeddedOptions,
  stack: Stack,
): Promise<{ readonly url: string; readonly token: string }> {
  const startedMs = Date.now();
  const token = options.hubToken ?? randomBytes(24).toString('base64url');
  const kubeconfig = options.kubeconfig ?? stack.kubernetes?.kubeconfigs.confighub;
  const server = await createConfighubServer({
    databaseUrl: databaseUrl(stack.postgresUrl, 'confighub'),
    tokens: [{ token, username: 'realign' }],
    dialect: options.dialect ?? 'bridge',
    log: options.log,
    ...(kubeconfig !== undefined && { kubeconfig }),
  });
  stack.addPart({ stop: () => server.close() });
  const url = await server.listen(0, '127.0.0.1');
  options.onReady?.('ConfigHub server', Date.now() - startedMs);
  return { url, token };
}
