import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createConfighubClient } from '../../clients/confighub/index.ts';
import { createKubernetesClient } from '../../clients/kubernetes/index.ts';
import { installAcornBear } from '../../examples/acorn-bear/install.ts';
import { type Config, type Person, parseConfig } from '../../lib/config.ts';
import { sha256 } from '../../lib/digest.ts';
import { createLog, type Log } from '../../lib/log.ts';
import { type Embedded, startEmbedded } from '../../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../../workers/realign.ts';
import { runUntilSignal } from '../../workers/run-until-signal.ts';
import { installRuntime } from '../../workers/worker.ts';
import { createRest } from '../rest.ts';
import { createHands } from './hands.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { createObserver } from './observer.ts';
import { type DemoDrift, playStory } from './story.ts';

const PREFIX = 'acorn-bear';
const CONFIG = fileURLToPath(new URL('../../examples/acorn-bear/realign.yaml', import.meta.url));
const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const;

type Tokens = { readonly operator: string; readonly approver: string };

/** Plays the demo. Resolves with the exit code: 0 only if every scene happened. */
export async function runDemo({ once }: { once: boolean }): Promise<number> {
  const startedMs = Date.now();
  const narrator = createNarrator((text) => process.stderr.write(text));
  const log = createLog(process.env['REALIGN_LOG_LEVEL'] || 'error');
  installRuntime(log);
  const controller = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  narrator.chapter(
    '🚀 Realign demo: starting Postgres, Temporal, the Kubernetes API and ConfigHub',
  );
  const embedded = await startEmbedded({
    log,
    onReady: (part, ms) => narrator.timed(`✅ ${part} is ready`, ms),
    onFailure: failure.reject,
  });
  let realign: Realign | undefined;
  const stop = async () => {
    await realign?.stop();
    await embedded.stop();
  };
  const play = async (): Promise<number | undefined> => {
    const tokens = { operator: newToken(), approver: newToken() };
    const config = demoConfig(embedded, tokens);
    await install(embedded, log, narrator);
    const beganMs = Date.now();
    realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
    realign.failed.catch(failure.reject);
    await realign.ready;
    narrator.timed('✅ Realign has compared everything once: no drift', Date.now() - beganMs);
    const drifts = await tell(embedded, realign, tokens, narrator, {
      once,
      signal: controller.signal,
    });
    if (!once) {
      sayGoodbye(embedded, realign, tokens, narrator);
      return undefined;
    }
    narrator.timed('🎉 Demo complete', Date.now() - startedMs);
    const seconds = Math.round((Date.now() - startedMs) / 100) / 10;
    process.stdout.write(`${JSON.stringify({ ok: true, drifts, seconds })}\n`);
    return 0;
  };
  const story = play();
  // The story ending in `--once` stops the demo as a signal would; a broken scene fails it.
  const finished = Promise.withResolvers<void>();
  story.then((code) => code !== undefined && finished.resolve(), failure.reject);
  return runUntilSignal(
    controller,
    failure.promise,
    stop,
    (error) => sayFailed(error, once),
    finished.promise,
  );
}

/** The example's own file, pointed at the embedded parts, with two people whose tokens exist for this run only. */
function demoConfig(embedded: Embedded, tokens: Tokens): Config {
  const config = parseConfig(readFileSync(CONFIG, 'utf8'), { file: CONFIG, env: embedded.env });
  const person = (name: string, token: string, roles: Person['roles']): Person => ({
    name,
    roles,
    tokenSha256: sha256(token),
  });
  return {
    ...config,
    api: { ...config.api, port: 0 },
    people: [
      person('olivia', tokens.operator, ['admin', 'approver']),
      person('amir', tokens.approver, ['approver']),
    ],
  };
}

async function install(embedded: Embedded, log: Log, narrator: Narrator): Promise<void> {
  narrator.chapter('📦 Installing acorn-bear into ConfigHub: base → dev → staging → prod');
  const startedMs = Date.now();
  const hub = createConfighubClient({ ...embedded.hub, dialect: 'auto', log });
  const installed = await installAcornBear(hub, { prefix: PREFIX, environments: ENVIRONMENTS });
  narrator.timed(
    `✅ ${installed.spaces} spaces, ${installed.units} units, ${installed.filters} filters; every unit is applied`,
    Date.now() - startedMs,
  );
}

async function tell(
  embedded: Embedded,
  realign: Realign,
  tokens: Tokens,
  narrator: Narrator,
  { once, signal }: { readonly once: boolean; readonly signal: AbortSignal },
): Promise<readonly DemoDrift[]> {
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin;
  const cluster = await createKubernetesClient({
    userAgent: 'kubectl',
    ...(kubeconfig !== undefined && { kubeconfig }),
  });
  try {
    const restFor = (token: string) =>
      createRest({ REALIGN_URL: realign.url, REALIGN_TOKEN: token });
    return await playStory({
      hub: realign.parts.hub,
      hands: createHands(cluster),
      observer: createObserver(restFor(tokens.operator), signal),
      approver: restFor(tokens.approver),
      narrator,
      prefix: PREFIX,
      answersProduction: once,
    });
  } finally {
    cluster.close();
  }
}

function sayGoodbye(
  embedded: Embedded,
  realign: Realign,
  tokens: Tokens,
  narrator: Narrator,
): void {
  const { kubernetes, temporal } = embedded.stack;
  narrator.chapter(
    '👀 Everything stays up until Ctrl-C. Approve the production fix with the command above, after:',
  );
  narrator.line(`export REALIGN_URL=${realign.url} REALIGN_TOKEN=${tokens.approver}`);
  narrator.chapter('   Look around:');
  narrator.table([
    ['REST', `${realign.url}/api/v1/drift-records`],
    ['Temporal UI', temporal?.uiUrl ?? 'not started'],
    ['Token (operator)', tokens.operator],
    ['Token (approver)', tokens.approver],
    [
      'kubectl',
      `kubectl --kubeconfig ${kubernetes?.kubeconfigs.admin} -n ${PREFIX}-dev scale deployment/backend-api --replicas=7`,
    ],
  ]);
}

function sayFailed(error: unknown, once: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`\n❌ ${message}\n`);
  if (once) process.stdout.write(`${JSON.stringify({ ok: false, error: message })}\n`);
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}
