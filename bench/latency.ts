import { type DemoStage, onDemoStage } from './demo-stage.ts';
import { percentile } from './statistics.ts';

const SAMPLES = 20;
const DEADLINE_MS = 60_000;

/**
 * Edit → live restored, automatic, on the embedded stack: one edit at a time. Seen by a watch, so that measuring costs nothing.
 * The settle window is part of the time and is named beside it.
 */
export async function run(args: readonly string[]): Promise<void> {
  await onDemoStage({ name: 'latency', samples: SAMPLES }, async (stage) => {
    const times: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample += 1) times.push(await measure(stage, sample));
    print(times, stage.config.settle.quietMs, args);
  });
}

async function measure({ cluster, refOf, edit }: DemoStage, sample: number): Promise<number> {
  const { name, namespace } = refOf(sample);
  const startedMs = performance.now();
  const edited = await edit(sample);
  const discovery = await cluster.discover();
  const events = cluster.watch(discovery.resolve('configmaps'), {
    namespace,
    resourceVersion: edited.metadata.resourceVersion ?? '',
    timeoutSeconds: DEADLINE_MS / 1_000,
    idleMs: DEADLINE_MS,
  });
  for await (const event of events) {
    if (event.type !== 'MODIFIED' || event.object.metadata.name !== name) continue;
    if (JSON.stringify(event.object['data']) === '{"mode":"declared"}')
      return performance.now() - startedMs;
  }
  throw new Error(`${name} was not restored in ${DEADLINE_MS / 1_000} s`);
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
