import { type ConfigHub, createConfighubClient } from '../clients/confighub/index.ts';
import { createConfighubServer, type Dialect } from '../confighub-server/index.ts';
import { createLog } from '../lib/log.ts';
import { testPostgres } from './stack.ts';

export const TEST_TOKEN = 'test-token';

export type TestConfighub = {
  readonly url: string;
  readonly databaseUrl: string;
  readonly hub: ConfigHub;
  /** Raw requests below `/api`, for what the client does not say. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; headers: Headers; body: unknown }>;
  close(): Promise<void>;
};

/** A ConfigHub server of the test's own, on a free port and a fresh database (or a given one, to restart on it). */
export async function startTestConfighub(
  options: {
    readonly kubeconfig?: string;
    readonly databaseUrl?: string;
    readonly dialect?: Dialect;
  } = {},
): Promise<TestConfighub> {
  const log = createLog('fatal');
  const databaseUrl = options.databaseUrl ?? (await testPostgres()).url;
  const server = await createConfighubServer({
    databaseUrl,
    tokens: [
      { token: TEST_TOKEN, username: 'tester' },
      { token: 'reader-token', username: 'reader', role: 'viewer' },
    ],
    dialect: options.dialect ?? 'bridge',
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    log,
  });
  const url = await server.listen(0, '127.0.0.1');
  return {
    url,
    databaseUrl,
    hub: createConfighubClient({ url, token: TEST_TOKEN, log }),
    call: async (method, path, body, headers = {}) => {
      const response = await fetch(`${url}/api${path}`, {
        method,
        headers: {
          authorization: `Bearer ${TEST_TOKEN}`,
          'content-type': 'application/json',
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') ?? false;
      return {
        status: response.status,
        headers: response.headers,
        body: isJson ? JSON.parse(text) : text,
      };
    },
    close: () => server.close(),
  };
}
