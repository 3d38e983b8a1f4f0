import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import type { DesiredObject, DesiredProblem, DesiredSource } from '../desired/source.ts';
import type { Severity } from '../drift/field-change.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import type { EnvironmentConfig } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import type { Clock } from './clock.ts';
import type { ReflectorOptions, ReflectorStatus } from './reflector.ts';

/** What is reported of a drift; it names the difference without a value of it. */
export type Verdict = {
  readonly digest: string;
  readonly severity: Severity;
  /** Nobody declares the object. */
  readonly unmanaged?: true;
};

/** Compares; undefined where live is as desired. Pure: it is called for every event. */
export type Judge = (desired: DesiredObject, live: KubeObject | undefined) => Verdict | undefined;

/** One observation for the resource's workflow. `seq` rises with each report of this process and across its restarts. */
export type Report =
  | ({ readonly kind: 'drift'; readonly ref: ResourceRef; readonly seq: number } & Verdict)
  | { readonly kind: 'clean'; readonly ref: ResourceRef; readonly seq: number };

/** Counts for operators; every call is cheap and synchronous. */
export type WatcherMetrics = {
  /** `eventType`: ADDED_OR_MODIFIED, DELETED, LISTED. */
  eventProcessed(eventType: string, kind: string): void;
  resourcesWatched(kind: string, namespace: string, count: number): void;
  detectionTook(kind: string, environment: string, seconds: number): void;
};

export type WatchedEnvironment = {
  readonly config: Pick<EnvironmentConfig, 'name' | 'namespaces'> &
    Partial<Pick<EnvironmentConfig, 'unmanaged'>>;
  readonly source: DesiredSource;
  readonly cluster: KubernetesClient;
};

export type WatcherDeps = {
  readonly environments: readonly WatchedEnvironment[];
  /** Plurals or `group/version/Kind`. */
  readonly resources: readonly string[];
  readonly judge: Judge;
  /** Of a live object that nobody declares; undefined for what the cluster makes for itself. */
  readonly judgeUnmanaged?: (live: KubeObject) => Verdict | undefined;
  /** Starts or wakes the resource's workflow. A rejection is retried until it succeeds or the verdict changes. */
  readonly report: (report: Report) => Promise<void>;
  /**
   * Resources whose drift is on record as open; each is told the present verdict after every full list, and a drift that was
   * reported and is not among them is reported again.
   */
  readonly activeRecords: () => Promise<readonly ResourceRef[]>;
  /** Those of them whose run has ended all the same: each is told the present verdict every now and then. */
  readonly lostRecords?: () => Promise<readonly ResourceRef[]>;
  readonly refreshMs: number;
  readonly log: Log;
  readonly metrics?: WatcherMetrics;
  readonly clock?: Clock;
  /** 0 ≤ x < 1; spreads retries. */
  readonly random?: () => number;
  readonly reflector?: ReflectorOptions;
  readonly signalIntervalMs?: number;
  /** How often reported drifts are held against the records. */
  readonly recheckMs?: number;
};

export type EnvironmentStatus = {
  readonly environment: string;
  readonly ready: boolean;
  readonly objects: number;
  readonly drifted: number;
  /** Age of the oldest verdict that its workflow has not been told; 0 for none. */
  readonly lagMs: number;
  /** Units that declare nothing usable. */
  readonly errors: readonly DesiredProblem[];
  /** Why its source cannot be read at present. */
  readonly message?: string;
};

export type WatcherStatus = {
  /** Everything was compared at least once. */
  readonly ready: boolean;
  readonly environments: readonly EnvironmentStatus[];
  readonly clusters: readonly {
    readonly server: string;
    readonly ready: boolean;
    readonly message?: string;
    readonly reflectors: readonly ReflectorStatus[];
  }[];
  /** Resources whose report waits. */
  readonly queued: number;
  readonly comparisons: number;
};

export type Watcher = {
  /** Watches until `signal` aborts or `stop`. Resolves when everything was compared once; CONFIG_INVALID for unknown kinds. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
  status(): WatcherStatus;
};
