import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConnectedSlack } from '../lib/config-slack.ts';
import { createLog } from '../lib/log.ts';
import { eventually } from '../testing/eventually.ts';
import { type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { type SlackReceiver, startSlackReceiver } from './app.ts';
import { createSlackClient } from './client.ts';
import { createSlashCommands } from './command-line.ts';
import type { Desk } from './door.ts';
import { createDoor } from './door.ts';
import { createHomePage } from './home-page.ts';
import { createTell } from './tell.ts';
import { createWorkload } from './workload.ts';

// Socket Mode by itself: nothing that Slack does ends the process or waits for it.

const log = createLog('silent');
let slack: FakeSlack;
let receiver: SlackReceiver | undefined;

beforeEach(async () => {
  slack = await startFakeSlack();
  slack.addUser({ id: 'U1', name: 'Ann', email: 'ann@example.com' });
});

afterEach(async () => {
  await receiver?.stop();
  await slack.close();
});

/** A desk with nothing on it, or one where every question takes longer than people wait. */
function start(find: Desk['find'] = async () => undefined): SlackReceiver {
  const { botToken, appToken, apiUrl } = slack;
  const config: ConnectedSlack = {
    mode: 'socket',
    botToken,
    appToken,
    apiUrl,
    approveOnWeb: [],
    postsPerSecond: 1,
  };
  const client = createSlackClient({ botToken, apiUrl, log });
  const away = async () => {
    throw new Error('nothing is looked up here');
  };
  const desk: Desk = {
    find,
    viewOf: away,
    decide: away,
    refuse: away,
    groupOf: async () => undefined,
  };
  const directory = { team: async () => 'T0REALIGN', user: client.user };
  const people = [{ name: 'ann', slackId: 'U1', roles: ['approver' as const], tokenSha256: '' }];
  const identity = { directory, people };
  const door = createDoor({ desk, identity, approveOnWeb: [], limit: () => {}, log });
  const lookout = { status: away, drifts: away, show: away, question: away };
  const { run } = createWorkload(10, () => {});
  receiver = startSlackReceiver(
    config,
    {
      ...{ client, desk, door, run, log },
      commands: createSlashCommands(lookout, door, () => {}),
      home: createHomePage(client, away, log),
      tell: createTell(client, log),
    },
    log,
  );
  return receiver;
}

test('begins while Slack is away, and connects when it is there', async () => {
  slack.fail('apps.connections.open', { kind: 'status', status: 503 });
  const started = start();
  expect(started.isConnected()).toBe(false);
  await eventually(() => started.isConnected(), { what: 'a connection' });
  expect(slack.openSockets()).toBe(1);
});

test('a wrong token is tried again, not died of', async () => {
  slack.fail('apps.connections.open', { kind: 'error', error: 'invalid_auth' });
  const started = start();
  await eventually(() => started.isConnected(), { what: 'a connection' });
});

test('connects anew when Slack closes a connection', async () => {
  const started = start();
  await eventually(() => started.isConnected(), { what: 'a connection' });
  slack.refreshSockets();
  await eventually(() => slack.openSockets() === 1, { what: 'another connection' });
  expect((await slack.hands.slash('U1', 'help')).acked).toBe(true);
});

test('acks at once, however long the answer takes', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const started = start(() => promise);
  await eventually(() => started.isConnected(), { what: 'a connection' });
  const client = createSlackClient({ ...slack, log });
  const message = await client.post({ channel: 'C0DRIFTS', text: 'Drift', blocks: [] });
  const press = { type: 'button', action_id: 'approve', value: '[1,"q1","d"]' };
  const sent = await slack.hands.press('U1', message, press);
  expect(sent).toMatchObject({ acked: true });
  expect(sent.afterMs).toBeLessThan(1_000);
  resolve(undefined);
  await eventually(() => slack.ephemerals.length === 1, { what: 'the answer' });
  expect(slack.ephemerals[0]?.text).toContain('This is over');
});

test('what only opens a page is acked, and says nothing', async () => {
  const started = start();
  await eventually(() => started.isConnected(), { what: 'a connection' });
  const client = createSlackClient({ ...slack, log });
  const message = await client.post({ channel: 'C0DRIFTS', text: 'Drift', blocks: [] });
  const sent = await slack.hands.press('U1', message, {
    type: 'button',
    action_id: 'link.workflow',
  });
  expect(sent.acked).toBe(true);
});

test('a fault is told with a number that the log has, not with its words', async () => {
  const started = start(async () => {
    throw new Error('canary: connection to db.internal refused');
  });
  await eventually(() => started.isConnected(), { what: 'a connection' });
  const client = createSlackClient({ ...slack, log });
  const message = await client.post({ channel: 'C0DRIFTS', text: 'Drift', blocks: [] });
  const press = { type: 'button', action_id: 'approve', value: '[1,"q1","d"]' };
  await slack.hands.press('U1', message, press);
  await eventually(() => slack.ephemerals.length === 1, { what: 'the answer' });
  expect(slack.transcript()).toContain('Not recorded');
  expect(slack.transcript()).toContain('realign approve q1');
  expect(JSON.stringify(slack.calls) + slack.transcript()).not.toContain('canary');
});
