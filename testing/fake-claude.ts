import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { isJsonObject, type JsonObject, type JsonValue } from '../drift/json.ts';
import { answerText, FITTING_ANSWERS } from './fake-claude-answers.ts';
import { beginStream, finishStream, sendError, sendEvents } from './fake-claude-stream.ts';

/** What the server does with one request. */
export type Script =
  /** Answers with this text, or this object as JSON. */
  | { readonly kind: 'answer'; readonly content: string | JsonObject; readonly stopReason?: string }
  /** Refuses with a status, as Anthropic does. */
  | { readonly kind: 'refuse'; readonly status: number; readonly retryAfter?: string }
  /** Begins at once, and is so long silent in the middle. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Sends headers, half a stream, and nothing more until the client goes away. */
  | { readonly kind: 'hang' }
  /** Sends a body that is no stream. */
  | { readonly kind: 'garbage' }
  /** Sends a stream whose events are no JSON, or one without end. */
  | { readonly kind: 'garbled' | 'flood' }
  /** Says in the middle of the stream that it cannot go on. */
  | { readonly kind: 'fail-midway'; readonly type: string }
  /** Cuts the connection at once. */
  | { readonly kind: 'cut' }
  /** Cuts it in the middle of the stream; or ends the stream in good order, before its end. */
  | { readonly kind: 'cut-midway' | 'end-early' };

export type FakeClaude = {
  readonly url: string;
  readonly apiKey: string;
  /** Bodies as they came, the oldest first. */
  readonly requests: readonly string[];
  /** Requests that were answered with 200, half-hearted ones included. */
  answered(): number;
  /** Plays these, one for each request; then fitting answers again. */
  play(...scripts: readonly Script[]): void;
  /** The same, for requests that say this. */
  playFor(text: string, ...scripts: readonly Script[]): void;
  /** Plays this for every request from now on; without one, fitting answers. */
  always(script?: Script): void;
  stop(): Promise<void>;
};

const API_KEY = 'sk-ant-test-0123456789';
/** The version of the API that SDK 1.x speaks, and the one before it. */
const VERSIONS: readonly string[] = ['2026-10-21', '2023-06-01'];
const MODELS: ReadonlySet<string> = new Set(['claude-sonnet-5-5', 'claude-haiku-5-5']);
/** Never listened for longer than a test waits. */
const HANG_MS = 60_000;
const FLOOD_BYTES = 4 * 1024 * 1024;
const KEYWORDS = new Set([
  ...['type', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'const', 'anyOf'],
  ...['allOf', '$ref', '$defs', 'description', 'title', 'format', 'minItems', 'default'],
]);

/** A server that speaks the Messages API as far as Realign does, and refuses what the real one refuses. */
export async function startFakeClaude(): Promise<FakeClaude> {
  const requests: string[] = [];
  const queue: Script[] = [];
  const queues = new Map<string, Script[]>();
  let standing: Script | undefined;
  let answers = 0;
  const gone = new AbortController();
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    requests.push(body);
    const model = /^\/v1\/models\/([\w-]+)$/.exec(request.url ?? '')?.[1];
    const problem = problemOf(request, body, model);
    if (problem) return refuse(response, problem.status, problem.type, problem.message);
    if (model !== undefined) return sendModel(response, model);
    const about = [...queues].find(([text, ones]) => ones.length > 0 && body.includes(text));
    const script = about?.[1].shift() ?? queue.shift() ?? standing;
    answers += script?.kind === 'refuse' ? 0 : 1;
    await perform(script, JSON.parse(body) as JsonObject, response, gone.signal);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    apiKey: API_KEY,
    requests,
    answered: () => answers,
    play: (...scripts) => void queue.push(...scripts),
    playFor: (text, ...scripts) => void queues.set(text, [...scripts]),
    always(script) {
      queue.length = 0;
      standing = script;
    },
    async stop() {
      gone.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function perform(
  script: Script | undefined,
  body: JsonObject,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  if (!script) {
    beginStream(response, body['model']);
    return finishStream(response, FITTING_ANSWERS.for(body));
  }
  switch (script.kind) {
    case 'refuse': {
      if (script.retryAfter !== undefined) response.setHeader('retry-after', script.retryAfter);
      return refuse(response, script.status, TYPES[script.status] ?? 'api_error', 'as scripted');
    }
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>busy</html>');
      return;
    case 'cut':
      response.destroy();
      return;
    case 'answer':
      beginStream(response, body['model']);
      return finishStream(response, answerText(script.content), script.stopReason);
    default:
      beginStream(response, body['model']);
      return goWrong(script, FITTING_ANSWERS.for(body), response, gone);
  }
}

type Midway = Exclude<Script, { readonly kind: 'refuse' | 'garbage' | 'cut' | 'answer' }>;

/** What happens to a stream that has begun. */
async function goWrong(
  script: Midway,
  text: string,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  switch (script.kind) {
    case 'slow':
      await pause(script.ms, undefined, { signal: gone });
      return finishStream(response, text);
    case 'hang':
      response.write('event: content_block_delta\ndata: {"type":"content_bl');
      await pause(HANG_MS, undefined, { signal: gone });
      return;
    case 'garbled':
      return void response.end('event: content_block_start\ndata: <html>busy</html>\n\n');
    case 'flood':
      return void response.end(`event: ping\ndata: "${'x'.repeat(FLOOD_BYTES)}"\n\n`);
    case 'fail-midway':
      sendEvents(response, text.slice(0, text.length / 2));
      return sendError(response, script.type);
    case 'cut-midway':
      sendEvents(response, text.slice(0, text.length / 2));
      // Once the half has left: destroying drops what is still here.
      response.write(': more to come\n\n', () => response.destroy());
      return;
    case 'end-early':
      sendEvents(response, text);
      response.end();
  }
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
};

/** https://platform.claude.com/docs/en/api/errors */
function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_test' })
    .end(JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_test' }));
}

type Problem = { readonly status: number; readonly type: string; readonly message: string };

function sendModel(response: ServerResponse, id: string): void {
  const model = { id, type: 'model', display_name: id, created_at: '2026-10-01T00:00:00Z' };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(model));
}

function problemOf(
  { method, url, headers }: IncomingMessage,
  text: string,
  asked: string | undefined,
): Problem | undefined {
  const problem = (status: number, message: string): Problem => {
    return { status, type: TYPES[status] ?? 'api_error', message };
  };
  const key = keyOf(headers);
  if (key === undefined) return problem(401, 'a key is required: Authorization or x-api-key');
  if (key !== API_KEY) return problem(401, 'invalid API key');
  const version = headers['anthropic-version'];
  if (version === undefined) return problem(400, 'anthropic-version: header is required');
  if (!VERSIONS.includes(String(version))) return problem(400, 'anthropic-version: unknown');
  if (method === 'GET' && asked !== undefined) {
    return MODELS.has(asked) ? undefined : problem(404, `model: ${asked}`);
  }
  if (method !== 'POST' || url !== '/v1/messages') return problem(404, 'Not found');
  if (!headers['content-type']?.startsWith('application/json')) {
    return problem(400, 'content-type must be application/json');
  }
  const body = parse(text);
  if (!isJsonObject(body)) return problem(400, 'the request body is not valid JSON');
  const { model } = body;
  if (typeof model !== 'string') return problem(400, 'model: Field required');
  if (!MODELS.has(model)) return problem(404, `model: ${model}`);
  const wrong = wrongIn(body);
  return wrong === undefined ? undefined : problem(400, wrong);
}

function keyOf(headers: IncomingMessage['headers']): string | undefined {
  const named = headers['x-api-key'];
  return typeof named === 'string' ? named : /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

function wrongIn(body: JsonObject): string | undefined {
  const { max_tokens: most, messages, system, output_config: output, stream } = body;
  if (typeof most !== 'number' || most < 1) return 'max_tokens: Field required';
  const removed = ['temperature', 'top_p', 'top_k'].find((key) => body[key] !== undefined);
  if (removed !== undefined) return `${removed}: Extra inputs are not permitted`;
  if (!Array.isArray(messages) || messages.length === 0)
    return 'messages: at least one is required';
  const isWrong = (one: JsonValue) =>
    !isJsonObject(one) || !['user', 'assistant'].includes(String(one['role'])) || !one['content'];
  if (messages.some(isWrong)) return 'messages: role and content are required';
  if (system !== undefined && typeof system !== 'string' && !Array.isArray(system)) {
    return 'system: Input should be a text or a list of blocks';
  }
  // The real one answers in one piece then; nobody here asks for that.
  if (stream !== true) return 'stream: this server only streams';
  const format = isJsonObject(output) ? output['format'] : undefined;
  if (!isJsonObject(format)) return undefined;
  if (format['type'] !== 'json_schema') return 'output_config.format.type: unknown';
  return wrongSchema(format['schema'], 'output_config.format.schema');
}

/** The limits of structured outputs: closed objects, and none of the keywords that a grammar cannot hold. */
function wrongSchema(schema: JsonValue | undefined, at: string): string | undefined {
  if (!isJsonObject(schema)) return `${at}: Input should be an object`;
  const unknown = Object.keys(schema).find((key) => !KEYWORDS.has(key));
  if (unknown !== undefined) return `${at}: For this type, property '${unknown}' is not supported`;
  if (schema['type'] === 'object' && schema['additionalProperties'] !== false) {
    return `${at}: For 'object' type, 'additionalProperties' must be explicitly set to false`;
  }
  const { properties, items, anyOf } = schema;
  const inner = [
    ...(isJsonObject(properties) ? Object.entries(properties) : []),
    ...(items === undefined ? [] : [['items', items] as const]),
    ...(Array.isArray(anyOf) ? anyOf.map((one) => ['anyOf', one] as const) : []),
  ];
  for (const [key, one] of inner) {
    const wrong = wrongSchema(one, `${at}.${key}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += String(chunk);
  return text;
}
