import pg from 'pg';
import { stringify } from 'yaml';
import { createConfighubClient } from '../clients/confighub/index.ts';
import { createConfighubServer, type Dialect } from '../confighub-server/index.ts';
import { createConfighubSource } from '../desired/confighub.ts';
import { createLog } from '../lib/log.ts';
import { startStack } from '../stack/index.ts';
import { percentile } from './statistics.ts';
import { fleetObject } from './watch-fixture.ts';

/**
 * How long a space of 5,000 units takes to read at first, to poll without changes, and to select from by labels, over HTTP
 * against the embedded server, in both dialects. Goals: 3 s, 100 ms, and p99 of 20 ms. `UNITS POLLS` may follow.
 */

const DEFAULT_UNITS = 5_000;
const DEFAULT_POLLS = 30;
const WARM_UP = 5;
const TOKEN = 'bench';
const SPACE = 'bench';

export async function run(args: readonly string[]): Promise<void> {
  const [units = DEFAULT_UNITS, polls = DEFAULT_POLLS] = args
    .filter((one) => /^\d+$/.test(one))
    .map(Number);
  for (const dialect of ['bridge', 'release'] as const) await measure(dialect, units, polls);
}

async function measure(dialect: Dialect, units: number, polls: number): Promise<void> {
  const stack = await startStack({ without: ['temporal', 'kubernetes'] });
  const log = createLog('warn');
  const server = await createConfighubServer({
    databaseUrl: stack.postgresUrl,
    tokens: [{ token: TOKEN, username: 'bench' }],
    dialect,
    log,
  });
  try {
    const url = await server.listen(0);
    const hub = createConfighubClient({ url, token: TOKEN, log });
    const { spaceId } = await hub.createSpace({ slug: SPACE });
    await seed(stack.postgresUrl, spaceId, units);
    const environment = {
      name: 'bench',
      source: { kind: 'confighub' as const, space: SPACE },
      defaultNamespace: 'bench',
    };
    const source = createConfighubSource({ hub, environment });
    const started = performance.now();
    const { revision } = await source.load();
    const firstLoadMs = performance.now() - started;
    const cpu = process.cpuUsage();
    const poll = await times(polls, () => source.refresh(revision));
    const { user, system } = process.cpuUsage(cpu);
    const pollCpuMs = (user + system) / 1000 / (polls + WARM_UP);
    const listed = async (where: string) => {
      const query = new URLSearchParams({ where, select: 'Slug' });
      const answer = await fetch(`${url}/api/space/${spaceId}/unit?${query}`, {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      await answer.json();
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    };
    const where = await times(polls * 10, () =>
      listed("Labels.tier = 'critical' AND Labels.team = 'team-7'"),
    );
    const bare = await bareSelect(stack.postgresUrl, polls);
    report({ dialect, units, firstLoadMs, poll, pollCpuMs, where, bare });
  } finally {
    await server.close();
    await stack.stop();
  }
}

/** Units as the server would have stored them, written at once. */
async function seed(databaseUrl: string, spaceId: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const data = Array.from({ length: count }, (_, index) => stringify(fleetObject(index)));
  await client.query(
    `INSERT INTO units (unit_id, space_id, organization_id, slug, labels, toolchain_type, data, data_hash, content_hash,
       target_id)
     SELECT gen_random_uuid(), space.space_id, space.organization_id, 'unit-' || n,
       jsonb_build_object('app', 'app-' || n, 'team', 'team-' || n % 50,
         'tier', CASE WHEN n % 10 = 7 THEN 'critical' ELSE 'standard' END),
       'Kubernetes/YAML', convert_to(document, 'UTF8'), encode(sha256(convert_to(document, 'UTF8')), 'hex'), 0,
       space.release_target_id
     FROM spaces space, unnest($2::text[]) WITH ORDINALITY AS seed (document, n) WHERE space.space_id = $1`,
    [spaceId, data],
  );
  await client.query('VACUUM ANALYZE units');
  await client.end();
}

/** The same columns by one statement, without a server between: what no list can be faster than. */
async function bareSelect(databaseUrl: string, polls: number): Promise<readonly number[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await times(polls, () =>
      client.query(
        'SELECT unit_id, slug, labels, version, head_revision_num, live_revision_num FROM units ORDER BY slug',
      ),
    );
  } finally {
    await client.end();
  }
}

async function times(count: number, once: () => Promise<unknown>): Promise<readonly number[]> {
  for (let at = 0; at < WARM_UP; at += 1) await once();
  const taken: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const started = performance.now();
    await once();
    taken.push(performance.now() - started);
  }
  return taken;
}

function report(measured: {
  readonly dialect: Dialect;
  readonly units: number;
  readonly firstLoadMs: number;
  readonly poll: readonly number[];
  /** Of client and server together, which share this process; Postgres not included. */
  readonly pollCpuMs: number;
  readonly where: readonly number[];
  readonly bare: readonly number[];
}): void {
  const { dialect, units, firstLoadMs, poll, pollCpuMs, where, bare } = measured;
  const at = (samples: readonly number[], part: number) =>
    Number(percentile(samples, part).toFixed(1));
  console.log(
    JSON.stringify({
      bench: 'confighub',
      dialect,
      units,
      firstLoadMs: Math.round(firstLoadMs),
      pollP50Ms: at(poll, 0.5),
      pollP99Ms: at(poll, 0.99),
      pollCpuMs: Number(pollCpuMs.toFixed(1)),
      whereP50Ms: at(where, 0.5),
      whereP99Ms: at(where, 0.99),
      bareSelectP50Ms: at(bare, 0.5),
    }),
  );
}
