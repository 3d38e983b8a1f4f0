import type { ModalView, PlainTextElement } from '@slack/types';
import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
  WebClient,
} from '@slack/web-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeSlack, startFakeSlack } from './fake-slack.ts';
import { refuseMessage, refuseView } from './fake-slack-blocks.ts';

let slack: FakeSlack;
let client: WebClient;

beforeEach(async () => {
  slack = await startFakeSlack();
  client = clientFor(slack.botToken);
});

afterEach(() => slack.close());

/** Long enough for a machine that does much else; short where an answer never comes. */
function clientFor(token: string, timeout = 15_000): WebClient {
  return new WebClient(token, {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout,
  });
}

const header = { type: 'header', text: { type: 'plain_text', text: 'Drift' } };
const section = (length: number) => ({
  type: 'section',
  text: { type: 'plain_text', text: 'x'.repeat(length) },
});
const button = (fields: object) => ({
  type: 'actions',
  elements: [{ type: 'button', text: { type: 'plain_text', text: 'Go' }, ...fields }],
});

test('keeps messages, their threads and edits, and shows them as people see them', async () => {
  const head = await client.chat.postMessage({
    channel: '#drifts',
    text: 'Drift',
    blocks: [header, button({ action_id: 'go' })],
    metadata: { event_type: 'drift', event_payload: { question: 'q1' } },
  });
  const ts = String(head.ts);
  await client.chat.postMessage({ channel: 'C0DRIFTS', thread_ts: ts, text: '1 of 2' });
  expect(slack.transcript()).toBe('#drifts\n  Drift\n  [Go]\n    ↳ 1 of 2');
  await client.chat.update({ channel: 'C0DRIFTS', ts, text: 'Fixed' });
  expect(slack.messages('drifts')).toMatchObject([{ text: 'Fixed', blocks: [], edits: 1 }, {}]);
  const found = await client.conversations.history({
    channel: 'C0DRIFTS',
    include_all_metadata: true,
  });
  expect(found.messages).toMatchObject([
    { ts, metadata: { event_payload: { question: 'q1' } }, bot_id: 'B0BOT' },
  ]);
});

test('fails as told, then works again', async () => {
  const post = () => client.chat.postMessage({ channel: 'C0DRIFTS', text: 'x' });
  slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterS: 7 });
  await expect(post()).rejects.toMatchObject({ retryAfter: 7 });
  slack.fail('*', { kind: 'status', status: 503 });
  await expect(post()).rejects.toBeInstanceOf(WebAPIHTTPError);
  slack.fail('*', { kind: 'error', error: 'fatal_error' });
  await expect(post()).rejects.toMatchObject({ data: { error: 'fatal_error' } });
  slack.fail('*', { kind: 'hang' });
  const impatient = clientFor(slack.botToken, 500).chat;
  await expect(impatient.postMessage({ channel: 'C0DRIFTS', text: 'x' })).rejects.toBeInstanceOf(
    WebAPIRequestError,
  );
  expect(slack.messages()).toEqual([]);
  slack.fail('*', { kind: 'drop-after' });
  await expect(post()).rejects.toBeInstanceOf(WebAPIRequestError);
  expect(slack.messages()).toHaveLength(1);
  slack.fail('*', { kind: 'rate-limited', retryAfterS: 1 }, Number.POSITIVE_INFINITY);
  await expect(post()).rejects.toBeInstanceOf(WebAPIRateLimitedError);
  await expect(post()).rejects.toBeInstanceOf(WebAPIRateLimitedError);
  slack.heal();
  await post();
});

test('refuses wrong tokens, places, scopes and triggers', async () => {
  slack.addChannel({ id: 'C1', name: 'elsewhere', is_member: false });
  const refusal = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof WebAPIPlatformError ? error.data.error : error;
  };
  const post = { channel: 'C0DRIFTS', text: 'x' };
  expect(await refusal(clientFor('xoxb-other').auth.test())).toBe('invalid_auth');
  expect(await refusal(clientFor('').auth.test())).toBe('not_authed');
  expect(await refusal(client.apps.connections.open({}))).toBe('not_allowed_token_type');
  expect(await refusal(client.chat.postMessage({ ...post, channel: 'C9' }))).toBe(
    'channel_not_found',
  );
  expect(await refusal(client.chat.postMessage({ ...post, channel: 'C1' }))).toBe('not_in_channel');
  expect(await refusal(client.chat.postMessage({ ...post, thread_ts: '1.2' }))).toBe(
    'invalid_thread_ts',
  );
  expect(await refusal(client.chat.update({ ...post, ts: '1.2' }))).toBe('message_not_found');
  expect(await refusal(client.users.info({ user: 'U9' }))).toBe('user_not_found');
  expect(await refusal(client.usergroups.users.list({ usergroup: 'S9' }))).toBe('no_such_subteam');
  const title: PlainTextElement = { type: 'plain_text', text: 'Why' };
  const view: ModalView = { type: 'modal', title, blocks: [] };
  expect(await refusal(client.views.open({ trigger_id: 'old', view }))).toBe('invalid_trigger_id');
  slack.setScopes(['chat:write']);
  expect(await refusal(client.users.info({ user: 'U9' }))).toBe('missing_scope');
  const { response_metadata } = await client.auth.test();
  expect(response_metadata?.scopes).toEqual(['chat:write']);
});

test.each([
  ['no text', { blocks: [header] }, 'no_text'],
  ['51 blocks', { blocks: Array.from({ length: 51 }, () => header) }, 'invalid_blocks'],
  ['a long section', { blocks: [section(3_001)] }, 'invalid_blocks'],
  [
    'much in all',
    { blocks: Array.from({ length: 5 }, () => section(2_900)) },
    'msg_blocks_too_long',
  ],
  [
    'a long header',
    { blocks: [{ ...header, text: { type: 'plain_text', text: 'x'.repeat(151) } }] },
    'invalid_blocks',
  ],
  [
    'a block id twice',
    {
      blocks: [
        { ...header, block_id: 'a' },
        { type: 'divider', block_id: 'a' },
      ],
    },
    'invalid_blocks',
  ],
  ['an unknown key', { blocks: [{ ...header, colour: 'red' }] }, 'invalid_blocks'],
  ['empty text', { blocks: [section(0)] }, 'invalid_blocks'],
  ['a long value', { blocks: [button({ value: 'x'.repeat(2_001) })] }, 'invalid_blocks'],
  [
    'a long label',
    { blocks: [button({ text: { type: 'plain_text', text: 'x'.repeat(76) } })] },
    'invalid_blocks',
  ],
  ['no web address', { blocks: [button({ url: 'javascript:alert(1)' })] }, 'invalid_blocks'],
  ['metadata without type', { metadata: { event_payload: {} } }, 'invalid_metadata_format'],
])('takes no message with %s', (_what, given, error) => {
  const message = error === 'no_text' ? given : { text: 'Drift', ...given };
  expect(refuseMessage(message)?.error).toBe(error);
});

test('takes what Slack takes', () => {
  const bold = { type: 'text', text: 'Changed by', style: { bold: true } };
  const rich = { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [bold] }] };
  const blocks = [header, section(3_000), rich, button({ value: 'x'.repeat(2_000) })];
  expect(refuseMessage({ text: 'Drift', blocks })).toBeUndefined();
  const title = { type: 'plain_text', text: 'Why' };
  expect(refuseView({ type: 'modal', title, blocks: [header] })).toBeUndefined();
  expect(refuseView({ type: 'modal', blocks: [header] })).toMatchObject({
    error: 'invalid_arguments',
  });
});
