import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AppError } from '../../lib/errors.ts';

export type Sent = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

export type Answered = {
  readonly status: number;
  readonly statusText: string;
  readonly text: string;
  /** '' for one that is absent. */
  header(name: string): string;
};

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

const unzip = promisify(gunzip);

/**
 * Sends one request over a connection that is kept, and reads its whole answer. Node's plain client: `fetch` takes several times its
 * processor time. A redirect is an answer like any other; whoever aborts, or no answer in time, is an error.
 */
export async function exchange(url: URL, sent: Sent): Promise<Answered> {
  const { method, body, timeoutMs, signal } = sent;
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    headers: {
      ...sent.headers,
      'accept-encoding': 'gzip',
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    },
    ...(signal && { signal }),
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    request.destroy();
  }, timeoutMs);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    request.on('error', reject);
    request.on('response', (response) => read(response).then(resolve, reject));
    request.end(body);
    return await promise;
  } catch (error) {
    // Reading says only that the connection was closed.
    throw isLate ? new Error(`no answer within ${timeoutMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function read(response: http.IncomingMessage): Promise<Answered> {
  const bytes = await readBytes(response);
  const isZipped = response.headers['content-encoding'] === 'gzip' && bytes.byteLength > 0;
  const plain = isZipped ? await unzip(bytes, { maxOutputLength: MAX_ANSWER_BYTES }) : bytes;
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    text: plain.toString('utf8'),
    header: (name) => String(response.headers[name] ?? ''),
  };
}

function readBytes(response: http.IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= MAX_ANSWER_BYTES) chunks.push(chunk);
    else response.destroy(tooLarge());
  });
  response.on('end', () => resolve(Buffer.concat(chunks)));
  response.on('error', reject);
  // Of an answer that was cut short there is no end.
  response.on('close', () => reject(new Error('the connection was closed within the answer')));
  return promise;
}

function tooLarge(): AppError {
  return new AppError('CONFIGHUB_REFUSED', `the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
}
