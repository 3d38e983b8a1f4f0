import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { type FakeSlack, type SlackFault, startFakeSlack } from '../testing/fake-slack.ts';
import { createSlackClient, type SlackClient } from './client.ts';
import { slackErrorOf } from './errors.ts';

const log = createLog('silent');
const HELLO = { text: 'Hello <!channel>', blocks: [] };
let slack: FakeSlack;
let client: SlackClient;

beforeEach(async () => {
  slack = await startFakeSlack();
  client = clientWith(10_000);
});

function clientWith(timeoutMs: number): SlackClient {
  const { botToken, apiUrl } = slack;
  return createSlackClient({ botToken, apiUrl, log, timeoutMs });
}

afterEach(() => slack.close());

async function failureOf(call: Promise<unknown>): Promise<AppError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error(`no AppError was thrown: ${String(error)}`);
}

const REFUSED = { kind: 'error', error: 'not_in_channel' } as const;

test.each<[string, SlackFault, string, boolean]>([
  ['a rate limit', { kind: 'rate-limited', retryAfterS: 7 }, 'SLACK_RATE_LIMITED', true],
  ['a rate limit in words', { kind: 'error', error: 'ratelimited' }, 'SLACK_RATE_LIMITED', true],
  ['a server fault', { kind: 'status', status: 503 }, 'SLACK_UNAVAILABLE', true],
  ['a fault in words', { kind: 'error', error: 'fatal_error' }, 'SLACK_UNAVAILABLE', true],
  ['silence', { kind: 'hang' }, 'SLACK_UNAVAILABLE', true],
  ['a broken connection', { kind: 'drop-after' }, 'SLACK_UNAVAILABLE', true],
  ['a wrong token', { kind: 'error', error: 'invalid_auth' }, 'SLACK_UNAUTHORIZED', false],
  ['a refusal', REFUSED, 'SLACK_REFUSED', false],
])('%s is told apart, and tried once only', async (_what, fault, code, retryable) => {
  slack.fail('*', fault);
  // Only where nothing comes it pays to be impatient.
  const caller = fault.kind === 'hang' ? clientWith(300) : client;
  const error = await failureOf(caller.post({ channel: 'C0DRIFTS', ...HELLO }));
  expect([error.code, error.retryable]).toEqual([code, retryable]);
  expect(slack.calls).toHaveLength(1);
});

test('says how long to pause, and what to do', async () => {
  slack.fail('*', { kind: 'rate-limited', retryAfterS: 7 });
  const paused = await failureOf(client.whoAmI());
  expect(paused.details['retryAfterMs']).toBe(7_000);
  slack.fail('*', REFUSED);
  const refused = await failureOf(client.whoAmI());
  expect(slackErrorOf(refused)).toBe('not_in_channel');
  expect(refused.repair).toContain('/invite @realign');
  slack.setScopes([]);
  const scopeless = await failureOf(client.post({ channel: 'C0DRIFTS', ...HELLO }));
  expect(scopeless.repair).toContain('Add the scope chat:write');
});

test('names the wrong part of a message, not what it says', async () => {
  const blocks = [{ type: 'header' as const, text: { type: 'plain_text' as const, text: '' } }];
  const error = await failureOf(client.post({ channel: 'C0DRIFTS', text: 'canary', blocks }));
  expect(error.message).toMatch(/^chat\.postMessage: Slack says invalid_blocks \(\/blocks\/0/);
  expect(error.message).not.toContain('canary');
});

test('a rate limit of one call holds back no other', async () => {
  slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterS: 30 });
  await failureOf(client.post({ channel: 'C0DRIFTS', ...HELLO }));
  expect(await client.whoAmI()).toMatchObject({ team: 'T0REALIGN', botName: 'realign' });
});

test('posts, edits and finds its own messages by their metadata', async () => {
  const metadata = { event_type: 'drift', event_payload: { name: 'q1' } };
  const posted = await client.post({ channel: '#drifts', ...HELLO, metadata });
  await client.post({ channel: 'C0DRIFTS', ...HELLO, thread: posted.ts, broadcast: true });
  await client.update(posted, { text: 'Fixed', blocks: [], metadata });
  expect(slack.messages()).toMatchObject([
    { text: 'Fixed', edits: 1 },
    { thread_ts: posted.ts, reply_broadcast: true, text: 'Hello &lt;!channel&gt;' },
  ]);
  const sinceMs = Date.now() - 60_000;
  const found = await client.recent('C0DRIFTS', { sinceMs });
  expect(found.map((one) => one.metadata)).toEqual([undefined, metadata]);
  const replies = await client.recent('C0DRIFTS', { sinceMs, thread: posted.ts });
  expect(replies).toHaveLength(2);
});

test.each([
  ['a member', {}, true],
  ['somebody who left', { deleted: true }, false],
  ['a bot', { is_bot: true }, false],
  ['a guest', { is_restricted: true }, false],
  ['a guest of one channel', { is_ultra_restricted: true }, false],
  ['a stranger', { team: 'T9', is_stranger: true }, false],
])('knows %s', async (_what, more, isMember) => {
  slack.addUser({ id: 'U1', name: 'Amir', email: 'Amir@Example.com', ...more });
  expect(await client.user('U1')).toMatchObject({ name: 'Amir', isMember });
  expect(await client.userByEmail('Amir@Example.com')).toMatchObject({ email: 'amir@example.com' });
});

test('follows no redirect with what it says', async () => {
  const heard: string[] = [];
  const elsewhere = createServer((request, response) => {
    heard.push(request.url ?? '');
    if (request.url === '/answer') response.writeHead(307, { location: '/elsewhere' });
    response.end();
  });
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const { port } = elsewhere.address() as AddressInfo;
  const error = await failureOf(client.respond(`http://127.0.0.1:${port}/answer`, HELLO));
  expect([error.code, heard]).toEqual(['SLACK_REFUSED', ['/answer']]);
  elsewhere.close();
});
