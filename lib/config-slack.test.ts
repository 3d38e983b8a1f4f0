import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';
import { AppError } from './errors.ts';

const BOT = 'xoxb-canary-bot';
const APP = 'xapp-canary-app';
const parse = (env: NodeJS.ProcessEnv, yaml = '') => parseConfig(yaml, { env }).slack;

function problemOf(env: NodeJS.ProcessEnv, yaml = ''): string {
  try {
    parse(env, yaml);
  } catch (error) {
    if (error instanceof AppError) return error.message;
  }
  return '';
}

test('is off without tokens, and on with them alone', () => {
  expect(parse({})).toEqual({ mode: 'off' });
  const both = { SLACK_BOT_TOKEN: BOT, SLACK_APP_TOKEN: APP };
  expect(parse({ ...both, SLACK_CHANNEL: '#ops' })).toEqual({
    mode: 'socket',
    botToken: BOT,
    appToken: APP,
    apiUrl: 'https://slack.com/api',
    approveOnWeb: [],
    postsPerSecond: 0.8,
    channel: '#ops',
  });
  expect(parse({ SLACK_BOT_TOKEN: BOT, SLACK_SIGNING_SECRET: 's' })).toMatchObject({
    mode: 'http',
  });
  expect(parse({ ...both, SLACK_SIGNING_SECRET: 's' })).toMatchObject({ mode: 'socket' });
  expect(parse({ ...both, SLACK_SIGNING_SECRET: 's' }, 'slack: { mode: http }')).toMatchObject({
    mode: 'http',
    signingSecret: 's',
  });
  expect(parse(both, 'slack: { mode: off }')).toEqual({ mode: 'off' });
});

test('what a mode lacks is missed by the process that needs it, not by every one', () => {
  expect(parse({ SLACK_BOT_TOKEN: BOT })).toMatchObject({ mode: 'post', botToken: BOT });
  expect(parse({ SLACK_BOT_TOKEN: BOT }, 'slack: { mode: http }')).toMatchObject({
    mode: 'post',
    lacks: 'SLACK_SIGNING_SECRET or slack.signingSecretFile',
  });
  expect(parse({ SLACK_BOT_TOKEN: BOT }, 'slack: { mode: socket }')).toMatchObject({
    lacks: 'SLACK_APP_TOKEN or slack.appTokenFile',
  });
  expect(parse({}, 'slack: { mode: socket }')).toEqual({
    mode: 'off',
    lacks: 'SLACK_BOT_TOKEN or slack.botTokenFile',
  });
});

test.each([
  [{ SLACK_BOT_TOKEN: APP }, '', /SLACK_BOT_TOKEN: expected a bot token, which begins with xoxb-/],
  [{ SLACK_APP_TOKEN: BOT }, '', /SLACK_APP_TOKEN: expected an app-level token/],
  [{ SLACK_CHANNEL: 'drifts' }, '', /SLACK_CHANNEL: expected a channel's id/],
  [{}, 'slack: { botTokenFile: /nowhere }', /slack\.botTokenFile.*no such file/],
])('%j %s is refused without its values', (env, yaml, expected) => {
  const message = problemOf(env, yaml);
  expect(message).toMatch(expected);
  expect(message).not.toContain('canary');
});

test('environments that are approved on the web are known ones', () => {
  const env = { SLACK_BOT_TOKEN: BOT, SLACK_APP_TOKEN: APP };
  expect(problemOf(env, 'slack: { approveOnWeb: [pord] }')).toMatch(/slack\.approveOnWeb.*pord/);
});
