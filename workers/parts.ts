import type { EnvironmentParts } from '../activities/index.ts';
import { type ConfigHub, createConfighubClient } from '../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import {
  connectTemporal,
  registerSearchAttributes,
  type TemporalClient,
} from '../clients/temporal.ts';
import { createConfighubSource } from '../desired/confighub.ts';
import type { Config, EnvironmentConfig } from '../lib/config.ts';
import { keyedHash } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';
import { createDriftDoor, type DriftDoor } from './doors.ts';
import { waitForPart } from './wait-for-part.ts';

/** Everything a process works with, connected. */
export type Parts = {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly hub: ConfigHub;
  readonly temporal: TemporalClient;
  readonly environments: ReadonlyMap<string, EnvironmentParts>;
  readonly keyedHash: (text: string) => string;
  readonly driftDoor: DriftDoor;
  readonly workflowUrl: (workflowId: string, runId?: string) => string;
  close(): Promise<void>;
};

export type PartsOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Aborting ends the waiting for parts that do not answer. */
  readonly signal: AbortSignal;
  /** A second identity that may patch; used only with `residue: patch`. */
  readonly repairKubeconfig?: string;
};

const USER_AGENT = 'realign';

/** Connects to every part, waiting for those that are away and saying for whom. */
export async function connectParts(options: PartsOptions): Promise<Parts> {
  const { config, log, metrics, signal } = options;
  const wait = { log, signal };
  const store = await waitForPart('Postgres', () => openStore(config, log, metrics), wait);
  const temporal = await waitForPart('Temporal', () => openTemporal(config), wait);
  const hub = openHub(config, log);
  await waitForPart('ConfigHub', () => hub.info(), wait);
  const key = config.redaction.key ?? (await store.installationKey());
  const environments = await openEnvironments(options, hub);
  const { uiUrl, namespace } = config.temporal;
  return {
    config,
    log,
    metrics,
    store,
    hub,
    temporal,
    environments,
    keyedHash: (text) => keyedHash(key, text),
    driftDoor: createDriftDoor(temporal, {
      taskQueue: config.temporal.taskQueue,
      settle: config.settle,
      pendingGraceMs: config.pending.graceMs,
    }),
    workflowUrl: (workflowId, runId) => {
      const workflow = `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
      return runId === undefined ? workflow : `${workflow}/${runId}/history`;
    },
    async close() {
      for (const { cluster, repair } of environments.values()) {
        cluster.close();
        repair?.close();
      }
      await temporal.close();
      await store.close();
    },
  };
}

async function openStore(config: Config, log: Log, metrics: Metrics): Promise<Store> {
  await migrate(config.database.url);
  return createStore({ databaseUrl: config.database.url, log, onQuery: metrics.queryTook });
}

async function openTemporal(config: Config): Promise<TemporalClient> {
  const temporal = await connectTemporal(config.temporal);
  await temporal.ping();
  await registerSearchAttributes(temporal, config.temporal.namespace, SEARCH_ATTRIBUTES);
  return temporal;
}

function openHub(config: Config, log: Log): ConfigHub {
  const { url, token, dialect } = config.confighub;
  if (token === undefined) {
    throw new AppError(
      'CONFIG_INVALID',
      'there is no ConfigHub token: set CUB_TOKEN or confighub.tokenFile',
    );
  }
  return createConfighubClient({ url, token, dialect, log });
}

async function openEnvironments(
  options: PartsOptions,
  hub: ConfigHub,
): Promise<ReadonlyMap<string, EnvironmentParts>> {
  const { config } = options;
  const clients = new Map<string, Promise<KubernetesClient>>();
  const environments = new Map<string, EnvironmentParts>();
  for (const environment of config.environments) {
    const cluster = await clusterOf(environment, clients, options);
    const repair = await repairOf(environment, options);
    environments.set(environment.name, {
      config: environment,
      source: createConfighubSource({ hub, environment }),
      cluster,
      ...(repair && { repair }),
    });
  }
  return environments;
}

/** Environments of one cluster share its client, and with it the informers. */
function clusterOf(
  { cluster: { kubeconfig, context } }: EnvironmentConfig,
  clients: Map<string, Promise<KubernetesClient>>,
  { log, signal }: PartsOptions,
): Promise<KubernetesClient> {
  const key = `${kubeconfig ?? ''}\n${context ?? ''}`;
  const known = clients.get(key);
  if (known) return known;
  const opened = waitForPart(
    `Kubernetes (context ${context ?? 'current'})`,
    async () => {
      const client = await createKubernetesClient({
        userAgent: USER_AGENT,
        ...(kubeconfig !== undefined && { kubeconfig }),
        ...(context !== undefined && { context }),
      });
      await client.version();
      return client;
    },
    { log, signal },
  );
  clients.set(key, opened);
  return opened;
}

async function repairOf(
  { cluster: { context } }: EnvironmentConfig,
  { config, repairKubeconfig }: PartsOptions,
): Promise<KubernetesClient | undefined> {
  if (config.residue !== 'patch' || repairKubeconfig === undefined) return undefined;
  return createKubernetesClient({
    kubeconfig: repairKubeconfig,
    userAgent: 'realign-repair',
    ...(context !== undefined && { context }),
  });
}
