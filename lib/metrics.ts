import { collectDefaultMetrics, Registry } from 'prom-client';
import {
  createMakers,
  type MakeCounter,
  type MakeGauge,
  type MakeHistogram,
  type MetricDescription,
} from './metric-makers.ts';
import { type ClaudeCall, claudeMetrics } from './metrics-claude.ts';
import { messageMetrics, unpostedMetric } from './metrics-messages.ts';
import { retentionMetrics } from './metrics-retention.ts';

type Ref = {
  readonly environment: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/**
 * What is read at each scrape. What lives in Postgres is the same for all processes: only the api reports it, or sums
 * over processes would count it twice.
 */
type ScrapeSource = {
  readonly openEpisodes?: () => Promise<
    readonly { readonly environment: string; readonly severity: string; readonly count: number }[]
  >;
  readonly openQuestions?: () => Promise<
    readonly { readonly environment: string; readonly count: number }[]
  >;
  /** What drift costs per month by environment; `openUsd` is absent where it is not known. */
  readonly costs?: () => Promise<
    readonly {
      readonly environment: string;
      readonly openUsd?: number;
      readonly savedUsd: number;
    }[]
  >;
  /** Questions that no message shows; only where there are receivers. */
  readonly unpostedQuestions?: () => Promise<
    readonly { readonly environment: string; readonly count: number }[]
  >;
  readonly watcher?: () => WatcherState;
  /** This process's connections to Postgres that are in use. */
  readonly activeConnections?: () => { readonly database: string; readonly count: number };
};

/** How a watcher stands now. */
export type WatcherState = {
  /** Resources whose report waits. */
  readonly queued: number;
  /** Since the start of the process. */
  readonly comparisons: number;
  /** Kinds and namespaces that may not be read. */
  readonly forbidden: number;
  readonly environments: readonly {
    readonly environment: string;
    /** Age of the oldest difference that its workflow has not been told; 0 for none. */
    readonly lagSeconds: number;
  }[];
};

/** One process's Prometheus metrics. DriftGuard's names and labels where it has one, `realign_` for the rest. */
export type Metrics = {
  readonly contentType: string;
  /** The exposition text, version 0.0.4. */
  text(): Promise<string>;
  /** Name, type, labels and help of each metric of our own, by name. */
  describe(): readonly MetricDescription[];
  /** From now on each scrape reads these too; called again it adds to what it was told before. */
  readAtScrape(source: ScrapeSource): void;

  /** Call the result with the status when the answer is complete. `endpoint` is the route's template. */
  httpRequest(method: string, endpoint: string): (status: number) => void;
  driftFound(change: { severity: string; type: string; environment: string }): void;
  detectionTook(kind: string, environment: string, seconds: number): void;
  /** A message reached its receiver. */
  messagePosted(receiver: string, how: 'posted' | 'edited'): void;
  /** A message did not; `code` is of the catalogue of errors. */
  postFailed(receiver: string, code: string): void;
  /** What there is to say to a receiver cannot be put into words. */
  subjectParked(receiver: string): void;
  /** 0 removes the resource, so that only what drifts takes room. */
  driftScore(ref: Ref, score: number): void;
  resourcesWatched(kind: string, namespace: string, count: number): void;
  eventProcessed(eventType: string, kind: string): void;
  queryTook(operation: string, table: string, seconds: number): void;
  episodeEnded(environment: string, outcome: string, seconds: number): void;
  decisionTaken(decision: string, door: string, result: 'taken' | 'refused'): void;
  claudeCalled(call: ClaudeCall): void;
  /** A rollback, bulk correction or promotion that somebody started by a command. */
  commandEnded(kind: string, status: string): void;
  oldRowsDeleted(table: string, count: number): void;
};

type MetricsOptions = {
  readonly version: string;
  readonly commit?: string;
  readonly buildDate?: string;
  /** Node's and the process's own metrics; on by default. */
  readonly processMetrics?: boolean;
};

/** The metrics of this process in a registry of their own. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const { described, counter, gauge, histogram } = createMakers(registry);
  const http = httpMetrics(counter, gauge, histogram);
  const drift = driftMetrics(counter, gauge, histogram);
  const claude = claudeMetrics(counter);
  const queries = histogram(
    'driftguard_db_query_duration_seconds',
    'Seconds that a statement took in Postgres.',
    ['operation', 'table'],
  );
  const setUptime = appMetrics(gauge, options);
  const stored = storedMetrics(gauge);
  const unposted = unpostedMetric(gauge);
  const watcher = watcherMetrics(counter, gauge);
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry });

  return {
    contentType: registry.contentType,
    async text() {
      setUptime();
      watcher.read();
      await stored.read();
      await unposted.read();
      return registry.metrics();
    },
    describe: () => described.toSorted((left, right) => left.name.localeCompare(right.name)),
    readAtScrape(source) {
      stored.use(source);
      unposted.use(source);
      if (source.watcher) watcher.use(source.watcher);
    },
    queryTook: (operation, table, seconds) => queries.observe({ operation, table }, seconds),
    ...http,
    ...drift,
    ...messageMetrics(counter),
    ...retentionMetrics(counter),
    ...claude,
  };
}

/** A drift may be over in two seconds or wait for a person over the weekend. */
const EPISODE_BUCKETS_SECONDS = [1, 2, 5, 10, 30, 60, 300, 1_800, 3_600, 14_400, 86_400, 604_800];

function httpMetrics(counter: MakeCounter, gauge: MakeGauge, histogram: MakeHistogram) {
  const requests = counter('driftguard_http_requests_total', 'Requests answered.', [
    'method',
    'endpoint',
    'status_code',
  ]);
  const duration = histogram(
    'driftguard_http_request_duration_seconds',
    'Seconds from the first byte of a request to the last of its answer.',
    ['method', 'endpoint'],
  );
  const inFlight = gauge('driftguard_http_requests_in_flight', 'Requests being answered now.', [
    'method',
    'endpoint',
  ]);
  return {
    httpRequest(method: string, endpoint: string) {
      const started = performance.now();
      inFlight.inc({ method, endpoint });
      return (status: number) => {
        inFlight.dec({ method, endpoint });
        requests.inc({ method, endpoint, status_code: String(status) });
        duration.observe({ method, endpoint }, (performance.now() - started) / 1_000);
      };
    },
  };
}

function driftMetrics(counter: MakeCounter, gauge: MakeGauge, histogram: MakeHistogram) {
  const events = counter(
    'driftguard_drift_events_total',
    'Field changes found, each once per drift.',
    ['severity', 'drift_type', 'environment'],
  );
  const detection = histogram(
    'driftguard_drift_detection_duration_seconds',
    'Seconds that comparing one resource took.',
    ['resource_type', 'environment'],
  );
  const score = gauge(
    'driftguard_drift_score',
    'Score of the present drift of a resource, 0 to 100.',
    ['resource_type', 'resource_name', 'environment'],
  );
  const watched = gauge('driftguard_k8s_resources_watched', 'Resources that the watcher holds.', [
    'resource_type',
    'namespace',
  ]);
  const processed = counter(
    'driftguard_k8s_events_processed_total',
    'Events of the Kubernetes API handled.',
    ['event_type', 'resource_type'],
  );
  const ended = histogram(
    'realign_episode_duration_seconds',
    'Seconds from first seen to the end of a drift, by outcome.',
    ['environment', 'outcome'],
    EPISODE_BUCKETS_SECONDS,
  );
  const decisions = counter('realign_decisions_total', 'Answers of people.', [
    'decision',
    'door',
    'result',
  ]);
  const commands = counter(
    'realign_commands_total',
    'Rollbacks, bulk corrections and promotions that somebody started by a command and that have ended.',
    ['kind', 'status'],
  );
  return {
    driftFound: (change: { severity: string; type: string; environment: string }) =>
      events.inc({
        severity: change.severity,
        drift_type: change.type,
        environment: change.environment,
      }),
    detectionTook: (kind: string, environment: string, seconds: number) =>
      detection.observe({ resource_type: kind, environment }, seconds),
    driftScore(ref: Ref, value: number) {
      const labels = {
        resource_type: ref.kind,
        resource_name: `${ref.namespace}/${ref.name}`,
        environment: ref.environment,
      };
      if (value === 0) score.remove(labels);
      else score.set(labels, value);
    },
    resourcesWatched: (kind: string, namespace: string, count: number) =>
      watched.set({ resource_type: kind, namespace }, count),
    eventProcessed: (eventType: string, kind: string) =>
      processed.inc({ event_type: eventType, resource_type: kind }),
    episodeEnded: (environment: string, outcome: string, seconds: number) =>
      ended.observe({ environment, outcome }, seconds),
    decisionTaken: (decision: string, door: string, result: string) =>
      decisions.inc({ decision, door, result }),
    commandEnded: (kind: string, status: string) => commands.inc({ kind, status }),
  };
}

/** Returns what brings the uptime up to date. */
function appMetrics(gauge: MakeGauge, options: MetricsOptions): () => void {
  const startedAt = Date.now();
  gauge(
    'driftguard_app_start_time_seconds',
    'When this process started, in seconds since 1970.',
  ).set(startedAt / 1_000);
  const uptime = gauge('driftguard_app_uptime_seconds', 'Seconds since this process started.');
  gauge('driftguard_app_version_info', 'Always 1; the labels tell what runs.', [
    'version',
    'commit',
    'build_date',
  ]).set(
    {
      version: options.version,
      commit: options.commit ?? 'unknown',
      build_date: options.buildDate ?? 'unknown',
    },
    1,
  );
  return () => uptime.set((Date.now() - startedAt) / 1_000);
}

/** Without a watcher in this process they stay at their beginning. */
function watcherMetrics(counter: MakeCounter, gauge: MakeGauge) {
  const queued = gauge('realign_watcher_queue_depth', 'Resources whose report waits.');
  const comparisons = counter(
    'realign_comparisons_total',
    'Comparisons of a live object with desired state by the watcher.',
  );
  const forbidden = gauge(
    'realign_watcher_forbidden_scopes',
    'Kinds and namespaces that the watcher may not read and skips.',
  );
  const lag = gauge(
    'realign_watcher_lag_seconds',
    'Age of the oldest difference that no workflow has been told; 0 for none.',
    ['environment'],
  );
  let state: (() => WatcherState) | undefined;
  return {
    use(next: () => WatcherState) {
      state = next;
    },
    read() {
      if (!state) return;
      const now = state();
      queued.set(now.queued);
      forbidden.set(now.forbidden);
      comparisons.reset();
      comparisons.inc(now.comparisons);
      for (const { environment, lagSeconds } of now.environments)
        lag.set({ environment }, lagSeconds);
    },
  };
}

/** A Postgres that is away empties these gauges and nothing else: the rest of the scrape is still answered. */
function storedMetrics(gauge: MakeGauge) {
  const connections = gauge(
    'driftguard_db_connections_active',
    'Connections to Postgres in use now.',
    ['database'],
  );
  const episodes = gauge(
    'realign_open_episodes',
    'Drifts that have not ended, by their worst severity.',
    ['environment', 'severity'],
  );
  const questions = gauge('realign_open_questions', 'Questions that wait for people.', [
    'environment',
  ]);
  const cost = gauge(
    'realign_open_drift_cost_usd_monthly',
    'What open drift costs per month in US dollars, live minus desired, where it is known.',
    ['environment'],
  );
  const saved = gauge(
    'realign_saved_usd_this_month',
    'What verified fixes of this month took back, in US dollars per month, each resource once.',
    ['environment'],
  );
  const readable = gauge('realign_store_readable', '1 if Postgres answered this scrape, else 0.');
  let source: ScrapeSource = {};
  return {
    use(next: ScrapeSource) {
      source = { ...source, ...next };
    },
    async read() {
      const used = source.activeConnections?.();
      if (used) connections.set({ database: used.database }, used.count);
      if (!source.openEpisodes && !source.openQuestions) return;
      try {
        const [open, waiting, costs] = await Promise.all([
          source.openEpisodes?.() ?? [],
          source.openQuestions?.() ?? [],
          source.costs?.() ?? [],
        ]);
        for (const one of [episodes, questions, cost, saved]) one.reset();
        for (const { environment, openUsd, savedUsd } of costs) {
          if (openUsd !== undefined) cost.set({ environment }, openUsd);
          saved.set({ environment }, savedUsd);
        }
        for (const { count, ...labels } of open) episodes.set(labels, count);
        for (const { count, ...labels } of waiting) questions.set(labels, count);
        readable.set(1);
      } catch {
        for (const one of [episodes, questions, cost, saved]) one.reset();
        readable.set(0);
      }
    },
  };
}
