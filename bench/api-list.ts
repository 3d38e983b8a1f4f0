import { Client } from 'pg';
import { createApi, startApi } from '../api/index.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { startStack } from '../stack/index.ts';
import { createStore, migrate } from '../store/index.ts';

/**
 * How long lists of the api take over 100,000 records with whole objects of a Deployment's size, over HTTP, one after the
 * other. Goal: p99 at most 20 ms. `RECORDS REQUESTS` may follow.
 */

const DEFAULT_RECORDS = 100_000;
const DEFAULT_REQUESTS = 300;
const WARM_UP = 30;
const TOKEN = 'bench';

const QUERIES: Readonly<Record<string, string>> = {
  'first page': 'drift-records?limit=100',
  active: 'drift-records/active?limit=100',
  'by environment and namespace': 'drift-records?environment=env-7&namespace=team-42&limit=100',
  'by kind and severity': 'drift-records/active?kind=StatefulSet&severity=critical&limit=100',
  'by name': 'drift-records?name=app-77777',
  'nothing found': 'drift-records?namespace=nowhere&kind=Deployment',
};

export async function run(args: readonly string[]): Promise<void> {
  const [records = DEFAULT_RECORDS, requests = DEFAULT_REQUESTS] = args.map(Number);
  const stack = await startStack({ without: ['temporal', 'kubernetes'] });
  try {
    await migrate(stack.postgresUrl);
    await seed(stack.postgresUrl, records);
    const log = createLog('warn');
    const store = createStore({ databaseUrl: stack.postgresUrl, log });
    const api = await startApi(
      createApi({
        store,
        people: [{ name: 'bench', roles: ['viewer'], tokenSha256: sha256(TOKEN) }],
        auth: 'token',
        log,
        metrics: createMetrics({ version: 'bench' }),
        links: { workflowUrl: (id) => `http://127.0.0.1/${id}` },
        decisions: { decide: async () => ({ ok: true, status: '' }) },
        drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
        analyses: { start: async () => ({ runId: '', workflowId: '', alreadyRunning: false }) },
        readiness: async () => [],
        requestsPerSecond: 100_000,
      }),
      { host: '127.0.0.1', port: 0 },
    );
    for (const [query, path] of Object.entries(QUERIES)) {
      report(query, records, await measure(requests, async () => void (await get(api.url, path))));
    }
    report('page after page', records, await measureCursor(api.url, requests));
    report(
      'statistics',
      records,
      await measure(requests, async () => void (await get(api.url, 'statistics'))),
    );
    await api.close();
    await store.close();
  } finally {
    await stack.stop();
  }
}

/** Every twentieth record drifts, over 20 environments, 200 namespaces and 4 kinds. */
async function seed(url: string, records: number): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('alter table records disable trigger user');
  await client.query('alter table episodes disable trigger user');
  await client.query(
    `insert into episodes (id, environment, api_group, version, kind, namespace, name, workflow_id, run_id,
       first_detected, severity, outcome, finding)
     select 'e' || n, 'env-' || n % 20, 'apps', 'v1', ${kindOf('n')}, 'team-' || n % 200, 'app-' || n,
       'drift:' || n, 'run', now() - n * interval '1 minute', ${severityOf('n')}, 'waiting', $2::jsonb
       from generate_series(0, $1::int - 1, 20) n`,
    [records, JSON.stringify(FINDING)],
  );
  await client.query(
    `insert into records (environment, api_group, version, kind, namespace, name, drift_status, episode_id, finding,
       severity, outcome, desired_state, live_state, last_known_good_hash, first_detected, last_updated, created_at)
     select 'env-' || n % 20, 'apps', 'v1', ${kindOf('n')}, 'team-' || n % 200, 'app-' || n,
       case when d then 'active' else 'none' end, case when d then 'e' || n end, case when d then $2::jsonb end,
       case when d then ${severityOf('n')} end, case when d then 'waiting' end, $3::json, $3::json, 'sha256:0',
       case when d then now() - n * interval '1 minute' end, now(), now() - n * interval '1 minute'
       from generate_series(0, $1::int - 1) n, lateral (select n % 20 = 0 as d) drifts`,
    [records, JSON.stringify(FINDING), JSON.stringify(DEPLOYMENT)],
  );
  await client.query('vacuum analyze');
  await client.end();
}

function kindOf(n: string): string {
  return `(array['Deployment', 'StatefulSet', 'Service', 'ConfigMap'])[1 + (${n} / 20) % 4]`;
}

function severityOf(n: string): string {
  return `(array['low', 'medium', 'high', 'critical'])[1 + (${n} / 80) % 4]`;
}

async function get(url: string, path: string): Promise<{ readonly next_cursor?: string | null }> {
  const response = await fetch(`${url}/api/v1/${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const body = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return body as { next_cursor?: string | null };
}

async function measure(requests: number, once: () => Promise<void>): Promise<readonly number[]> {
  for (let i = 0; i < WARM_UP; i++) await once();
  const times: number[] = [];
  for (let i = 0; i < requests; i++) {
    const started = performance.now();
    await once();
    times.push(performance.now() - started);
  }
  return times.sort((left, right) => left - right);
}

/** Follows the cursor through the records, as deep as there are requests. */
function measureCursor(url: string, requests: number): Promise<readonly number[]> {
  let cursor: string | null | undefined;
  return measure(requests, async () => {
    const page = await get(url, `drift-records?limit=100${cursor ? `&cursor=${cursor}` : ''}`);
    cursor = page.next_cursor;
  });
}

function report(query: string, records: number, sorted: readonly number[]): void {
  const at = (part: number) => Number((sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(2));
  console.log(
    JSON.stringify({
      bench: 'api-list',
      query,
      records,
      requests: sorted.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    }),
  );
}

const LABELS = {
  app: 'api',
  tier: 'critical',
  monitor: 'true',
  'app.kubernetes.io/part-of': 'acorn-bear',
};
const CONTAINER = {
  name: 'backend',
  image: 'nginx:alpine',
  ports: [{ containerPort: 80, protocol: 'TCP' }],
  env: Array.from({ length: 12 }, (_, i) => ({
    name: `SETTING_${i}`,
    value: `value of setting ${i}`,
  })),
  resources: {
    requests: { cpu: '100m', memory: '64Mi' },
    limits: { cpu: '200m', memory: '128Mi' },
  },
};
/** About 2 KB as JSON, as a usual manifest. */
const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'api',
    namespace: 'shop',
    labels: LABELS,
    annotations: { note: 'x'.repeat(200) },
  },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'api' } },
    template: {
      metadata: { labels: LABELS },
      spec: { containers: [CONTAINER, { ...CONTAINER, name: 'sidecar' }] },
    },
  },
};
const FINDING = {
  ref: {
    environment: 'env-0',
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'team-0',
    name: 'app-0',
  },
  uid: 'u',
  resourceVersion: '1',
  changes: Array.from({ length: 3 }, (_, i) => ({
    path: `spec.field${i}`,
    op: 'changed',
    desired: 3,
    live: 5,
    type: 'Scaling',
    severity: 'high',
    who: 'kubectl',
    confidence: 'high',
  })),
  omitted: 0,
  severity: 'high',
  direction: 'forward',
  who: 'kubectl',
  diffDigest: 'd',
  score: 40,
};
