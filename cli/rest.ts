import { z } from 'zod';
import { AppError, ERRORS, type ErrorCode } from '../lib/errors.ts';

/** Realign's own api over HTTP: the one way in which the command line sees and changes anything. */
export type Rest = {
  get<T>(path: string, schema: z.ZodType<T>, query?: Query): Promise<T>;
  post<T>(path: string, schema: z.ZodType<T>, body?: object): Promise<T>;
};

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const DEFAULT_URL = 'http://127.0.0.1:8080';
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** RFC 9457, and DriftGuard's `{error, message}` beside it. */
const problemSchema = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  error: z.string().optional(),
  message: z.string().optional(),
  code: z.string().optional(),
  repair: z.string().optional(),
});

/** Reads REALIGN_URL and REALIGN_TOKEN; CONFIG_INVALID if the URL is none. Nothing is sent yet. */
export function createRest(env: NodeJS.ProcessEnv): Rest {
  const base = readBase(apiUrl(env));
  const token = env['REALIGN_TOKEN'];
  const call = async <T>(method: string, path: string, schema: z.ZodType<T>, body?: object) => {
    const answer = await send(new URL(path.replace(/^\//, ''), base), {
      method,
      redirect: 'error',
      headers: {
        accept: 'application/json',
        // Answers to POSTs name the door that was used.
        'user-agent': 'realign-cli',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const data = parseJson(answer);
    if (answer.status >= 400) throw toError(answer.status, data, `${method} ${path}`);
    const parsed = schema.safeParse(data);
    if (parsed.success) return parsed.data;
    throw new AppError(
      'INTERNAL',
      `${base.host} answers ${method} ${path} in a shape that this version does not know: ${z.prettifyError(parsed.error)}`,
    );
  };
  return {
    get: (path, schema, query = {}) => call('GET', `${path}${toSearch(query)}`, schema),
    post: (path, schema, body = {}) => call('POST', path, schema, body),
  };
}

/** Where the api is, as the environment says it. */
export function apiUrl(env: NodeJS.ProcessEnv): string {
  return env['REALIGN_URL'] || DEFAULT_URL;
}

function readBase(text: string): URL {
  const parsed = z.url({ protocol: /^https?$/ }).safeParse(text);
  if (!parsed.success) {
    throw new AppError('CONFIG_INVALID', 'REALIGN_URL is no http or https URL');
  }
  return new URL(`${parsed.data.replace(/\/+$/, '')}/`);
}

type Answer = { readonly status: number; readonly text: string; readonly url: URL };

async function send(url: URL, request: RequestInit): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(url, { ...request, signal });
    return { status: response.status, text: await readLimited(response), url };
  } catch (error) {
    if (error instanceof AppError) throw error;
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new AppError('API_UNAVAILABLE', `no answer from ${url.origin}: ${reason}`, {
      cause: error,
    });
  }
}

async function readLimited(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new AppError(
        'INVALID_INPUT',
        `the answer is larger than ${MAX_ANSWER_BYTES} bytes; narrow the query`,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    if (answer.status >= 400) return {};
    throw new AppError(
      'API_UNAVAILABLE',
      `${answer.url.origin} does not answer as Realign's api does`,
    );
  }
}

function toError(status: number, data: unknown, what: string): AppError {
  const problem = problemSchema.safeParse(data).data ?? {};
  const message =
    problem.detail ??
    problem.message ??
    problem.title ??
    problem.error ??
    `${what} was answered with ${status}`;
  return new AppError(toCode(status, problem.code), message, {
    details: { status, ...(problem.repair ? { repair: problem.repair } : {}) },
  });
}

function toCode(status: number, code: string | undefined): ErrorCode {
  if (code !== undefined && isErrorCode(code)) return code;
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 409) return 'CONFLICT';
  return status >= 500 ? 'API_UNAVAILABLE' : 'INVALID_INPUT';
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

function toSearch(query: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) search.set(key, String(value));
  }
  return search.size === 0 ? '' : `?${search}`;
}
