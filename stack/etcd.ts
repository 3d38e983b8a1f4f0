import { join } from 'node:path';
import { type PartContext, portAt, startServer } from './server.ts';

const READY_TIMEOUT_MS = 20_000;
const PROBE_TIMEOUT_MS = 2_000;

export type Etcd = { readonly url: string; stop(): Promise<void> };

/** The API server's store: a single member on free ports of 127.0.0.1, its data in the part's directory. */
export async function startEtcd(
  context: PartContext,
  options: { readonly binary: string },
): Promise<Etcd> {
  const urlOf = (ports: readonly number[], index: number) =>
    `http://127.0.0.1:${portAt(ports, index)}`;
  const { ports, stop } = await startServer(context, {
    portCount: 2,
    process: (candidate) => ({
      name: 'etcd',
      command: options.binary,
      args: [
        `--data-dir=${join(context.directory, 'etcd')}`,
        `--listen-client-urls=${urlOf(candidate, 0)}`,
        `--advertise-client-urls=${urlOf(candidate, 0)}`,
        `--listen-peer-urls=${urlOf(candidate, 1)}`,
        `--initial-advertise-peer-urls=${urlOf(candidate, 1)}`,
        `--initial-cluster=default=${urlOf(candidate, 1)}`,
        // One member on one machine: losing the last second in a power failure is fine, waiting for the disk is not.
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
      logFile: join(context.directory, 'etcd.log'),
    }),
    probe: async (candidate) => {
      const answer = await fetch(`${urlOf(candidate, 0)}/health`, {
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`/health answers ${answer.status}`);
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  return { url: urlOf(ports, 0), stop };
}
