import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../lib/log.ts';
import { eventually } from '../../testing/eventually.ts';
import { type FakeSlack, startFakeSlack } from '../../testing/fake-slack.ts';
import { type Embedded, startEmbedded } from '../../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../../workers/realign.ts';
import { followAnswer } from './follow.ts';
import { createNarrator } from './narrator.ts';
import { demoConfig, installDemo, newTokens, openStage, slackEnvironment } from './stage.ts';
import { askInProduction } from './story.ts';

// The last scene of the demo with the tokens of a workspace set: a person answers there, over Socket Mode.

const log = createLog('silent');
const controller = new AbortController();
let slack: FakeSlack;
let embedded: Embedded;
let realign: Realign;

beforeAll(async () => {
  slack = await startFakeSlack();
  slack.addChannel({ id: 'C0REALIGN', name: 'realign', is_member: true });
  slack.addUser({ id: 'U0DORA', name: 'dora', email: 'dora@example.com' });
  embedded = await startEmbedded({ log, api: { host: '127.0.0.1', port: 0 } });
  await installDemo(embedded, log);
}, 180_000);

afterAll(async () => {
  controller.abort();
  await realign?.stop();
  await embedded?.stop();
  await slack?.close();
});

test('the demo asks in the workspace, waits for the click, and the fix happens', async () => {
  const tokens = newTokens();
  const { botToken, appToken, apiUrl } = slack;
  const given = slackEnvironment({ SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken });
  const config = demoConfig(embedded, tokens, given);
  if (config.slack.mode === 'off') throw new Error('Slack is off');
  const { signal } = controller;
  realign = await startRealign({
    ...{ config: { ...config, slack: { ...config.slack, apiUrl } }, log },
    ...{ roles: ALL_ROLES, signal },
  });
  await realign.ready;
  let told = '';
  const narrator = createNarrator((text) => {
    told += text;
  });
  const stage = await openStage({
    ...{ embedded, realign, tokens, narrator, signal },
    answersProduction: false,
  });
  const scene = await askInProduction(stage).finally(stage.close);
  const { messageOf } = stage;
  const message = await headline('Approve fix', 'backend-api');
  expect(told).toContain('Drift · HIGH · Deployment/backend-api · prod');

  const followed = followAnswer(stage, scene);
  const sent = await slack.hands.click('U0DORA', message, 'Approve fix');
  expect(sent.acked).toBe(true);
  await followed;

  expect(told).toMatch(/👤 approved by dora\S*, over slack/);
  expect(told).toContain('👤 approve by olivia, over REST: agreed');
  expect(told).toContain('✅ Fixed: backend-api is as declared again');
  expect((await messageOf(scene.question.episode_id))?.state).toBe('fixed');
  const ended = await headline('Fixed', 'backend-api');
  expect(ended.ts).toBe(message.ts);
}, 120_000);

function headline(...words: readonly string[]) {
  return eventually(
    () =>
      slack.messages('realign').find((one) => {
        const text = JSON.stringify(one.blocks);
        return one.thread_ts === undefined && words.every((word) => text.includes(word));
      }),
    { what: `a message that says ${words.join(', ')}`, timeoutMs: 60_000 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${slack.transcript()}`);
  });
}
