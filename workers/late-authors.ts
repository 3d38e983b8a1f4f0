import type { AuditWrite } from '../drift/decide/author.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import type { Parts } from './parts.ts';

/**
 * Nobody waits for the audit log: people may be asked before it tells who made a change. When it does, the runs that ask look
 * again, so that the author is shown and barred. A run that cannot be told now is not worth refusing the events.
 */
export function createLateAuthors({
  store,
  config,
  log,
  driftDoor,
}: Pick<Parts, 'store' | 'config' | 'log' | 'driftDoor'>) {
  return async (cluster: string, writes: readonly AuditWrite[]): Promise<void> => {
    const refs = await store.episodes.listWithoutAuthor(writes);
    const ours = refs.filter((ref) => isOf(cluster, ref.environment));
    const told = await Promise.allSettled(ours.map((ref) => driftDoor.stir(ref, 'author')));
    const missed = told.filter((one) => one.status === 'rejected').length;
    if (missed > 0) log.warn({ missed }, 'runs were not told who made their drift');
  };

  /** Episodes outlive the configuration that they began under. */
  function isOf(cluster: string, environment: string): boolean {
    const { environments } = config;
    const isKnown = environments.some((one) => one.name === environment);
    return isKnown && clusterNameOf(environments, environment) === cluster;
  }
}
