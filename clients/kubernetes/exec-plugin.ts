import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { ExecConfig, KubeCluster } from './kubeconfig.ts';

/** What a plugin gave; certificate and key are PEM. */
export type ExecCredential = {
  readonly token?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
};

/** Asks again only what has expired, or when `fresh`. Throws what the plugin wrote to stderr. */
export type ExecPlugin = (options: { readonly fresh: boolean }) => Promise<ExecCredential>;

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_REASON_CHARACTERS = 500;
// A credential must outlive the seconds for which it is used without asking.
const EXPIRY_MARGIN_MS = 15_000;

const answerSchema = z.object({
  apiVersion: z.string(),
  kind: z.literal('ExecCredential'),
  status: z.object({
    expirationTimestamp: z.string().nullish(),
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
  }),
});

type Held = { readonly credential: ExecCredential; readonly expiresAtMs: number };

/** A credential plugin as kubectl runs them; https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins. */
export function createExecPlugin(
  exec: ExecConfig,
  cluster: KubeCluster,
  now: () => number = Date.now,
): ExecPlugin {
  let held: Held | undefined;
  let running: Promise<Held> | undefined;
  return async ({ fresh }) => {
    if (held !== undefined && !fresh && now() < held.expiresAtMs) return held.credential;
    // However many ask at once, the plugin runs once.
    running ??= run(exec, cluster).finally(() => {
      running = undefined;
    });
    held = await running;
    return held.credential;
  };
}

async function run(exec: ExecConfig, cluster: KubeCluster): Promise<Held> {
  const { command, args, env, apiVersion, interactiveMode, installHint } = exec;
  if (interactiveMode === 'Always') throw new Error(`${command} wants a terminal, there is none`);
  const added = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  const running = promisify(execFile)(command, args ?? [], {
    env: { ...process.env, ...added, KUBERNETES_EXEC_INFO: execInfo(exec, cluster) },
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  running.child.stdin?.end();
  const { stdout } = await running.catch((error: unknown) => {
    throw new Error(`${command}: ${reasonOf(error, installHint)}`, { cause: error });
  });
  const answer = parseAnswer(command, stdout);
  if (answer.apiVersion !== apiVersion) {
    throw new Error(`${command} answered ${answer.apiVersion} where ${apiVersion} was asked for`);
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer.status;
  return {
    credential: {
      token: token ?? undefined,
      certificate: clientCertificateData ?? undefined,
      key: clientKeyData ?? undefined,
    },
    expiresAtMs: expirationTimestamp
      ? Date.parse(expirationTimestamp) - EXPIRY_MARGIN_MS
      : Number.POSITIVE_INFINITY,
  };
}

function parseAnswer(command: string, stdout: string): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(stdout));
  } catch {
    // Neither the output nor a part of it: it may hold the token.
    throw new Error(`${command} did not answer with an ExecCredential`);
  }
}

function execInfo({ apiVersion, provideClusterInfo }: ExecConfig, cluster: KubeCluster): string {
  const spec = {
    interactive: false,
    ...(provideClusterInfo && { cluster: clusterInfo(cluster) }),
  };
  return JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
}

function clusterInfo({ extensions, ...cluster }: KubeCluster): object {
  return {
    server: cluster.server,
    'tls-server-name': cluster['tls-server-name'] ?? undefined,
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] ?? undefined,
    'certificate-authority-data': cluster['certificate-authority-data'] ?? undefined,
    'proxy-url': cluster['proxy-url'] ?? undefined,
    config: extensions?.find((one) => one.name === 'client.authentication.k8s.io/exec')?.extension,
  };
}

function reasonOf(error: unknown, installHint: string | null | undefined): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') {
    return installHint ? `not found. ${installHint}` : 'not found';
  }
  if ('killed' in error && error.killed === true) return `gave up after ${TIMEOUT_MS / 1_000} s`;
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
  return (said || error.message).slice(-MAX_REASON_CHARACTERS);
}
