import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../lib/errors.ts';
import { withoutQuotedValues } from '../../lib/quoted-values.ts';
import { type Answered, exchange } from './exchange.ts';

export type Query = Readonly<Record<string, string | undefined>>;

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api`, segments already encoded. */
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON; PATCH bodies are merge patches. `undefined` sends none. */
  readonly body?: unknown;
  /** Sent as it is instead of a body; an empty one is a document too. */
  readonly document?: string;
  readonly ifMatch?: string;
  readonly signal?: AbortSignal | undefined;
};

export type Http = {
  /** The parsed JSON of a 200 or 207. */
  json(call: Call): Promise<unknown>;
  /** The items of a list, page after page where the server gives them so. */
  list(call: Call): Promise<readonly unknown[]>;
  /** The text of a 200 that is not JSON. */
  text(call: Call): Promise<string>;
  /** The same with its ETag, without quotes; '' where the server sends none. */
  document(call: Call): Promise<{ readonly text: string; readonly etag: string }>;
};

export type HttpOptions = {
  readonly baseUrl: string;
  readonly token: string;
  /** For each attempt, its body included. */
  readonly timeoutMs: number;
};

const MAX_ATTEMPTS = 4;
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2_000;
/** A server that asks for a longer pause is taken as away; the workflow waits better than a socket does. */
const MAX_RETRY_AFTER_MS = 10_000;
const MAX_MESSAGE_CHARS = 500;
const MAX_PAGES = 1_000;
const RETRYABLE_STATUS = new Set([429, 502, 503, 504]);

/** Bearer-token requests with time-outs and limits. Only reads (GET) are tried again here. */
export function createHttp(options: HttpOptions): Http {
  return {
    json: async (call) => parseJson(call, (await request(options, call, 'application/json')).text),
    list: (call) => listPages(options, call),
    text: async (call) => (await request(options, call, '*/*')).text,
    document: (call) => request(options, call, '*/*'),
  };
}

async function listPages(options: HttpOptions, call: Call): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  let page = request(options, call, 'application/json');
  for (let pages = 1; pages <= MAX_PAGES; pages += 1) {
    const { text, next } = await page;
    // The server works on the next page while this one is read.
    if (next !== '') {
      const behind = { ...call, query: { ...call.query, continue: next } };
      page = request(options, behind, 'application/json');
      page.catch(() => undefined);
    }
    const answer = parseJson(call, text);
    if (!Array.isArray(answer)) {
      throw new AppError('CONFIGHUB_REFUSED', `${nameOf(call)}: the answer is not a list`);
    }
    // Not spread into push: a list of thousands is more arguments than a call can have.
    for (const item of answer) items.push(item);
    if (next === '') return items;
  }
  throw new AppError('CONFIGHUB_REFUSED', `${nameOf(call)}: more than ${MAX_PAGES} pages`);
}

function parseJson(call: Call, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('CONFIGHUB_REFUSED', `${nameOf(call)}: the answer is not JSON`, { cause });
  }
}

/** A body, its hash, and the token of the page behind it: '' for the last. */
type Received = { readonly text: string; readonly etag: string; readonly next: string };

type Failure = { readonly error: AppError; readonly retryAfterMs?: number };

async function request(options: HttpOptions, call: Call, accept: string): Promise<Received> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await once(options, call, accept);
    if ('text' in result) return result;
    const { error, retryAfterMs } = result;
    const pauseMs = retryAfterMs ?? backoffMs(attempt);
    const again =
      call.method === 'GET' &&
      attempt < MAX_ATTEMPTS &&
      error.code === 'CONFIGHUB_UNAVAILABLE' &&
      error.details['again'] !== false &&
      pauseMs <= MAX_RETRY_AFTER_MS;
    if (!again || call.signal?.aborted === true) throw error;
    await sleep(pauseMs, undefined, call.signal === undefined ? {} : { signal: call.signal });
  }
}

async function once(options: HttpOptions, call: Call, accept: string): Promise<Received | Failure> {
  const body = call.document ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  try {
    const answer = await exchange(urlOf(options.baseUrl, call), {
      method: call.method,
      headers: headersOf(options.token, call, accept),
      ...(body !== undefined && { body }),
      timeoutMs: options.timeoutMs,
      signal: call.signal,
    });
    if (answer.status < 200 || answer.status > 299) return failureOf(call, answer);
    return {
      text: answer.text,
      etag: answer.header('etag').replace(/^W\/|"/g, ''),
      next: answer.header('confighub-continue'),
    };
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    call.signal?.throwIfAborted();
    return {
      error: new AppError('CONFIGHUB_UNAVAILABLE', `${nameOf(call)}: ${reasonOf(cause)}`, {
        cause,
      }),
    };
  }
}

function urlOf(baseUrl: string, { path, query = {} }: Call): URL {
  const url = new URL(`${baseUrl}${path}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

function headersOf(token: string, call: Call, accept: string): Record<string, string> {
  const contentType =
    call.method === 'PATCH' || (call.method === 'POST' && call.path === '/unit')
      ? 'application/merge-patch+json'
      : 'application/json';
  return {
    authorization: `Bearer ${token}`,
    accept,
    'user-agent': 'realign',
    ...(call.body === undefined ? {} : { 'content-type': contentType }),
    ...(call.document === undefined ? {} : { 'content-type': 'application/octet-stream' }),
    ...(call.ifMatch === undefined ? {} : { 'if-match': call.ifMatch }),
  };
}

function failureOf(call: Call, answer: Answered): Failure {
  const { status } = answer;
  const requestId = answer.header('x-request-id');
  const details = { status, ...(requestId === '' ? {} : { requestId }) };
  const said = withoutQuotedValues(messageOf(answer.text) || answer.statusText);
  const message = `${nameOf(call)}: ${status} ${said}`;
  switch (status) {
    case 401:
    case 403:
      return {
        error: new AppError(
          'CONFIGHUB_UNAUTHORIZED',
          `${message} (the token of CUB_TOKEN was refused)`,
          { details },
        ),
      };
    case 404:
      return { error: new AppError('NOT_FOUND', message, { details }) };
    case 409:
      return { error: new AppError('CONFIGHUB_CONFLICT', message, { details }) };
  }
  // A redirect is of something in between that wants a login, say.
  if (status >= 400 && status < 500 && status !== 429 && status !== 408) {
    return { error: new AppError('CONFIGHUB_REFUSED', message, { details }) };
  }
  const again = RETRYABLE_STATUS.has(status);
  const error = new AppError('CONFIGHUB_UNAVAILABLE', message, { details: { ...details, again } });
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'));
  return retryAfterMs === undefined ? { error } : { error, retryAfterMs };
}

// StandardErrorResponse; proxies in between answer with anything, of which the start is shown.
function messageOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'Message' in body) {
      return String(body.Message).slice(0, MAX_MESSAGE_CHARS);
    }
  } catch {
    // Not JSON: shown as it is.
  }
  return text.slice(0, 100).replace(/\s+/g, ' ').trim();
}

/** Seconds or an HTTP date → milliseconds from now. */
function parseRetryAfter(header: string): number | undefined {
  if (header === '') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

// Full jitter: clients that failed together must not come back together.
function backoffMs(attempt: number): number {
  return Math.random() * Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** attempt);
}

function nameOf(call: Call): string {
  return `ConfigHub ${call.method} ${call.path}`;
}

function reasonOf(cause: unknown): string {
  // A name with several addresses fails once for each.
  const [first = cause] = cause instanceof AggregateError ? cause.errors : [];
  return first instanceof Error ? first.message : String(first);
}
