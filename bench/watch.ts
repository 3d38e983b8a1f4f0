import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { refOf } from '../drift/resource-ref.ts';
import { startStack } from '../stack/index.ts';
import { fleetObject, NAMESPACE, writeFleetUnits } from './watch-fixture.ts';

const CHILD = fileURLToPath(new URL('watch-child.ts', import.meta.url));
const WRITES_AT_ONCE = 16;
const REPORT_TIMEOUT_MS = 10_000;

type Line = { readonly [field: string]: unknown };

/**
 * Memory and time to fully compared for several fleets, and latency from an edit's sending to its report, one at a time.
 * `--objects 1000,10000 --edits 200 -o json`. Units come from files: ConfigHub's own speed is not measured.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      objects: { type: 'string', default: '1000,10000' },
      edits: { type: 'string', default: '200' },
      output: { type: 'string', short: 'o', default: 'table' },
    },
  });
  const stack = await startStack({ without: ['postgres', 'temporal'] });
  try {
    const { kubernetes } = stack;
    if (kubernetes === undefined) throw new Error('the stack has no API server');
    kubernetes.statusPlayer.pause();
    const kubeconfig = kubernetes.kubeconfigs.admin;
    const admin = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl-edit' });
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
    await admin.applyServerSide(namespace, { fieldManager: 'bench', force: true });
    let made = 0;
    for (const count of values.objects.split(',').map(Number)) {
      await applyFleet(admin, made, count);
      made = count;
      const result = await measure(kubeconfig, admin, count, Number(values.edits));
      print(result, values.output);
    }
    admin.close();
  } finally {
    await stack.stop();
  }
}

async function applyFleet(admin: KubernetesClient, from: number, to: number): Promise<void> {
  let next = from;
  const write = async (): Promise<void> => {
    while (next < to) {
      const object = fleetObject(next++);
      await admin.applyServerSide(object, { fieldManager: 'confighub', force: true });
    }
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, write));
}

async function measure(
  kubeconfig: string,
  admin: KubernetesClient,
  count: number,
  edits: number,
): Promise<Line> {
  const units = await mkdtemp(join(tmpdir(), 'realign-bench-'));
  await writeFleetUnits(units, count);
  const child = spawn(process.execPath, [CHILD, kubeconfig, units, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const lines = createInterface({ input: child.stdout });
    const ready = await nextLine(lines, child, 600_000);
    const latencies: number[] = [];
    // Each time another ConfigMap, so that no edit waits for the interval between two reports of one resource.
    for (let index = 6; index < count && latencies.length < edits; index += 10) {
      const ref = refOf('', fleetObject(index));
      const reported = nextLine(lines, child, REPORT_TIMEOUT_MS);
      const sentAtMs = Date.now();
      const operation = { op: 'replace', path: '/data/key-1', value: 'edited' } as const;
      await admin.jsonPatch(ref, [operation], { fieldManager: 'kubectl-edit' });
      latencies.push(Number((await reported)['atMs']) - sentAtMs);
      await admin.applyServerSide(fleetObject(index), { fieldManager: 'confighub', force: true });
      await nextLine(lines, child, REPORT_TIMEOUT_MS);
    }
    latencies.sort((one, other) => one - other);
    const ended = nextLine(lines, child, REPORT_TIMEOUT_MS);
    child.kill('SIGTERM');
    const { ready: _ready, ...start } = ready;
    const { rss_mb, heap_mb } = await ended;
    const latency = { edits: latencies.length, ...percentiles(latencies) };
    return { bench: 'watch', ...start, latency_ms: latency, rss_after_edits_mb: rss_mb, heap_mb };
  } finally {
    child.kill('SIGKILL');
    await rm(units, { recursive: true, force: true });
  }
}

async function nextLine(lines: Interface, child: ChildProcess, timeoutMs: number): Promise<Line> {
  const done = new AbortController();
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), done.signal]);
  const exited = once(child, 'exit', { signal }).then(() => {
    throw new Error('the watcher process ended');
  });
  try {
    const [text] = await Promise.race([once(lines, 'line', { signal }), exited]);
    return JSON.parse(String(text));
  } finally {
    // Takes the listeners away.
    done.abort();
  }
}

function percentiles(sorted: readonly number[]) {
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}

function print(result: Line, output: string): void {
  if (output === 'json') {
    console.log(JSON.stringify(result));
    return;
  }
  for (const [name, value] of Object.entries(result)) {
    console.log(
      `${name.padEnd(20)} ${typeof value === 'number' ? value.toFixed(1) : JSON.stringify(value)}`,
    );
  }
}
