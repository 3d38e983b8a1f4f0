import type { Config } from '../lib/config.ts';
import { eventually } from '../testing/eventually.ts';
import { type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { type DemoStage, onDemoStage } from './demo-stage.ts';
import { percentile } from './statistics.ts';

const SAMPLES = 6;
const DEADLINE_MS = 30_000;
const CHANNEL = 'C0DRIFTS';
/** Further apart than what Slack's limit lets through, so that no sample waits for another one's edits. */
const PAUSE_MS = 2_000;

/** Edit → question in Slack (a stand-in on this machine), on the embedded stack, one edit at a time; settle window included. */
export async function run(args: readonly string[]): Promise<void> {
  const slack = await startFakeSlack();
  const configure = (config: Config) => asking(config, slack);
  try {
    await onDemoStage({ name: 'question', samples: SAMPLES, configure }, async (stage) => {
      const times: number[] = [];
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        times.push(await measure(stage, slack, sample));
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      print(times, stage.config.settle.quietMs, args);
    });
  } finally {
    await slack.close();
  }
}

function asking(config: Config, { apiUrl, botToken, appToken }: FakeSlack): Config {
  return {
    ...config,
    autoFix: false,
    slack: {
      mode: 'socket',
      ...{ apiUrl, botToken, appToken, channel: CHANNEL },
      approveOnWeb: [],
      postsPerSecond: 0.8,
    },
    notifications: {
      receivers: [{ name: 'slack', kind: 'slack', channel: CHANNEL }],
      routes: [],
      default: ['slack'],
      retryRefusedMs: 900_000,
    },
  };
}

async function measure({ refOf, edit }: DemoStage, slack: FakeSlack, sample: number) {
  const { name } = refOf(sample);
  const startedMs = Date.now();
  await edit(sample);
  const call = await eventually(
    () =>
      slack.calls.find(
        (one) => one.method === 'chat.postMessage' && JSON.stringify(one.args).includes(name),
      ),
    { timeoutMs: DEADLINE_MS, what: `a question about ${name}` },
  );
  return call.atMs - startedMs;
}

function print(times: readonly number[], settleMs: number, args: readonly string[]): void {
  const p50 = Math.round(percentile(times, 0.5));
  const p95 = Math.round(percentile(times, 0.95));
  const result = { samples: times.length, settle_ms: settleMs, p50_ms: p50, p95_ms: p95 };
  if (args.includes('json')) process.stdout.write(`${JSON.stringify(result)}\n`);
  else
    console.log(
      `edit → question posted, settle window ${settleMs} ms: p50 ${p50} ms, p95 ${p95} ms`,
    );
}
