import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import type { TokenUse } from '../drift/advice/model-prices.ts';
import { AppError } from '../lib/errors.ts';

/** An answer in the wanted shape, and what it took. */
export type ClaudeAnswer<T> = { readonly answer: T; readonly tokens: TokenUse };

export type ClaudeQuestion<T> = {
  /** The same for every question of its kind: it is kept on the server for some minutes. */
  readonly system: string;
  readonly user: string;
  /** The server is told to answer so; what it answers is checked all the same. */
  readonly schema: z.ZodType<T>;
  readonly maxTokens: number;
  readonly signal?: AbortSignal;
  /** Told what a call took whose answer is of no use. */
  readonly onTokens?: (tokens: TokenUse) => void;
};

/**
 * Anthropic's Messages API, streamed, so that nothing on the way takes a long answer for a dead connection. Rejects with CLAUDE_REFUSED (nothing will help), CLAUDE_UNAVAILABLE (again later; `details.retryAfterMs`
 * where the server says when) or CLAUDE_ANSWER_INVALID (it answered something else than was asked for).
 */
export type ClaudeClient = {
  ask<T>(question: ClaudeQuestion<T>): Promise<ClaudeAnswer<T>>;
  /** Whether the key is known and may use the model; costs nothing. Answers with the model's name. */
  check(): Promise<string>;
};

export type ClaudeOptions = {
  readonly apiKey: string;
  readonly url: string;
  readonly model: string;
  /** For a whole call, from the connection to the last byte. */
  readonly timeoutMs: number;
};

/** An answer is a page of text at the most; each of its tokens may come as an event of some hundred bytes. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;
/** What a server says of its refusal; longer texts quote the question. */
const MAX_QUOTED = 200;
const OVERLOADED = 529;

/** Nothing is sent yet. The SDK's own retries are off: Temporal retries, and its history shows it. */
export function createClaudeClient(options: ClaudeOptions): ClaudeClient {
  const { apiKey, url, model, timeoutMs } = options;
  const sdk = new Anthropic({
    ...{ apiKey, baseURL: url, timeout: timeoutMs, maxRetries: 0 },
    // Neither the environment nor files of whoever runs this add anything to a request, and nothing of it is logged.
    authToken: null,
    logLevel: 'off',
    openTelemetry: false,
    fetch: fetchLimited,
  });
  return {
    async ask({ system, user, schema, maxTokens, signal, onTokens }) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const { type, schema: wanted } = zodOutputFormat(schema);
      const body: Anthropic.MessageStreamParams = {
        model,
        max_tokens: maxTokens,
        system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
        messages: [{ role: 'user', content: user }],
        output_config: { effort: 'low', format: { type, schema: wanted } },
      };
      const stream = sdk.messages.stream(body, {
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      const message = await stream.finalMessage().catch((error: unknown) => {
        if (stream.response && !timeout.aborted) throw brokenOff(error, apiKey);
        throw toAppError(error, timeout.aborted ? timeoutMs : undefined, apiKey);
      });
      const { content, usage, stopReason } = readMessage(message);
      onTokens?.(usage);
      return { answer: readAnswer(schema, content, stopReason), tokens: usage };
    },

    async check() {
      const timeout = AbortSignal.timeout(timeoutMs);
      const { id } = await sdk.models
        .retrieve(model, {}, { signal: timeout })
        .catch((error: unknown) => {
          throw toAppError(error, timeout.aborted ? timeoutMs : undefined, apiKey);
        });
      return String(id);
    },
  };
}

const messageSchema = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  stop_reason: z.string().nullable(),
  usage: z.object({
    input_tokens: z.int().min(0),
    output_tokens: z.int().min(0),
    cache_creation_input_tokens: z.int().min(0).nullish(),
    cache_read_input_tokens: z.int().min(0).nullish(),
  }),
});

/** The SDK's types are a promise of the server's; this holds it to what we use. */
function readMessage(message: unknown) {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) {
    throw new AppError(
      'CLAUDE_ANSWER_INVALID',
      'Claude answered with something that is no message',
    );
  }
  const { content, usage, stop_reason: stopReason } = parsed.data;
  const tokens: TokenUse = {
    input: usage.input_tokens,
    output: usage.output_tokens,
    cacheWrite: usage.cache_creation_input_tokens ?? 0,
    cacheRead: usage.cache_read_input_tokens ?? 0,
  };
  return { content, usage: tokens, stopReason };
}

function readAnswer<T>(
  schema: z.ZodType<T>,
  content: z.output<typeof messageSchema>['content'],
  stopReason: string | null,
): T {
  if (stopReason !== 'end_turn') {
    throw new AppError(
      'CLAUDE_ANSWER_INVALID',
      `Claude stopped early: ${stopReason ?? 'no reason'}`,
    );
  }
  const text = content
    .flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : []))
    .join('');
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new AppError('CLAUDE_ANSWER_INVALID', 'Claude answered with text that is no JSON');
  }
  const answer = schema.safeParse(data);
  if (answer.success) return answer.data;
  // Paths and what was expected, not what came: that may be anything.
  const problems = answer.error.issues.map(
    ({ path, code }) => `${path.join('.') || 'answer'} ${code}`,
  );
  throw new AppError(
    'CLAUDE_ANSWER_INVALID',
    `Claude answered in another shape than asked for: ${problems.slice(0, 5).join(', ')}`,
  );
}

/** A stream that began and did not end: it says so itself, or is cut, or is none. What it has cost, nobody knows. */
function brokenOff(error: unknown, apiKey: string): AppError {
  if (error instanceof Anthropic.APIUserAbortError) return toAppError(error, undefined, apiKey);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof SyntaxError) {
    return new AppError(
      'CLAUDE_ANSWER_INVALID',
      'Claude answered with something that is no message',
    );
  }
  const said = error instanceof Anthropic.APIError ? error.apiMessage : undefined;
  const reason = said ?? (cause instanceof Error ? cause.message : String(cause));
  return new AppError('CLAUDE_UNAVAILABLE', `Claude's answer broke off: ${quoted(reason, apiKey)}`);
}

function toAppError(error: unknown, timedOutMs: number | undefined, apiKey: string): AppError {
  if (timedOutMs !== undefined || error instanceof Anthropic.APIConnectionTimeoutError) {
    const message = `Claude did not answer within ${timedOutMs ?? 'the time allowed'} ms`;
    return new AppError('CLAUDE_UNAVAILABLE', message);
  }
  if (error instanceof Anthropic.APIUserAbortError) {
    return new AppError('CLAUDE_UNAVAILABLE', 'the call to Claude was given up');
  }
  if (!(error instanceof Anthropic.APIError) || error.status === undefined) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new AppError(
      'CLAUDE_UNAVAILABLE',
      `Claude cannot be reached: ${quoted(reason, apiKey)}`,
    );
  }
  const { status, headers } = error;
  const said = quoted(error.apiMessage ?? 'no reason given', apiKey);
  const isTemporary = status === 408 || status === 429 || status >= 500;
  if (!isTemporary) return new AppError('CLAUDE_REFUSED', `Claude refused with ${status}: ${said}`);
  const retryAfterMs = readRetryAfter(headers);
  const what = status === 429 || status === OVERLOADED ? 'is busy' : 'has a fault';
  return new AppError('CLAUDE_UNAVAILABLE', `Claude ${what} (${status}): ${said}`, {
    details: { status, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  });
}

/** What is said of a refusal, without the key that some gateways, and `fetch` itself, repeat. */
function quoted(text: string, apiKey: string): string {
  return text.replaceAll(apiKey, '[key]').slice(0, MAX_QUOTED);
}

/** Seconds, or the time at which to come again. */
function readRetryAfter(headers: Headers | undefined): number | undefined {
  const text = headers?.get('retry-after');
  if (text === null || text === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, Math.round(ms)) : undefined;
}

/** `fetch` whose bodies end with an error beyond the limit. */
async function fetchLimited(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: 'error' });
  if (!response.body) return response;
  let bytes = 0;
  const limited = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > MAX_ANSWER_BYTES) {
          controller.error(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
        } else {
          controller.enqueue(chunk);
        }
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(limited, { status, statusText, headers });
}
