import { expect, test } from 'vitest';
import { demoConfig, newTokens, slackEnvironment } from './stage.ts';

const EMBEDDED = { env: { CUB_TOKEN: 'of-the-embedded-server', DATABASE_URL: 'postgres://h/d' } };

test('asks in a real Slack as soon as its tokens are set, and lets its members answer', () => {
  const env = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1', CUB_TOKEN: 'another' };
  const { slack, notifications, confighub } = demoConfig(
    EMBEDDED,
    newTokens(),
    slackEnvironment(env),
  );
  expect(slack).toMatchObject({ mode: 'socket', channel: '#realign', memberRole: 'approver' });
  expect(notifications.receivers).toMatchObject([{ kind: 'slack', channel: '#realign' }]);
  expect(confighub.token).toBe('of-the-embedded-server');
  const named = slackEnvironment({ ...env, SLACK_CHANNEL: 'C0123456789' });
  expect(demoConfig(EMBEDDED, newTokens(), named).slack).toMatchObject({ channel: 'C0123456789' });
});

test('is without Slack otherwise', () => {
  expect(demoConfig(EMBEDDED, newTokens(), slackEnvironment({})).slack).toEqual({ mode: 'off' });
});

test('needs two people in prod', () => {
  const { policies, people } = demoConfig(EMBEDDED, newTokens());
  expect(policies.find((one) => one.name === 'production')).toMatchObject({
    quorum: 2,
    selfApproval: false,
  });
  expect(people.map((one) => one.name)).toEqual(['olivia', 'amir']);
});
