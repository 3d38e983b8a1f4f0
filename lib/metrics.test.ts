import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

const metricsOf = () => createMetrics({ version: '1.2.3', processMetrics: false });
const ref = { environment: 'dev', kind: 'Deployment', namespace: 'shop', name: 'api' };

/** DriftGuard's names and labels; its users' dashboards and alerts read these. */
const DRIFTGUARD = {
  driftguard_app_start_time_seconds: [],
  driftguard_app_uptime_seconds: [],
  driftguard_app_version_info: ['version', 'commit', 'build_date'],
  driftguard_db_connections_active: ['database'],
  driftguard_db_query_duration_seconds: ['operation', 'table'],
  driftguard_drift_detection_duration_seconds: ['resource_type', 'environment'],
  driftguard_drift_events_total: ['severity', 'drift_type', 'environment'],
  driftguard_drift_score: ['resource_type', 'resource_name', 'environment'],
  driftguard_http_request_duration_seconds: ['method', 'endpoint'],
  driftguard_http_requests_in_flight: ['method', 'endpoint'],
  driftguard_http_requests_total: ['method', 'endpoint', 'status_code'],
  driftguard_k8s_events_processed_total: ['event_type', 'resource_type'],
  driftguard_k8s_resources_watched: ['resource_type', 'namespace'],
};

test('has all metrics of DriftGuard with the labels they had', () => {
  const theirs = metricsOf()
    .describe()
    .filter((one) => one.name.startsWith('driftguard_'));
  expect(Object.fromEntries(theirs.map((one) => [one.name, one.labels]))).toEqual(DRIFTGUARD);
});

test('says what happened', async () => {
  const metrics = metricsOf();
  metrics.driftFound({ severity: 'medium', type: 'Scaling', environment: 'dev' });
  metrics.driftScore(ref, 40);
  metrics.resourcesWatched('Deployment', 'shop', 3);
  metrics.eventProcessed('MODIFIED', 'Deployment');
  metrics.detectionTook('Deployment', 'dev', 0.001);
  metrics.queryTook('list', 'records', 0.002);
  metrics.episodeEnded('dev', 'fixed', 3);
  metrics.decisionTaken('approve', 'rest', 'taken');
  const text = await metrics.text();
  for (const line of [
    'driftguard_drift_events_total{severity="medium",drift_type="Scaling",environment="dev"} 1',
    'driftguard_drift_score{resource_type="Deployment",resource_name="shop/api",environment="dev"} 40',
    'driftguard_k8s_resources_watched{resource_type="Deployment",namespace="shop"} 3',
    'driftguard_k8s_events_processed_total{event_type="MODIFIED",resource_type="Deployment"} 1',
    'driftguard_drift_detection_duration_seconds_count{resource_type="Deployment",environment="dev"} 1',
    'driftguard_db_query_duration_seconds_count{operation="list",table="records"} 1',
    'realign_episode_duration_seconds_bucket{le="5",environment="dev",outcome="fixed"} 1',
    'realign_decisions_total{decision="approve",door="rest",result="taken"} 1',
    'driftguard_app_version_info{version="1.2.3",commit="unknown",build_date="unknown"} 1',
  ]) {
    expect(text).toContain(line);
  }
});

test('a resource without drift takes no room', async () => {
  const metrics = metricsOf();
  metrics.driftScore(ref, 40);
  metrics.driftScore(ref, 0);
  expect(await metrics.text()).not.toContain('driftguard_drift_score{');
});

test('a request is in flight until it is answered', async () => {
  const metrics = metricsOf();
  const done = metrics.httpRequest('GET', '/health');
  expect(await metrics.text()).toContain('requests_in_flight{method="GET",endpoint="/health"} 1');
  done(200);
  const text = await metrics.text();
  expect(text).toContain('requests_in_flight{method="GET",endpoint="/health"} 0');
  expect(text).toContain('requests_total{method="GET",endpoint="/health",status_code="200"} 1');
});

test('a Postgres that is away leaves the rest of the scrape', async () => {
  const metrics = metricsOf();
  let away = false;
  const read = async <T>(rows: T) => {
    if (away) throw new Error('away');
    return rows;
  };
  metrics.readAtScrape({ activeConnections: () => ({ database: 'realign', count: 2 }) });
  metrics.readAtScrape({
    openEpisodes: () => read([{ environment: 'dev', severity: 'high', count: 2 }]),
    openQuestions: () => read([{ environment: 'dev', count: 1 }]),
  });
  const present = await metrics.text();
  expect(present).toContain('realign_open_episodes{environment="dev",severity="high"} 2');
  expect(present).toContain('realign_open_questions{environment="dev"} 1');
  expect(present).toContain('realign_store_readable 1');
  away = true;
  const absent = await metrics.text();
  expect(absent).not.toContain('realign_open_episodes{');
  expect(absent).toContain('realign_store_readable 0');
  expect(absent).toContain('driftguard_db_connections_active{database="realign"} 2');
});

test('says how the watcher stands at each scrape', async () => {
  const metrics = metricsOf();
  let comparisons = 7;
  metrics.readAtScrape({
    watcher: () => ({
      queued: 3,
      comparisons,
      forbidden: 1,
      environments: [{ environment: 'dev', lagSeconds: 1.5 }],
    }),
  });
  const first = await metrics.text();
  expect(first).toContain('realign_watcher_queue_depth 3');
  expect(first).toContain('realign_watcher_forbidden_scopes 1');
  expect(first).toContain('realign_watcher_lag_seconds{environment="dev"} 1.5');
  expect(first).toContain('realign_comparisons_total 7');
  comparisons = 9;
  expect(await metrics.text()).toContain('realign_comparisons_total 9');
});
