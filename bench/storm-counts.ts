import diagnostics from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import type { Realign } from '../workers/realign.ts';

/** What was done between two moments, by name. */
export type Counts = Readonly<Record<string, number>>;

type Counter = { readonly stop: () => Counts };

/** Of all HTTP clients of this process: of those that talk to ConfigHub, and of those that talk to the API server, by TLS. */
const HTTP_CHANNEL = 'http.client.request.start';
/** Ids of ConfigHub and names of the storm's objects. */
const IDS = /[0-9a-f]{8}-[0-9a-f-]{27}|storm-\d+/g;
/** What `/proc/PID/stat` counts in: a hundredth of a second on every Linux. */
const TICK_MS = 10;

type Started = { readonly method: string; readonly path: string; readonly protocol: string };

/** Requests to ConfigHub by method and path, and requests to the API server, from now on. */
export function countRequests(): Counter {
  const counts: Record<string, number> = {};
  const add = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  const onRequest = (message: unknown) => {
    const { method, path, protocol } = (message as { request: Started }).request;
    add(protocol === 'https:' ? `kubernetes ${method}` : `confighub ${method} ${shapeOf(path)}`);
  };
  diagnostics.subscribe(HTTP_CHANNEL, onRequest);
  return {
    stop: () => {
      diagnostics.unsubscribe(HTTP_CHANNEL, onRequest);
      return counts;
    },
  };
}

/** `/api/space/…/unit/…?where=Slug+%3D…` → `/space/-/unit/- where Slug`. */
function shapeOf(path: string): string {
  const url = new URL(path, 'http://confighub');
  const [field] = (url.searchParams.get('where') ?? '').split(' ');
  const shape = url.pathname.replace('/api', '').replaceAll(IDS, '-');
  return field ? `${shape} where ${field}` : shape;
}

/** Statements that Realign has sent to Postgres so far, by table and operation. */
export async function statementsSoFar({ parts }: Pick<Realign, 'parts'>): Promise<Counts> {
  const text = await parts.metrics.text();
  const line =
    /^driftguard_db_query_duration_seconds_count\{operation="(.+?)",table="(.+?)"\} (\d+)/gm;
  return Object.fromEntries(
    [...text.matchAll(line)].map(([, operation, table, count]) => [
      `${table} ${operation}`,
      Number(count),
    ]),
  );
}

/** Milliseconds of CPU of the processes that this one has started, by command; nothing where there is no `/proc`. */
export function cpuOfOthersSoFar(): Counts {
  const all = readProcesses();
  const isOurs = (pid: number): boolean => {
    const parent = all.get(pid)?.parent;
    return parent === process.pid || (parent !== undefined && isOurs(parent));
  };
  const spent: Record<string, number> = {};
  for (const [pid, { command, ms }] of all) {
    if (isOurs(pid)) spent[command] = (spent[command] ?? 0) + ms;
  }
  return spent;
}

function readProcesses(): ReadonlyMap<number, { parent: number; command: string; ms: number }> {
  const found = new Map<number, { parent: number; command: string; ms: number }>();
  for (const name of list('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : '';
    // The command may hold anything; what follows the last bracket are numbers.
    const [, command = '', rest = ''] = /\((.*)\) (.*)/s.exec(stat) ?? [];
    if (rest === '') continue;
    const fields = rest.split(' ').map(Number);
    const [, parent = 0] = fields;
    // Its own time and that of children that have ended.
    const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
    found.set(Number(name), { parent, command, ms: ticks * TICK_MS });
  }
  return found;
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** '' for a process that is gone meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What came on top, for each of so many, the most first. */
export function perEach(before: Counts, after: Counts, count: number): Counts {
  const each = Object.entries(after).map(([name, value]): [string, number] => [
    name,
    Math.round(((value - (before[name] ?? 0)) / count) * 10) / 10,
  ]);
  return Object.fromEntries(
    each.filter(([, value]) => value > 0).toSorted(([, one], [, other]) => other - one),
  );
}

export function sumOf(counts: Counts, prefix = ''): number {
  const chosen = Object.entries(counts).filter(([name]) => name.startsWith(prefix));
  return Math.round(chosen.reduce((sum, [, value]) => sum + value, 0) * 10) / 10;
}
