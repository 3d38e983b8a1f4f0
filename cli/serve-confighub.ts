import { resolve } from 'node:path';
import { createConfighubServer } from '../confighub-server/index.ts';
import type { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { startStack } from '../stack/index.ts';
import { runUntilSignal } from '../workers/run-until-signal.ts';

type ServeConfighubOptions = {
  readonly port: number;
  readonly host: string;
  readonly token: string;
  readonly dialect: 'bridge' | 'release';
  readonly data?: string;
  readonly database?: string;
  readonly kubeconfig?: string;
};

/** Serves until Ctrl-C; the URL is the one line on stdout. Resolves with the exit code. */
export async function serveConfighub(options: ServeConfighubOptions): Promise<number> {
  const log = createLog(process.env['REALIGN_LOG_LEVEL'] || 'warn', { process: 'confighub' });
  let fail: (error: AppError) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // Nobody listens before the server is up; a failure until then is thrown by what waits for the part.
  failed.catch(() => undefined);
  const stack = await startStack({
    without: ['temporal', 'kubernetes'],
    databases: ['confighub'],
    ...(options.database === undefined ? {} : { postgresUrl: options.database }),
    ...(options.data === undefined ? {} : { directory: resolve(options.data) }),
    onFailure: (error) => fail(error),
  });
  try {
    const server = await createConfighubServer({
      databaseUrl: stack.postgresUrl,
      tokens: [{ token: options.token, username: 'developer' }],
      dialect: options.dialect,
      ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
      log,
    });
    stack.addPart({ stop: () => server.close() });
    process.stdout.write(`${await server.listen(options.port, options.host)}\n`);
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return runUntilSignal(
    new AbortController(),
    failed,
    () => stack.stop(),
    (error) => log.error({ reason: String(error) }, 'a part of the server failed'),
  );
}
