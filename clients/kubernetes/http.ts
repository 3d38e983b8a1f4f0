import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../lib/errors.ts';
import type { Credentials } from './credentials.ts';
import { createStartingCheck } from './starting.ts';
import { errorOfAnswer, TOO_LARGE } from './status-error.ts';

export type Call = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the server's root, already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
  /** May be sent twice without harm: reads, and an apply. */
  readonly repeatable: boolean;
  /** The attempt in words, for messages: `list deployments`. */
  readonly what: string;
};

export type Http = {
  /** The body of a 2xx answer, parsed as JSON. */
  json(call: Call): Promise<unknown>;
  /** A 2xx answer whose body has no end in sight; the caller ends it by destroying it. */
  stream(call: Call): Promise<http.IncomingMessage>;
};

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ATTEMPTS = 4;
const DEFAULT_RETRY_AFTER_MS = 500;
const MAX_RETRY_AFTER_MS = 5_000;

/** An answer whose time-out still runs until `settle` is called. */
type Answer = { readonly response: http.IncomingMessage; settle(): void };

const READY: Call = { method: 'GET', path: '/readyz', repeatable: true, what: 'get /readyz' };

/**
 * Requests under one identity, with a time-out and a limit on what is read. After a 401 the credentials are read anew, once; a 403
 * counts once the server is ready to know whom to let in.
 */
export function createHttp(
  credentials: Credentials,
  options: { timeoutMs: number; userAgent: string },
): Http {
  const { timeoutMs, userAgent } = options;

  const send = (call: Call, streaming: boolean, fresh: boolean): Promise<Answer> =>
    sendOnce(credentials, call, { streaming, fresh, timeoutMs, userAgent });

  const isStarting = createStartingCheck(async () => {
    try {
      const { response, settle } = await send(READY, false, false);
      response.resume();
      settle();
      return response.statusCode === 200;
    } catch {
      return false;
    }
  });

  const answer = async (call: Call, streaming: boolean): Promise<Answer> => {
    let fresh = false;
    let refused = false;
    for (let attempt = 1; ; attempt++) {
      call.signal?.throwIfAborted();
      let one: Answer;
      try {
        one = await send(call, streaming, fresh);
      } catch (error) {
        call.signal?.throwIfAborted();
        if (error instanceof StaleSocket && call.repeatable && attempt < MAX_ATTEMPTS) continue;
        throw unreachable(error, call, credentials.server);
      }
      const status = one.response.statusCode ?? 0;
      if (status >= 200 && status < 300) return one;
      const failure = errorOfAnswer(call.what, status, await readErrorText(one));
      if (status === 401 && !fresh) {
        fresh = true;
      } else if (status === 429 && call.repeatable && attempt < MAX_ATTEMPTS) {
        await sleep(retryAfterMs(one.response), undefined, { ...withSignal(call.signal) });
      } else if (status === 403 && !refused) {
        // Nothing was done: once more, because it may have become ready between the two questions.
        refused = true;
        if (await isStarting()) throw asStarting(failure);
      } else {
        throw failure;
      }
    }
  };

  return {
    async json(call) {
      const { response, settle } = await answer(call, false);
      try {
        return JSON.parse(await readText(response, call.what));
      } catch (error) {
        call.signal?.throwIfAborted();
        throw unreachable(error, call, credentials.server);
      } finally {
        settle();
      }
    },
    async stream(call) {
      const { response, settle } = await answer(call, true);
      settle();
      return response;
    },
  };
}

function asStarting(failure: AppError): AppError {
  const { message, details } = failure;
  return new AppError('KUBERNETES_UNAVAILABLE', `${message} (the API server is starting)`, {
    cause: failure,
    details,
  });
}

/** One attempt. Rejects with StaleSocket where it is not known whether the server saw the request. */
async function sendOnce(
  credentials: Credentials,
  call: Call,
  options: { streaming: boolean; fresh: boolean; timeoutMs: number; userAgent: string },
): Promise<Answer> {
  const { streaming, fresh, timeoutMs, userAgent } = options;
  const access = await credentials.access({ fresh });
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const settle = (): void => clearTimeout(timer);
  const url = urlOf(credentials.server, call);
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    method: call.method,
    agent: streaming ? access.watchAgent : access.agent,
    signal: anySignal(deadline.signal, call.signal),
    headers: { ...access.headers, ...headersOf(call), 'user-agent': userAgent },
  });
  request.on('response', resolve);
  request.on('error', (error) => reject(request.reusedSocket ? new StaleSocket(error) : error));
  request.end(call.body);
  try {
    return { response: await promise, settle };
  } catch (error) {
    settle();
    if (deadline.signal.aborted) throw timedOut(call, credentials.server, timeoutMs);
    throw error;
  }
}

/** The server closed a kept-alive connection just as it was used again: nothing is known about the request itself. */
class StaleSocket extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'StaleSocket';
  }
}

function urlOf(server: URL, call: Call): URL {
  const url = new URL(server);
  // A cluster behind a gateway has a path of its own.
  url.pathname = url.pathname.replace(/\/$/, '') + call.path;
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

function headersOf(call: Call): http.OutgoingHttpHeaders {
  const accept = call.accept ?? 'application/json';
  if (call.body === undefined) return { accept };
  return {
    accept,
    'content-type': call.contentType ?? 'application/json',
    'content-length': Buffer.byteLength(call.body),
  };
}

function anySignal(deadline: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

async function readText(response: http.IncomingMessage, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      response.destroy();
      throw new AppError(
        'KUBERNETES_REFUSED',
        `${what}: the answer is larger than ${MAX_ANSWER_BYTES} bytes`,
        { details: { reason: TOO_LARGE } },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readErrorText({ response, settle }: Answer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ERROR_BYTES) break;
      chunks.push(chunk);
    }
  } catch {
    // The status is known; what could be read of the reason has to do.
  } finally {
    settle();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function retryAfterMs(response: http.IncomingMessage): number {
  const seconds = Number(response.headers['retry-after']);
  if (!Number.isFinite(seconds) || seconds < 0) return DEFAULT_RETRY_AFTER_MS;
  return Math.min(seconds * 1_000, MAX_RETRY_AFTER_MS);
}

function timedOut(call: Call, server: URL, timeoutMs: number): AppError {
  return new AppError(
    'KUBERNETES_UNAVAILABLE',
    `${call.what}: no answer from ${server.origin} in ${timeoutMs} ms`,
  );
}

function unreachable(error: unknown, call: Call, server: URL): AppError {
  if (error instanceof AppError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('KUBERNETES_UNAVAILABLE', `${call.what} at ${server.origin}: ${reason}`, {
    cause: error,
  });
}
