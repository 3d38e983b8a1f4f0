import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { TokenUse } from '../drift/advice/model-prices.ts';
import { AppError } from '../lib/errors.ts';
import { eventually } from '../testing/eventually.ts';
import { type FakeClaude, type Script, startFakeClaude } from '../testing/fake-claude.ts';
import { BAD_ANSWERS, GOOD_NOTE } from '../testing/fake-claude-answers.ts';
import { type ClaudeOptions, createClaudeClient } from './claude.ts';

const SCHEMA = z.strictObject({
  summary: z.string().max(400),
  probableCause: z.string(),
  risk: z.int().min(0).max(100),
  riskReason: z.string(),
  effect: z.string(),
  recommendation: z.enum(['revert', 'accept', 'look-closer']),
  confidence: z.enum(['low', 'medium', 'high']),
});

let claude: FakeClaude;
beforeAll(async () => {
  claude = await startFakeClaude();
});
beforeEach(() => claude.always());
afterAll(() => claude.stop());

function ask(different: Partial<ClaudeOptions> = {}, onTokens?: (tokens: TokenUse) => void) {
  const { url, apiKey } = claude;
  const options = { url, apiKey, model: 'claude-sonnet-5-5', timeoutMs: 5_000, ...different };
  const question = { system: 'be brief', user: 'why?', schema: SCHEMA, maxTokens: 1_000 };
  return createClaudeClient(options).ask({ ...question, ...(onTokens && { onTokens }) });
}

async function refusalOf(different: Partial<ClaudeOptions> = {}): Promise<AppError> {
  const error = await ask(different).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error(`it was not refused: ${String(error)}`);
}

test('an answer in the wanted shape, with what it took', async () => {
  const { answer, tokens } = await ask();
  expect(answer).toEqual(GOOD_NOTE);
  expect(tokens).toEqual({ input: 400, output: 200, cacheWrite: 0, cacheRead: 600 });
  const sent = JSON.parse(claude.requests.at(-1) ?? '');
  expect(sent).toMatchObject({
    model: 'claude-sonnet-5-5',
    max_tokens: 1_000,
    stream: true,
    system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }],
    messages: [{ role: 'user', content: 'why?' }],
    output_config: { format: { type: 'json_schema', schema: { additionalProperties: false } } },
  });
});

test.each(Object.keys(BAD_ANSWERS))('%s is no answer', async (name) => {
  claude.play({ kind: 'answer', content: BAD_ANSWERS[name] ?? '' });
  let taken: TokenUse | undefined;
  const error = await ask({}, (tokens) => {
    taken = tokens;
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CLAUDE_ANSWER_INVALID', retryable: false });
  expect(taken?.output).toBe(200);
});

test.each(['max_tokens', 'refusal'])('stopping by %s is no answer', async (stopReason) => {
  claude.play({ kind: 'answer', content: GOOD_NOTE, stopReason });
  expect(await refusalOf()).toMatchObject({ code: 'CLAUDE_ANSWER_INVALID' });
});

test.each<[string, Script]>([
  ['429', { kind: 'refuse', status: 429, retryAfter: '7' }],
  ['529', { kind: 'refuse', status: 529, retryAfter: '7' }],
])('%s says when to come again, and is not retried here', async (_name, script) => {
  const before = claude.requests.length;
  claude.play(script);
  expect(await refusalOf()).toMatchObject({
    code: 'CLAUDE_UNAVAILABLE',
    retryable: true,
    details: { retryAfterMs: 7_000 },
  });
  expect(claude.requests.length).toBe(before + 1);
});

test.each<[string, Script]>([
  ['a fault', { kind: 'refuse', status: 500 }],
  ['a cut connection', { kind: 'cut' }],
  ['an answer without end', { kind: 'flood' }],
  ['a page of a proxy', { kind: 'garbage' }],
])('after %s it is worth asking again', async (_name, script) => {
  claude.play(script);
  expect(await refusalOf()).toMatchObject({ code: 'CLAUDE_UNAVAILABLE', retryable: true });
});

test.each<[string, Script, string]>([
  ['is overloaded', { kind: 'fail-midway', type: 'overloaded_error' }, 'broke off: as scripted'],
  ['has a fault', { kind: 'fail-midway', type: 'api_error' }, 'broke off: as scripted'],
  ['is cut', { kind: 'cut-midway' }, 'broke off'],
  ['just ends', { kind: 'end-early' }, 'broke off'],
])(
  'a stream that %s in the middle is worth another try, and no answer',
  async (_name, script, said) => {
    claude.play(script);
    let taken: TokenUse | undefined;
    const error = await ask({}, (tokens) => {
      taken = tokens;
    }).catch((thrown: unknown) => thrown);
    // Without a status: that would say that it has cost nothing.
    expect(error).toMatchObject({ code: 'CLAUDE_UNAVAILABLE', retryable: true, details: {} });
    expect(error).toMatchObject({ message: expect.stringContaining(said) });
    expect(taken).toBeUndefined();
    expect((await ask()).answer).toEqual(GOOD_NOTE);
  },
);

test('silence in the middle of a stream is borne for as long as there is time', async () => {
  claude.play({ kind: 'slow', ms: 50 });
  expect((await ask()).answer).toEqual(GOOD_NOTE);
});

test.each<[string, Script]>([
  ['falls silent', { kind: 'slow', ms: 5_000 }],
  ['stops in the middle', { kind: 'hang' }],
])('one that %s is given up in time', async (_name, script) => {
  claude.play(script);
  const error = await refusalOf({ timeoutMs: 300 });
  expect(error).toMatchObject({
    code: 'CLAUDE_UNAVAILABLE',
    message: expect.stringContaining('300'),
  });
});

test('a stream that is no message is no answer, and is not quoted', async () => {
  claude.play({ kind: 'garbled' });
  const error = await refusalOf();
  expect(error).toMatchObject({ code: 'CLAUDE_ANSWER_INVALID', retryable: false });
  expect(error.message).not.toContain('html');
});

test('whoever asked may give up in the middle of a stream', async () => {
  claude.play({ kind: 'hang' });
  const { url, apiKey } = claude;
  const options = { url, apiKey, model: 'claude-sonnet-5-5', timeoutMs: 5_000 };
  const given = new AbortController();
  const asked = createClaudeClient(options).ask({
    ...{ system: 'be brief', user: 'why?', schema: SCHEMA, maxTokens: 1_000 },
    signal: given.signal,
  });
  const before = claude.requests.length;
  await eventually(() => claude.requests.length > before, { what: 'the request' });
  given.abort();
  await expect(asked).rejects.toMatchObject({
    code: 'CLAUDE_UNAVAILABLE',
    message: 'the call to Claude was given up',
  });
});

test('a wrong key, a wrong model and a wrong question are refused for good, without the key', async () => {
  const wrongKey = await refusalOf({ apiKey: 'sk-wrong' });
  expect(wrongKey).toMatchObject({ code: 'CLAUDE_REFUSED', retryable: false });
  expect(wrongKey.message).not.toContain('sk-wrong');
  expect(await refusalOf({ model: 'claude-0' })).toMatchObject({ code: 'CLAUDE_REFUSED' });
});

test('a key that no header takes is in no message', async () => {
  const { code, message } = await refusalOf({ apiKey: 'sk-canary\nother' });
  expect([code, message]).toEqual(['CLAUDE_UNAVAILABLE', expect.stringContaining('[key]')]);
  expect(message).not.toContain('canary');
});

test('a check says whether key and model are good, and asks nothing', async () => {
  const { url, apiKey } = claude;
  const options = { url, apiKey, model: 'claude-sonnet-5-5', timeoutMs: 5_000 };
  expect(await createClaudeClient(options).check()).toBe('claude-sonnet-5-5');
  const wrong = [{ apiKey: 'sk-wrong' }, { model: 'claude-0' }];
  for (const one of wrong) {
    const client = createClaudeClient({ ...options, ...one });
    await expect(client.check()).rejects.toMatchObject({ code: 'CLAUDE_REFUSED' });
  }
});

test('nobody there', async () => {
  expect(await refusalOf({ url: 'http://127.0.0.1:9' })).toMatchObject({
    code: 'CLAUDE_UNAVAILABLE',
  });
});

test.each<[string, object, object, number]>([
  ['no key', { authorization: '' }, {}, 401],
  ['no version', { 'anthropic-version': '' }, {}, 400],
  ['a sampling parameter', {}, { temperature: 0 }, 400],
  ['no max_tokens', {}, { max_tokens: undefined }, 400],
  ['an unknown model', {}, { model: 'claude-0' }, 404],
  [
    'an open schema',
    {},
    { output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } },
    400,
  ],
  [
    'a length in the schema',
    {},
    {
      output_config: { format: { type: 'json_schema', schema: { type: 'string', maxLength: 4 } } },
    },
    400,
  ],
])('the fake refuses %s as the real one does', async (_name, headers, body, status) => {
  const all = {
    'content-type': 'application/json',
    authorization: `Bearer ${claude.apiKey}`,
    'anthropic-version': '2026-10-21',
    ...headers,
  };
  const given = Object.entries(all).filter(([, value]) => value !== '');
  const message = {
    model: 'claude-sonnet-5-5',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'a' }],
  };
  const response = await fetch(`${claude.url}/v1/messages`, {
    method: 'POST',
    headers: Object.fromEntries(given),
    body: JSON.stringify({ ...message, ...body }),
  });
  expect(response.status).toBe(status);
});
