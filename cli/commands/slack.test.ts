import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../../lib/config.ts';
import { fencesOf, ROOT, readPages } from '../../testing/documents.ts';
import { type FakeSlack, startFakeSlack } from '../../testing/fake-slack.ts';

let slack: FakeSlack;
let directory: string;

beforeAll(async () => {
  slack = await startFakeSlack();
  directory = await mkdtemp(join(tmpdir(), 'realign-slack-'));
  await writeFile(join(directory, 'realign.yaml'), `slack: { apiUrl: "${slack.apiUrl}" }\n`);
});

afterAll(async () => {
  await slack.close();
  await rm(directory, { recursive: true });
});

/** As a person types it. */
async function realign(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { PATH = '', HOME = '' } = process.env;
  const options = { cwd: directory, env: { PATH, HOME, ...env } };
  return promisify(execFile)(join(ROOT, 'bin/realign'), args, options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test('realign slack check says what is well', async () => {
  const tokens = {
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_CHANNEL: 'C0DRIFTS',
  };
  const { code, stdout } = await realign(['slack', 'check'], tokens);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'ok    bot token         @realign of Realign (T0REALIGN), with all scopes',
    'ok    app token         opens connections (connections:write)',
    'ok    channel C0DRIFTS  #drifts, and the app is in it',
  ]);
  expect(code).toBe(0);
});

test('what fails has its repair, and no token is printed', async () => {
  const tokens = { SLACK_BOT_TOKEN: 'xoxb-canary', SLACK_APP_TOKEN: slack.appToken };
  const { code, stdout, stderr } = await realign(['slack', 'check', '-o', 'json'], tokens);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    checks: [{ name: 'bot token', ok: false, repair: expect.any(String) }, { ok: true }],
  });
  expect(stdout + stderr).not.toContain('canary');
});

test('without tokens it says which are missing', async () => {
  const { code, stderr } = await realign(['slack', 'check'], {});
  expect(code).not.toBe(0);
  expect(stderr).toContain('SLACK_BOT_TOKEN');
});

test('the configuration in docs/slack.md is read by Realign', () => {
  const page = readPages().find((one) => one.path === 'docs/slack.md');
  const [example = ''] = page ? fencesOf(page, 'yaml') : [];
  const environments = 'environments: [{ name: prod, source: { space: prod } }]\n';
  const env = { SLACK_BOT_TOKEN: slack.botToken, SLACK_APP_TOKEN: slack.appToken };
  const config = parseConfig(`${environments}${example}`, { env });
  expect(config.policies[0]?.approvers).toEqual(['@prod-approvers']);
});
