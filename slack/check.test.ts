import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConnectedSlack } from '../lib/config-slack.ts';
import { createLog } from '../lib/log.ts';
import { type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { checkSlack } from './check.ts';

const log = createLog('silent');
let slack: FakeSlack;

beforeEach(async () => {
  slack = await startFakeSlack();
  slack.addUser({ id: 'U1', name: 'Amir', email: 'amir@example.com' });
  slack.addUser({ id: 'U2', name: 'Gast', is_restricted: true });
  slack.addGroup('S1', 'prod', ['U1']);
  slack.addGroup('S2', 'empty', []);
  slack.addChannel({ id: 'C2', name: 'quiet', is_member: false });
});

afterEach(() => slack.close());

function check(
  config: Partial<{ botToken: string; appToken: string; team: string }> = {},
  more: Partial<{
    channels: string[];
    groups: string[];
    people: { name: string; slackId?: string; email?: string }[];
  }> = {},
) {
  const { botToken, appToken, apiUrl } = slack;
  const connected: ConnectedSlack = {
    ...{ mode: 'socket', botToken, appToken, apiUrl, approveOnWeb: [], postsPerSecond: 1 },
    ...config,
  };
  return checkSlack({ slack: connected, channels: [], groups: [], people: [], ...more, log });
}

test('finds everything well, and posts nothing', async () => {
  const checks = await check(
    {},
    {
      channels: ['C0DRIFTS', '#drifts'],
      groups: ['@prod', 'slack:S1'],
      people: [{ name: 'amir', email: 'amir@example.com' }],
    },
  );
  expect(checks.filter((one) => !one.ok)).toEqual([]);
  expect(checks.map((one) => `${one.name}: ${one.detail}`)).toEqual([
    'bot token: @realign of Realign (T0REALIGN), with all scopes',
    'app token: opens connections (connections:write)',
    'channel C0DRIFTS: #drifts, and the app is in it',
    'channel #drifts: C0DRIFTS, and the app is in it',
    'group @prod: 1 members',
    'group slack:S1: 1 members',
    'person amir: Amir (U1)',
  ]);
  expect(slack.messages()).toEqual([]);
});

test('says of each thing that is wrong what to do', async () => {
  const checks = await check(
    { appToken: 'xapp-wrong' },
    {
      channels: ['C2', 'C9', '#quiet'],
      groups: ['@nobody', 'slack:S2', 'slack:S9'],
      people: [{ name: 'gast', slackId: 'U2' }],
    },
  );
  const failed = checks.filter((one) => !one.ok);
  expect(failed.map((one) => one.name)).toEqual([
    'app token',
    ...['channel C2', 'channel C9', 'channel #quiet'],
    ...['group @nobody', 'group slack:S2', 'group slack:S9'],
    'person gast',
  ]);
  for (const { repair } of failed) expect(repair).toMatch(/\w{3}/);
  expect(failed[1]?.repair).toContain('/invite @realign');
});

test('names the scopes that are missing', async () => {
  slack.setScopes(['chat:write', 'commands']);
  const [token] = await check();
  expect(token).toMatchObject({
    ok: false,
    repair: expect.stringContaining('install the app again'),
  });
  expect(token?.detail).toContain('usergroups:read (user groups as approvers)');
  expect(token?.detail).not.toContain('chat:write');
});

test('looks no further with a token that Slack does not know, or of another workspace', async () => {
  const wrong = await check({ botToken: 'xoxb-wrong' }, { channels: ['C0DRIFTS'] });
  expect(wrong.map((one) => [one.name, one.ok])).toEqual([
    ['bot token', false],
    ['app token', true],
  ]);
  const [elsewhere] = await check({ team: 'T0OTHER' });
  expect(elsewhere?.detail).toContain('slack.team says T0OTHER');
});
