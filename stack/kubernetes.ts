import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEtcd } from './etcd.ts';
import { createKubeRequests, type KubeRequests } from './kube-request.ts';
import {
  grantRights,
  type Identity,
  loadTokens,
  type Tokens,
  writeKubeconfigs,
} from './kubernetes-identities.ts';
import { type Crashing, type PartContext, portAt, startServer } from './server.ts';

const READY_TIMEOUT_MS = 60_000;
const RBAC_FILE = fileURLToPath(new URL('../deploy/base/rbac.yaml', import.meta.url));

// Who wrote what, without contents (they may be secret). The API server's writes to itself are left out, as are reads,
// which would drown the writes. See kubernetes.io, "Auditing".
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:apiserver'] },
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata' },
  ],
};

/** Where the API server posts its audit events, with this token; nobody need listen there yet. */
export type AuditWebhook = { readonly url: string; readonly token: string };

export type KubernetesOptions = {
  readonly etcdBinary: string;
  readonly apiserverBinary: string;
  /** Sends audit events there, too. */
  readonly auditWebhook?: AuditWebhook;
};

/** What crashes and recovers is the API server alone, not its store. */
export type Kubernetes = Crashing & {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  /** PEM of the certificate authority. */
  readonly ca: string;
  /** Identity → file. */
  readonly kubeconfigs: Readonly<Record<Identity, string>>;
  readonly tokens: Tokens;
  /** One JSON line for each write: `user.username`, `verb`, `objectRef`, `responseStatus.code`. */
  readonly auditLogPath: string;
  stop(): Promise<void>;
};

/** A real API server with its store, as controller-runtime's envtest has it: no kubelet, no controllers, no pods. */
export async function startKubernetes(
  context: PartContext,
  options: KubernetesOptions,
): Promise<Kubernetes> {
  const etcd = await startEtcd(context, { binary: options.etcdBinary });
  try {
    return await startApiserver(context, options, etcd);
  } catch (error) {
    await etcd.stop();
    throw error;
  }
}

async function startApiserver(
  context: PartContext,
  options: KubernetesOptions,
  etcd: { url: string; stop(): Promise<void> },
): Promise<Kubernetes> {
  const { directory } = context;
  const auditLogPath = join(directory, 'audit.log');
  const { tokens, file: tokenFile } = await loadTokens(directory);
  const files = { tokenFile, auditLogPath, ...(await writeServerFiles(directory)) };
  const webhook = await auditWebhookArguments(directory, options.auditWebhook);
  const urlOf = (ports: readonly number[]) => `https://127.0.0.1:${portAt(ports, 0)}`;
  const certificate = join(directory, 'certs', 'apiserver.crt');
  const adminAt = async (ports: readonly number[]) =>
    createKubeRequests({
      url: urlOf(ports),
      ca: await readFile(certificate, 'utf8'),
      token: tokens.admin,
    });
  const { ports, ...server } = await startServer(context, {
    portCount: 1,
    process: (candidate) => ({
      name: 'kube-apiserver',
      command: options.apiserverBinary,
      args: [...apiserverArguments(directory, etcd.url, portAt(candidate, 0), files), ...webhook],
      logFile: join(directory, 'kube-apiserver.log'),
    }),
    probe: async (candidate) => probeReady(await adminAt(candidate)),
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  const stop = async () => {
    await server.stop();
    await etcd.stop();
  };
  const access = { url: urlOf(ports), ca: await readFile(certificate, 'utf8'), tokens };
  const admin = await adminAt(ports);
  try {
    await grantRights(admin, RBAC_FILE);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    admin.close();
  }
  return {
    ...server,
    url: access.url,
    ca: access.ca,
    tokens,
    auditLogPath,
    stop,
    kubeconfigs: await writeKubeconfigs(directory, access),
  };
}

async function probeReady(admin: KubeRequests): Promise<void> {
  try {
    const answer = await admin.get('/readyz');
    if (answer.status !== 200) throw new Error(`/readyz answers ${answer.status}`);
  } finally {
    admin.close();
  }
}

async function writeServerFiles(directory: string): Promise<{ auditPolicy: string; key: string }> {
  const auditPolicy = join(directory, 'audit-policy.json');
  await writeFile(auditPolicy, JSON.stringify(AUDIT_POLICY));
  const key = join(directory, 'service-account.key');
  if (!existsSync(key)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(key, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  }
  return { auditPolicy, key };
}

/** Small batches, so that a question can name the author of a change that was made a second ago. */
async function auditWebhookArguments(
  directory: string,
  webhook: AuditWebhook | undefined,
): Promise<readonly string[]> {
  if (webhook === undefined) return [];
  const file = join(directory, 'audit-webhook.kubeconfig');
  // Kubernetes' clients send bearer tokens over TLS only; on this machine's loopback the URL has to carry it.
  const server = new URL(webhook.url);
  server.username = 'audit';
  server.password = webhook.token;
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'realign', cluster: { server: server.href } }],
    users: [],
    contexts: [{ name: 'audit', context: { cluster: 'realign', user: '' } }],
    'current-context': 'audit',
  };
  await writeFile(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  return [
    `--audit-webhook-config-file=${file}`,
    '--audit-webhook-mode=batch',
    '--audit-webhook-batch-max-wait=200ms',
    '--audit-webhook-batch-max-size=100',
    '--audit-webhook-batch-buffer-size=1000',
    // The default of 10 s, grown over four retries, would hold up the server's end while nobody listens.
    '--audit-webhook-initial-backoff=100ms',
  ];
}

function apiserverArguments(
  directory: string,
  etcdUrl: string,
  port: number,
  files: { tokenFile: string; auditPolicy: string; auditLogPath: string; key: string },
): string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    // Told, because a machine without a network has no address to be found.
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(directory, 'certs')}`,
    `--token-auth-file=${files.tokenFile}`,
    '--anonymous-auth=false',
    '--authorization-mode=RBAC',
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.auditLogPath}`,
    '--audit-log-maxsize=100',
    '--audit-log-maxbackup=1',
    '--service-account-issuer=https://realign.local',
    `--service-account-key-file=${files.key}`,
    `--service-account-signing-key-file=${files.key}`,
    // It would refuse pods for lack of the token that a controller makes.
    '--disable-admission-plugins=ServiceAccount',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
    '--profiling=false',
  ];
}
