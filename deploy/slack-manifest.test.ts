import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SLACK_PATH } from '../slack/app.ts';
import { BOT_SCOPES } from '../slack/scopes.ts';
import { BOT_SCOPES as FAKE_SCOPES } from '../testing/fake-slack-workspace.ts';

// What people paste into Slack and what the code uses are the same, or half of it fails silently in a workspace.

const TEXT = readFileSync(new URL('./slack-manifest.yaml', import.meta.url), 'utf8');
const SOURCES = ['listeners.ts', 'client.ts'].map((name) =>
  readFileSync(new URL(`../slack/${name}`, import.meta.url), 'utf8'),
);
const manifest = parse(TEXT);

test('asks for the scopes that the code needs, and no other', () => {
  const { bot } = manifest.oauth_config.scopes;
  expect(bot).toEqual(Object.keys(BOT_SCOPES));
  expect([...FAKE_SCOPES]).toEqual(bot);
});

test('names the commands and events that are listened to', () => {
  const [listeners = ''] = SOURCES;
  const namesIn = (pattern: RegExp) => [...listeners.matchAll(pattern)].map((one) => one[1]);
  const commands = manifest.features.slash_commands.map((one: { command: string }) => one.command);
  expect(namesIn(/app\.command\('([^']+)'/g)).toEqual(commands);
  expect(namesIn(/app\.event\('([^']+)'/g)).toEqual(
    manifest.settings.event_subscriptions.bot_events,
  );
  expect(manifest.settings.interactivity.is_enabled).toBe(true);
  expect(manifest.features.app_home.home_tab_enabled).toBe(true);
});

test('is for Socket Mode, with the URLs for HTTP beside it', () => {
  expect(manifest.settings.socket_mode_enabled).toBe(true);
  const urls = [...TEXT.matchAll(/# (?:request_)?url: (\S+)/g)].map((one) => one[1] ?? '');
  expect(urls).toHaveLength(3);
  for (const url of urls) expect(new URL(url).pathname).toBe(SLACK_PATH);
});
