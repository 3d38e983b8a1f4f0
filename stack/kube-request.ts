import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { AppError } from '../lib/errors.ts';

const TIMEOUT_MS = 30_000;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_SOCKETS = 16;

export type KubeAnswer = { readonly status: number; readonly body: unknown };

/** The few requests that the stack itself makes of the API server. Answers of any status are returned, not thrown. */
export type KubeRequests = {
  get(path: string, accept?: string): Promise<KubeAnswer>;
  send(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: object,
    contentType?: string,
  ): Promise<KubeAnswer>;
  /** Yields each event of a watch until the server ends it or `signal` is aborted. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<unknown>;
  close(): void;
};

export type KubeAccess = {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
};

export function createKubeRequests(access: KubeAccess): KubeRequests {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, ca: access.ca });
  // Watches hold their connection for long, so they must not use up the sockets of short requests.
  const watchAgent = new Agent({ keepAlive: false, ca: access.ca });
  const open = (
    method: string,
    path: string,
    options: {
      headers?: Record<string, string>;
      body?: string;
      signal?: AbortSignal;
      isWatch?: boolean;
    },
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        `${access.url}${path}`,
        {
          method,
          agent: options.isWatch ? watchAgent : agent,
          headers: { authorization: `Bearer ${access.token}`, ...options.headers },
          ...(options.signal ? { signal: options.signal } : {}),
          ...(options.isWatch ? {} : { timeout: TIMEOUT_MS }),
        },
        resolve,
      );
      outgoing.once('error', reject);
      outgoing.once('timeout', () =>
        outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)),
      );
      outgoing.end(options.body);
    });
  return {
    get: async (path, accept = 'application/json') =>
      answerOf(await open('GET', path, { headers: { accept } })),
    send: async (method, path, body, contentType = 'application/json') => {
      const text = JSON.stringify(body);
      const headers = {
        'content-type': contentType,
        accept: 'application/json',
        // Node frames the body of a DELETE only if its length is said; else it would be read as the next request.
        'content-length': String(Buffer.byteLength(text)),
      };
      return answerOf(await open(method, path, { headers, body: text }));
    },
    watch: async function* watch(path, signal) {
      const message = await open('GET', path, { signal, isWatch: true });
      if (message.statusCode !== 200) {
        const answer = await answerOf(message);
        throw new AppError('KUBERNETES_REFUSED', `watch of ${path} answers ${answer.status}`);
      }
      for await (const line of createInterface({ input: message })) yield JSON.parse(line);
    },
    close: () => {
      agent.destroy();
      watchAgent.destroy();
    },
  };
}

async function answerOf(message: IncomingMessage): Promise<KubeAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new AppError('KUBERNETES_REFUSED', 'an answer is over 64 MB');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const isJson = (message.headers['content-type'] ?? '').includes('json');
  return { status: message.statusCode ?? 0, body: isJson ? JSON.parse(text) : text };
}
