import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { createConfighubClient } from '../clients/confighub/index.ts';
import { createKubernetesClient } from '../clients/kubernetes/index.ts';
import { INSTALLED_BY } from '../examples/acorn-bear/install.ts';
import { type Config, loadConfig } from '../lib/config.ts';
import { sha256 } from '../lib/digest.ts';
import { type AppError, fromUnknown } from '../lib/errors.ts';
import { createLog, type Log } from '../lib/log.ts';
import { requireFreePort } from '../stack/free-port.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';
import { runUntilSignal } from '../workers/run-until-signal.ts';
import { installRuntime } from '../workers/worker.ts';
import { createNarrator, type Narrator } from './demo/narrator.ts';
import { writeUpEnvironment } from './up-environment.ts';

export type UpOptions = {
  readonly data: string;
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
};

const secretsSchema = z.object({ hubToken: z.string().min(16), apiToken: z.string().min(16) });
type Secrets = z.infer<typeof secretsSchema>;

/** Runs until a signal; resolves with the exit code. Each embedded part can be replaced by one of the user's, by variable. */
export async function runUp(options: UpOptions): Promise<number> {
  const narrator = createNarrator((text) => process.stderr.write(text));
  const directory = resolve(options.data);
  const api = apiOf(options);
  await requireFreePort(api.host, api.port);
  const secrets = loadSecrets(directory);
  const log = createLog(process.env['REALIGN_LOG_LEVEL'] || 'warn');
  installRuntime(log);
  const controller = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  narrator.chapter('🚀 Starting Realign with its embedded stack');
  const embedded = await startEmbedded({
    log,
    directory,
    hubToken: secrets.hubToken,
    api,
    ...replacements(options),
    onReady: (part, ms) => narrator.timed(`✅ ${part} is ready`, ms),
    onFailure: failure.reject,
  });
  let realign: Realign | undefined;
  const start = async () => {
    const config = configOf(options, embedded, secrets);
    if (!process.env['CUB_API_URL']) await prepareEnvironments(embedded, config, log);
    realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
    realign.failed.catch(failure.reject);
    tellWhere(embedded, realign, secrets, narrator);
    const admin = embedded.stack.kubernetes?.kubeconfigs.admin;
    const environment = writeUpEnvironment(directory, {
      ...embedded.env,
      ...(admin !== undefined && { REALIGN_ADMIN_KUBECONFIG: admin }),
      REALIGN_URL: realign.url,
      REALIGN_TOKEN: secrets.apiToken,
    });
    narrator.line(
      `source ${environment}   # in another shell: doctor, drifts and all the rest find it`,
    );
    await realign.ready;
    narrator.line('✅ Everything has been compared once; Ctrl-C ends it');
  };
  start().catch(failure.reject);
  const stop = async () => {
    await realign?.stop();
    await embedded.stop();
  };
  return runUntilSignal(controller, failure.promise, stop, (error) =>
    tellFailure(fromUnknown(error)),
  );
}

function tellFailure({ message, repair }: AppError): void {
  process.stderr.write(`\n❌ ${message}\n   ${repair}\n`);
}

/** Where the api will listen; told to the API server, which starts before the configuration can be read as a whole. */
function apiOf({ config: file }: UpOptions): Config['api'] {
  return loadConfig({ env: process.env, ...(file !== undefined && { file }) }).api;
}

/** What the user brings instead of an embedded part. */
function replacements({ kubeconfig }: UpOptions) {
  const { DATABASE_URL, TEMPORAL_ADDRESS, CUB_API_URL, CUB_TOKEN } = process.env;
  return {
    ...(DATABASE_URL && { postgresUrl: DATABASE_URL }),
    ...(TEMPORAL_ADDRESS && { temporalAddress: TEMPORAL_ADDRESS }),
    ...(CUB_API_URL && CUB_TOKEN && { hub: { url: CUB_API_URL, token: CUB_TOKEN } }),
    ...(kubeconfig !== undefined && { kubeconfig: resolve(kubeconfig) }),
  };
}

function configOf(options: UpOptions, embedded: Embedded, { apiToken }: Secrets): Config {
  const config = loadConfig({
    env: { ...process.env, ...embedded.env },
    ...(options.config !== undefined && { file: options.config }),
  });
  const { context } = options;
  const environments = config.environments.map((one) =>
    context === undefined ? one : { ...one, cluster: { ...one.cluster, context } },
  );
  const me = {
    // Not called as the kubeconfig's user is: whoever is alone may undo what they did themselves.
    name: 'operator',
    roles: ['admin', 'approver'] as const,
    tokenSha256: sha256(apiToken),
  };
  return { ...config, environments, people: [...config.people, me] };
}

/** An empty ConfigHub and an empty cluster know nothing of the configured environments: spaces and namespaces are made. */
async function prepareEnvironments(embedded: Embedded, config: Config, log: Log): Promise<void> {
  const hub = createConfighubClient({ ...embedded.hub, dialect: 'auto', log });
  const admin = embedded.stack.kubernetes?.kubeconfigs.admin;
  const cluster =
    admin === undefined
      ? undefined
      : await createKubernetesClient({ kubeconfig: admin, userAgent: 'realign-up' });
  for (const { source, defaultNamespace } of config.environments) {
    const known = await hub.findSpace(source.space);
    if (!known) {
      const { spaceId } = await hub.createSpace({ slug: source.space, labels: INSTALLED_BY });
      await hub.createTarget(spaceId, {
        slug: 'cluster',
        parameters: { KubeNamespace: defaultNamespace },
      });
    }
    await cluster?.applyServerSide(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: defaultNamespace } },
      { fieldManager: 'realign-up', force: false },
    );
  }
  cluster?.close();
}

function tellWhere(
  { stack, hub }: Embedded,
  realign: Realign,
  { apiToken }: Secrets,
  narrator: Narrator,
): void {
  narrator.chapter('👀 Where things are');
  narrator.table([
    ['REST', realign.url],
    ['Token', apiToken],
    ['Temporal UI', stack.temporal?.uiUrl ?? 'yours'],
    ['ConfigHub', `${hub.url}  (CUB_TOKEN=${process.env['CUB_TOKEN'] ? 'yours' : hub.token})`],
    ['kubeconfig', stack.kubernetes?.kubeconfigs.admin ?? 'yours'],
  ]);
  narrator.line('');
}

/** The tokens of this installation: made once, readable by its owner only. */
function loadSecrets(directory: string): Secrets {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'tokens.json');
  if (existsSync(file)) return secretsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const secrets = { hubToken: newToken(), apiToken: newToken() };
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}
