import type { EnvironmentParts } from '../activities/index.ts';
import { type ConfigHub, createConfighubClient } from '../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import {
  connectTemporal,
  registerSearchAttributes,
  type TemporalClient,
} from '../clients/temporal.ts';
import { withAutoscalers } from '../desired/autoscalers.ts';
import { createConfighubSource } from '../desired/confighub.ts';
import { createCustomSchemas } from '../desired/custom-schemas.ts';
import { createKindScopes } from '../desired/kind-scopes.ts';
import { createVerdictMemo, type VerdictMemo } from '../desired/verdict-memo.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import type { Config, EnvironmentConfig } from '../lib/config.ts';
import { tokenOf } from '../lib/confighub-token.ts';
import { keyedHash } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';
import { dataConverterOf } from './data-converter.ts';
import { createDriftDoor, type DriftDoor } from './doors.ts';
import { createOpening, type Opening, type PartState } from './opening.ts';
import { createRuleHits, type RuleHits } from './rule-hits.ts';

/** Everything a process works with, connected. */
export type Parts = {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly store: Store;
  /** Throws in a process that is the api alone: it has none. */
  readonly hub: ConfigHub;
  readonly temporal: TemporalClient;
  /** Of an api alone: none. */
  readonly environments: ReadonlyMap<string, EnvironmentParts>;
  readonly keyedHash: (text: string) => string;
  /** Counts what ignore rules decide. */
  readonly ruleHits: RuleHits;
  /** Of the environment's cluster. */
  readonly verdictMemoOf: (environment: string) => VerdictMemo | undefined;
  readonly driftDoor: DriftDoor;
  readonly workflowUrl: (workflowId: string, runId?: string) => string;
  close(): Promise<void>;
};

export type PartsOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Of the process. The api alone asks neither ConfigHub nor a cluster, so it needs no rights there; absent = all. */
  readonly roles?: readonly string[];
  /** Aborting ends the waiting for parts that do not answer. */
  readonly signal: AbortSignal;
  /** Told of every part at once, then whenever one answers or fails to. */
  readonly onPart?: (state: PartState) => void;
};

const USER_AGENT = 'realign';

/**
 * Connects to all parts at once, waiting for those that are away and saying for whom. What no waiting can mend, such as a
 * refused token, ends it: CONFIG_INVALID, CONFIGHUB_UNAUTHORIZED and the like.
 */
export async function connectParts(options: PartsOptions): Promise<Parts> {
  const { config, log, metrics } = options;
  const opening = createOpening(options);
  const [{ store, key }, temporal, { hub, environments }] = await opening.all([
    opening.open(
      'postgres',
      'Postgres',
      () => openStore(config, log, metrics),
      (one) => one.store.close(),
    ),
    opening.open(
      'temporal',
      'Temporal',
      () => openTemporal(config),
      (one) => one.close(),
    ),
    openSources(options, opening),
  ]);
  const { uiUrl, namespace } = config.temporal;
  const ruleHits = createRuleHits({ store: store.ruleHits, log, now: Date.now });
  return {
    config,
    log,
    metrics,
    store,
    get hub() {
      if (hub) return hub;
      throw new AppError('INTERNAL', 'a process that is the api alone has no ConfigHub');
    },
    temporal,
    environments,
    ruleHits,
    verdictMemoOf: createVerdictMemos(config),
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
      await ruleHits.flush();
      await opening.close();
    },
  };
}

/** Whether the process neither looks for drift nor does anything about it. */
export function isApiAlone({ roles = [] }: { readonly roles?: readonly string[] }): boolean {
  return roles.length > 0 && roles.every((role) => role === 'api');
}

/** ConfigHub and the clusters. */
async function openSources(
  options: PartsOptions,
  opening: Opening,
): Promise<{ hub?: ConfigHub; environments: Parts['environments'] }> {
  if (isApiAlone(options)) return { environments: new Map() };
  const hub = openHub(options.config, options.log);
  const [, environments] = await Promise.all([
    // Says who we are: unlike the server's version, that needs the token.
    opening.open('confighub', 'ConfigHub', () => hub.me()),
    openEnvironments(options, hub, opening),
  ]);
  return { hub, environments };
}

async function openStore(
  config: Config,
  log: Log,
  metrics: Metrics,
): Promise<{ store: Store; key: string | Uint8Array }> {
  const { url } = config.database;
  await migrate(url);
  const store = createStore({ databaseUrl: url, log, onQuery: metrics.queryTook });
  try {
    return { store, key: config.redaction.key ?? (await store.installationKey()) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openTemporal(config: Config): Promise<TemporalClient> {
  const { namespace } = config.temporal;
  const temporal = await connectTemporal({ ...config.temporal, ...dataConverterOf(config) });
  try {
    await temporal.ping();
    await registerSearchAttributes(temporal, namespace, SEARCH_ATTRIBUTES);
    return temporal;
  } catch (error) {
    await temporal.close();
    throw error;
  }
}

function openHub(config: Config, log: Log): ConfigHub {
  const { url, dialect } = config.confighub;
  return createConfighubClient({ url, token: tokenOf(config), dialect, log });
}

async function openEnvironments(
  options: PartsOptions,
  hub: ConfigHub,
  opening: Opening,
): Promise<ReadonlyMap<string, EnvironmentParts>> {
  const { config, log } = options;
  const clusters = new Map<string, Promise<KubernetesClient>>();
  const clusterOf = ({ cluster: { kubeconfig, context } }: EnvironmentConfig) => {
    const key = `${kubeconfig ?? ''}\n${context ?? ''}`;
    const known = clusters.get(key);
    if (known) return known;
    const part = context === undefined ? 'kubernetes' : `kubernetes ${context}`;
    const label = `Kubernetes (context ${context ?? 'current'})`;
    const opened = opening.open(
      part,
      label,
      () => openCluster(kubeconfig, context),
      (one) => one.close(),
    );
    clusters.set(key, opened);
    return opened;
  };
  const schemasOf = onePerCluster((cluster) => createCustomSchemas({ cluster, log }));
  const scopesOf = onePerCluster((cluster) => createKindScopes({ cluster, log }));
  const asksForAutoscalers = config.ignore.some((rule) => rule.bounds?.hpa === true);
  const looks = { maxAgeMs: config.confighub.refreshMs, now: Date.now };
  const environments = await Promise.all(
    config.environments.map(async (environment): Promise<[string, EnvironmentParts]> => {
      const repair = await openRepair(environment, options, opening);
      const cluster = await clusterOf(environment);
      const isNamespaced = await scopesOf(cluster);
      const schemas = schemasOf(cluster);
      const units = createConfighubSource({ hub, environment, schemas, isNamespaced });
      const source = asksForAutoscalers ? withAutoscalers(units, looks) : units;
      return [
        environment.name,
        { config: environment, source, cluster, ...(repair && { repair }) },
      ];
    }),
  );
  return new Map(environments);
}

/** Made beforehand, because every comparison asks. */
function createVerdictMemos({ environments }: Config): Parts['verdictMemoOf'] {
  const ofCluster = new Map<string, VerdictMemo>();
  const memos = new Map<string, VerdictMemo>();
  for (const { name } of environments) {
    const cluster = clusterNameOf(environments, name);
    const memo = ofCluster.get(cluster) ?? createVerdictMemo();
    ofCluster.set(cluster, memo);
    memos.set(name, memo);
  }
  return (environment) => memos.get(environment);
}

/** Environments of one cluster share what is known of its kinds. */
function onePerCluster<T>(create: (cluster: KubernetesClient) => T): typeof create {
  const known = new Map<KubernetesClient, T>();
  return (cluster) => {
    const one = known.get(cluster) ?? create(cluster);
    known.set(cluster, one);
    return one;
  };
}

async function openCluster(
  kubeconfig: string | undefined,
  context: string | undefined,
): Promise<KubernetesClient> {
  const client = await createKubernetesClient({
    userAgent: USER_AGENT,
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  });
  try {
    await client.version();
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

function openRepair(
  { name, cluster: { repairKubeconfig: kubeconfig, context } }: EnvironmentConfig,
  { config }: PartsOptions,
  opening: Opening,
): Promise<KubernetesClient> | undefined {
  const isUsed = config.residue === 'patch' || config.confirm === 'dry-run';
  if (!isUsed || kubeconfig === undefined) return undefined;
  const options = {
    kubeconfig,
    userAgent: 'realign-repair',
    ...(context !== undefined && { context }),
  };
  return opening.open(
    `repair ${name}`,
    `the repair identity of ${name}`,
    () => createKubernetesClient(options),
    (one) => one.close(),
  );
}
