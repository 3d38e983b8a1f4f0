import { demoConfig, installDemo, newTokens } from '../cli/demo/stage.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { createLog } from '../lib/log.ts';
import { startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, startRealign } from '../workers/realign.ts';
import { installRuntime } from '../workers/worker.ts';
import { percentile } from './statistics.ts';

const SAMPLES = 20;
const DEADLINE_MS = 60_000;
const NAMESPACE = 'acorn-bear-dev';

/** Names one edit: each sample has an object of its own, because the same drift again and again is a fight, not a drift. */
function nameOf(sample: number): string {
  return `latency-${sample}`;
}

/**
 * Edit → live restored, automatic, on the embedded stack: one edit at a time, each of a fresh ConfigMap in the demo's dev
 * environment. Seen by a watch, so that measuring costs nothing. The settle window is part of the time and is named beside it.
 */
export async function run(args: readonly string[]): Promise<void> {
  const log = createLog('error');
  installRuntime(log);
  const embedded = await startEmbedded({ log });
  const controller = new AbortController();
  try {
    await installDemo(embedded, log);
    const config = demoConfig(embedded, newTokens());
    const realign = await startRealign({
      config,
      log,
      roles: ALL_ROLES,
      signal: controller.signal,
    });
    const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
    const cluster = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
    try {
      await declare((await realign.connected).hub);
      await realign.ready;
      const times: number[] = [];
      for (let sample = 0; sample < SAMPLES; sample += 1)
        times.push(await measure(cluster, sample));
      print(times, config.settle.quietMs, args);
    } finally {
      cluster.close();
      await realign.stop();
    }
  } finally {
    controller.abort();
    await embedded.stop();
  }
}

type Hub = Awaited<ReturnType<typeof startRealign>>['parts']['hub'];

async function declare(hub: Hub): Promise<void> {
  const space = await hub.findSpace(NAMESPACE);
  const [target] = space ? await hub.listTargets(space.spaceId) : [];
  if (!space || !target) throw new Error('the demo is not installed');
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const name = nameOf(sample);
    const unit = await hub.createUnit(space.spaceId, {
      slug: name,
      labels: { 'auto-correctable': 'true' },
      targetId: target.targetId,
      data: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  mode: declared\n`,
    });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: DEADLINE_MS });
  }
}

async function measure(cluster: KubernetesClient, sample: number): Promise<number> {
  const ref = {
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    namespace: NAMESPACE,
    name: nameOf(sample),
  };
  const startedMs = performance.now();
  const edited = await cluster.jsonPatch(
    ref,
    [{ op: 'replace', path: '/data/mode', value: 'edited' }],
    { fieldManager: 'kubectl-edit' },
  );
  const discovery = await cluster.discover();
  const events = cluster.watch(discovery.resolve('configmaps'), {
    namespace: NAMESPACE,
    resourceVersion: edited.metadata.resourceVersion ?? '',
    timeoutSeconds: DEADLINE_MS / 1_000,
    idleMs: DEADLINE_MS,
  });
  for await (const event of events) {
    if (event.type !== 'MODIFIED' || event.object.metadata.name !== ref.name) continue;
    if (JSON.stringify(event.object['data']) === '{"mode":"declared"}')
      return performance.now() - startedMs;
  }
  throw new Error(`${ref.name} was not restored in ${DEADLINE_MS / 1_000} s`);
}

function print(times: readonly number[], settleMs: number, args: readonly string[]): void {
  const p50 = Math.round(percentile(times, 0.5));
  const p95 = Math.round(percentile(times, 0.95));
  const result = {
    samples: times.length,
    settle_ms: settleMs,
    p50_ms: p50,
    p95_ms: p95,
    p50_beyond_settle_ms: p50 - settleMs,
  };
  if (args.includes('json')) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    console.log(
      `edit → live restored, ${times.length} samples, settle window ${settleMs} ms included`,
    );
    console.log(`p50 ${p50} ms, p95 ${p95} ms; beyond the settle window p50 ${p50 - settleMs} ms`);
  }
}
