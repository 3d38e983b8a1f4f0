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
 * against the embedded server, in both dialects. Goals: 3 s, 100 ms, and p99 of 20 ms. Beside each poll a bare SELECT is
 * timed, so that both have the same neighbours on the machine. `UNITS POLLS` may follow.
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
  const postgres = new pg.Client({ connectionString: stack.postgresUrl });
  try {
    await postgres.connect();
    const url = await server.listen(0);
    const hub = createConfighubClient({ url, token: TOKEN, log });
    const { spaceId } = await hub.createSpace({ slug: SPACE });
    await seed(postgres, spaceId, units);
    const environment = {
      name: 'bench',
      source: { kind: 'confighub' as const, space: SPACE },
      defaultNamespace: 'bench',
    };
    const source = createConfighubSource({ hub, environment });
    const [first, load] = await timed(() => source.load());
    const [poll, bare] = await inTurn(polls, [
      () => source.refresh(first.revision),
      bareSelect(postgres),
    ]);
    const get = async (path: string) => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const answer = await fetch(`${url}/api/space/${spaceId}/unit${path}`, { headers });
      await answer.json();
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    };
    const wanted = "Labels.tier = 'critical' AND Labels.team = 'team-7'";
    const query = new URLSearchParams({ where: wanted, select: 'Slug' });
    const [where, read] = await inTurn(polls * 10, [
      () => get(`?${query}`),
      () => get(`/${first.units[0]?.unitId}`),
    ]);
    report({ dialect, units, load, poll, bare, where, read });
  } finally {
    await postgres.end();
    await server.close();
    await stack.stop();
  }
}

/** Units as the server would have stored them, written at once. */
async function seed(client: pg.Client, spaceId: string, units: number): Promise<void> {
  const data = Array.from({ length: units }, (_, at) => stringify(fleetObject(at)));
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
}

/** The same columns by one statement, without a server between: what no list can be faster than. */
function bareSelect(client: pg.Client): () => Promise<unknown> {
  const columns = 'unit_id, slug, labels, version, head_revision_num, live_revision_num';
  return () => client.query(`SELECT ${columns} FROM units ORDER BY slug`);
}

/** Milliseconds on the clock, and of this process: client and server together, Postgres not included. */
type Taken = { readonly ms: number; readonly cpuMs: number };

async function timed<T>(once: () => Promise<T>): Promise<readonly [T, Taken]> {
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  const result = await once();
  const { user, system } = process.cpuUsage(cpu);
  return [result, { ms: performance.now() - started, cpuMs: (user + system) / 1000 }];
}

/** Each after the other, again and again. */
async function inTurn<const Work extends readonly (() => Promise<unknown>)[]>(
  count: number,
  works: Work,
): Promise<{ readonly [At in keyof Work]: readonly Taken[] }> {
  const taken = works.map((): Taken[] => []);
  for (let at = -WARM_UP; at < count; at += 1) {
    for (const [index, work] of works.entries()) {
      const [, one] = await timed(work);
      if (at >= 0) taken[index]?.push(one);
    }
  }
  return taken as { [At in keyof Work]: Taken[] };
}

function report(measured: {
  readonly dialect: Dialect;
  readonly units: number;
  readonly load: Taken;
  readonly poll: readonly Taken[];
  readonly bare: readonly Taken[];
  readonly where: readonly Taken[];
  /** One unit by its id. */
  readonly read: readonly Taken[];
}): void {
  const { load, poll, bare, where, read, ...about } = measured;
  const at = (samples: readonly Taken[], part: number, of: keyof Taken = 'ms') =>
    percentile(
      samples.map((one) => one[of]),
      part,
    );
  const rounded = Object.entries({
    firstLoadMs: load.ms,
    firstLoadCpuMs: load.cpuMs,
    pollP50Ms: at(poll, 0.5),
    pollP99Ms: at(poll, 0.99),
    pollCpuP50Ms: at(poll, 0.5, 'cpuMs'),
    whereP50Ms: at(where, 0.5),
    whereP99Ms: at(where, 0.99),
    readP50Ms: at(read, 0.5),
    bareSelectP50Ms: at(bare, 0.5),
    pollToBareSelect: at(poll, 0.5) / at(bare, 0.5),
  }).map(([name, value]) => [name, Number(value.toFixed(1))]);
  console.log(JSON.stringify({ bench: 'confighub', ...about, ...Object.fromEntries(rounded) }));
}
