import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../lib/log.ts';
import { freePort } from '../stack/free-port.ts';
import { ensureDatabase } from '../stack/index.ts';
import { DOCUMENTED_COMMANDS, type Facts } from '../testing/documented-commands.ts';
import { eventually } from '../testing/eventually.ts';
import { type RunningCommand, startCommand } from '../testing/running-command.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import { type Realign, startRealign } from '../workers/realign.ts';
import { dataTo, type Hands, scaleTo, type Target } from './demo/hands.ts';
import { createNarrator } from './demo/narrator.ts';
import { demoConfig, installDemo, newTokens, openStage } from './demo/stage.ts';
import { createRest } from './rest.ts';
import { questionListSchema } from './wire.ts';

// Every command that README.md and docs/ tell people to type, typed: against a Realign that has open drift to show.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REALIGN = join(ROOT, 'bin/realign');
const EXAMPLE = join(ROOT, 'examples/acorn-bear/realign.yaml');
const TIMEOUT_MS = 60_000;
const STAGING = 'acorn-bear-staging';

const log = createLog('silent');
const tokens = newTokens();
const controller = new AbortController();
let embedded: Embedded;
let realign: Realign;
let directory: string;
let facts: Facts;
let current: RunningCommand | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'realign-docs-'));
  embedded = await startEmbedded({ log });
  await installDemo(embedded, log);
  const { signal } = controller;
  const config = demoConfig(embedded, tokens);
  realign = await startRealign({ config, log, roles: ['watcher', 'worker', 'api'], signal });
  await realign.ready;
  const stage = await openStage({
    embedded,
    realign,
    tokens,
    narrator: createNarrator(() => {}),
    answersProduction: true,
    signal,
  });
  const questions = await makeQuestions(stage.hands).finally(stage.close);
  const postgres = embedded.stack.postgresUrl;
  facts = {
    questions,
    resource: `staging/Deployment/${STAGING}/backend-api`,
    desired: await write('desired.yaml', 'hello'),
    live: await write('live.yaml', 'bye'),
    databaseUrl: await ensureDatabase(postgres, 'served'),
  };
}, 180_000);

afterAll(async () => {
  controller.abort();
  await current?.kill();
  await realign?.stop();
  await embedded?.stop();
  await rm(directory, { recursive: true, force: true });
});

for (const [command, check] of Object.entries(DOCUMENTED_COMMANDS)) {
  if ('heldBy' in check) continue;
  test(
    command,
    async () => {
      const args = 'run' in check ? check.run(facts) : check.start(facts);
      current = startCommand(REALIGN, args, { cwd: directory, env: await environment() });
      if ('start' in check) {
        await current.printed(check.prints, TIMEOUT_MS);
        current.interrupt();
        expect(await current.ended, current.stderr()).toBe(0);
        return;
      }
      const code = await current.ended;
      const printed = `${current.stdout()}${current.stderr()}`;
      expect(code, printed).toBe(check.code);
      expect(printed).toMatch(check.prints);
    },
    2 * TIMEOUT_MS,
  );
}

/** What somebody has set who follows the README: where the servers are, and who they are. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  const { PATH, HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR } = process.env;
  return {
    ...{ PATH, HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR },
    ...embedded.env,
    REALIGN_CONFIG: EXAMPLE,
    REALIGN_URL: realign.url,
    REALIGN_TOKEN: tokens.approver,
    PORT: String(await freePort()),
  };
}

/** Four drifts in staging, where every one is asked about. */
async function makeQuestions(hands: Hands): Promise<Facts['questions']> {
  const deployment = (name: string): Target => {
    return { group: 'apps', kind: 'Deployment', namespace: STAGING, name };
  };
  const database = { ...deployment('database-postgres'), kind: 'StatefulSet' };
  const settings: Target = { group: '', kind: 'ConfigMap', namespace: STAGING, name: 'app-config' };
  await Promise.all([
    hands.edit(deployment('backend-api'), scaleTo(5)),
    hands.edit(deployment('frontend-web'), scaleTo(4)),
    hands.edit(database, scaleTo(2)),
    hands.edit(settings, dataTo('log_level', 'warn')),
  ]);
  const [approve, reject, snooze, accept] = await Promise.all(
    ['backend-api', 'frontend-web', 'database-postgres', 'app-config'].map(questionAbout),
  );
  if (!approve || !reject || !snooze || !accept) throw new Error('a question is missing');
  return { approve, reject, snooze, accept };
}

function questionAbout(name: string): Promise<string> {
  const rest = createRest({ REALIGN_URL: realign.url, REALIGN_TOKEN: tokens.approver });
  return eventually(
    async () => {
      const { questions } = await rest.get('/api/v1/questions', questionListSchema);
      return questions.find((one) => one.resource_id?.endsWith(`:${name}`))?.id;
    },
    { what: `a question about ${name}`, timeoutMs: TIMEOUT_MS },
  );
}

async function write(name: string, word: string): Promise<string> {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'greeting', namespace: 'n' },
    data: { word },
  };
  await writeFile(join(directory, name), JSON.stringify(object));
  return name;
}
