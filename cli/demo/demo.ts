import type { Dialect } from '../../confighub-server/index.ts';
import type { Config } from '../../lib/config.ts';
import { withRepair } from '../../lib/errors.ts';
import { createLog } from '../../lib/log.ts';
import { type Embedded, startEmbedded } from '../../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../../workers/realign.ts';
import { runUntilSignal } from '../../workers/run-until-signal.ts';
import { examineSlack } from '../../workers/slack-check.ts';
import { installRuntime } from '../../workers/worker.ts';
import { followAnswer } from './follow.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import {
  demoConfig,
  installDemo,
  newTokens,
  openStage,
  PREFIX,
  slackEnvironment,
  type Tokens,
} from './stage.ts';
import { type DemoDrift, playStory, type Stage, type Story } from './story.ts';

/** Plays the demo. Resolves with the exit code: 0 only if every scene happened. */
export async function runDemo({
  once,
  dialect,
}: {
  readonly once: boolean;
  readonly dialect: Dialect;
}): Promise<number> {
  const startedMs = Date.now();
  const color = process.stderr.isTTY === true && process.stderr.hasColors();
  const narrator = createNarrator((text) => process.stderr.write(text), { color });
  const log = createLog(process.env['REALIGN_LOG_LEVEL'] || 'error');
  installRuntime(log);
  const controller = new AbortController();
  const { signal } = controller;
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  narrator.chapter(
    '🚀 Realign demo: starting Postgres, Temporal, the Kubernetes API and ConfigHub',
  );
  const embedded = await startEmbedded({
    log,
    dialect,
    api: { host: '127.0.0.1', port: 0 },
    onReady: (part, ms) => narrator.timed(`✅ ${part} is ready`, ms),
    onFailure: failure.reject,
  });
  let realign: Realign | undefined;
  const play = async (): Promise<void> => {
    narrator.chapter('📦 Installing acorn-bear into ConfigHub: base → dev → staging → prod');
    const installStartedMs = Date.now();
    const { spaces, units, filters } = await installDemo(embedded, log);
    const counts = `${spaces} spaces, ${units} units, ${filters} filters`;
    narrator.timed(`✅ ${counts}; every unit is applied`, Date.now() - installStartedMs);
    const tokens = newTokens();
    const config = demoConfig(embedded, tokens, slackEnvironment(process.env));
    await saySlack(config, narrator);
    const beganMs = Date.now();
    realign = await startRealign({ config, log, roles: ALL_ROLES, signal });
    realign.failed.catch(failure.reject);
    await realign.ready;
    narrator.timed('✅ Realign has compared everything once: no drift', Date.now() - beganMs);
    const stage = await openStage({
      embedded,
      realign,
      tokens,
      narrator,
      answersProduction: once,
      signal,
    });
    const story = await playStory(stage).finally(stage.close);
    if (once) return conclude(story.drifts, narrator, Date.now() - startedMs);
    sayGoodbye(embedded, realign, tokens, narrator);
    await follow(stage, story, signal);
    // Until Ctrl-C.
    return new Promise(() => {});
  };
  const stop = async () => {
    await realign?.stop();
    await embedded.stop();
  };
  const onFailure = (error: unknown) => sayFailed(error, once);
  return runUntilSignal(controller, failure.promise, stop, onFailure, play());
}

/** Where else people are asked, and what is wrong with that. */
async function saySlack(config: Config, narrator: Narrator): Promise<void> {
  const { slack } = config;
  if (slack.mode === 'off') return;
  narrator.line(`💬 Questions are asked in Slack, too, in ${slack.channel}`);
  for (const { name, ok, detail, repair } of await examineSlack(config)) {
    if (!ok)
      narrator.line(
        `⚠️  ${name}: ${repair === undefined ? detail : withRepair({ message: detail, repair })}`,
      );
  }
}

/** Tells what becomes of the question that is left. Whatever that is, everything stays up. */
async function follow(stage: Stage, { open }: Story, signal: AbortSignal): Promise<void> {
  const { narrator } = stage;
  if (!open) return;
  narrator.chapter('⏳ Prod waits for you; once you have approved, olivia agrees');
  await followAnswer(stage, open).catch((error: unknown) => {
    if (signal.aborted) return;
    narrator.line(`❌ ${error instanceof Error ? error.message : String(error)}`);
  });
}

function conclude(drifts: readonly DemoDrift[], narrator: Narrator, ms: number): void {
  narrator.timed('🎉 Demo complete', ms);
  const seconds = Math.round(ms / 100) / 10;
  process.stdout.write(`${JSON.stringify({ ok: true, drifts, seconds })}\n`);
}

function sayGoodbye(
  embedded: Embedded,
  realign: Realign,
  tokens: Tokens,
  narrator: Narrator,
): void {
  const { kubernetes, temporal } = embedded.stack;
  narrator.chapter('👀 Everything stays up until Ctrl-C. To answer what waits:');
  narrator.line(`export REALIGN_URL=${realign.url} REALIGN_TOKEN=${tokens.approver}`);
  narrator.line('bin/realign questions');
  narrator.chapter('   Look around, and play with the cluster:');
  const scale = `-n ${PREFIX}-dev scale deployment/backend-api --replicas=7`;
  narrator.table([
    ['REST', `${realign.url}/api/v1/drift-records`],
    ['Temporal UI', temporal?.uiUrl ?? 'not started'],
    ['ConfigHub', embedded.hub.url],
    ['Token (operator)', tokens.operator],
    ['Token (approver)', tokens.approver],
    ['kubectl', `kubectl --kubeconfig ${kubernetes?.kubeconfigs.admin} ${scale}`],
  ]);
}

function sayFailed(error: unknown, once: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`\n❌ ${message}\n`);
  if (once) process.stdout.write(`${JSON.stringify({ ok: false, error: message })}\n`);
}
