import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBinaries } from '../setup/binaries.mjs';
import { startKubernetes } from '../stack/kubernetes.ts';
import { databaseUrl, startPostgres } from '../stack/postgres.ts';
import { createKeeper } from '../stack/process.ts';
import type { Crashing, PartContext } from '../stack/server.ts';
import { startTemporal } from '../stack/temporal.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';
import { namespacesOf } from './stack.ts';

export const RESTARTED = ['temporal', 'postgres', 'kubernetes'] as const;
export type Restarted = (typeof RESTARTED)[number];

/** Where the servers are that a stage plays on. */
export type Servers = {
  readonly cluster: {
    readonly kubeconfigs: Awaited<ReturnType<typeof startKubernetes>>['kubeconfigs'];
    namespace(): Promise<string>;
  };
  readonly temporal: { readonly address: string };
  readonly postgres: { readonly url: string };
};

export type OwnServers = Servers & {
  /** All keep their data. */
  readonly crashing: Readonly<Record<Restarted, Crashing>>;
  stop(): Promise<void>;
};

const DATABASE = 'realign';

/** A Temporal server of a test's own, where a run is to go on in a fresh history after so many events already. */
export async function startForgetfulTemporal(
  events: number,
): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'realign-own-'));
  const keeper = createKeeper();
  keeper.removeOnDeath(directory);
  const onFailure = (error: Error) => console.error(error.message);
  const [binary] = await ensureBinaries(['temporal']);
  const server = await startTemporal(
    { keeper, directory, onFailure },
    {
      ...{ binary, persistent: false, withUi: false, searchAttributes: SEARCH_ATTRIBUTES },
      settings: [`limit.historyCount.suggestContinueAsNew=${events}`],
    },
  );
  return {
    address: server.address,
    async stop() {
      await server.stop();
      await keeper.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Servers of a test's own, which it may take down: the shared ones have other guests. */
export async function startOwnServers(): Promise<OwnServers> {
  const directory = await mkdtemp(join(tmpdir(), 'realign-own-'));
  // PostgreSQL may have to run as another user, who must be able to pass through.
  await chmod(directory, 0o711);
  const keeper = createKeeper();
  keeper.removeOnDeath(directory);
  const contextOf = async (name: string): Promise<PartContext> => {
    const place = join(directory, name);
    await mkdir(place, { mode: 0o755 });
    return { keeper, directory: place, onFailure: (error) => console.error(error.message) };
  };
  const [binary, etcdBinary, apiserverBinary] = await ensureBinaries([
    'temporal',
    'etcd',
    'kube-apiserver',
  ]);
  const [temporal, postgres, kubernetes] = await Promise.all([
    startTemporal(await contextOf('temporal'), {
      ...{ binary, persistent: true, withUi: false },
      searchAttributes: SEARCH_ATTRIBUTES,
    }),
    // What a crash leaves is read again only where it was written.
    startPostgres(await contextOf('postgres'), { fresh: false, databases: [DATABASE] }),
    startKubernetes(await contextOf('kubernetes'), { etcdBinary, apiserverBinary }),
  ]);
  return {
    cluster: { ...kubernetes, namespace: namespacesOf(kubernetes) },
    temporal,
    postgres: { url: databaseUrl(postgres.url, DATABASE) },
    crashing: { temporal, postgres, kubernetes },
    async stop() {
      await Promise.all([temporal.stop(), postgres.stop(), kubernetes.stop()]);
      await keeper.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
