import type { EnvironmentConfig } from './config.ts';
import { AppError } from './errors.ts';
import { didYouMean } from './nearest-name.ts';

type Place = Pick<EnvironmentConfig, 'name' | 'cluster'>;

/**
 * What an environment's cluster is called where environments share it: the first environment of the same kubeconfig and
 * context. Without a name: the one cluster that all share. Throws NOT_FOUND, or INVALID_INPUT where a name is needed.
 */
export function clusterNameOf(environments: readonly Place[], name?: string): string {
  const [first] = environments;
  const named = name === undefined ? first : environments.find((one) => one.name === name);
  if (named === undefined) {
    const names = environments.map((one) => one.name);
    throw new AppError(
      'NOT_FOUND',
      `there is no environment ${name}${didYouMean(name ?? '', names)}`,
    );
  }
  const sharing = environments.filter((one) => isSame(one, named));
  if (name === undefined && sharing.length < environments.length) {
    throw new AppError(
      'INVALID_INPUT',
      'there are several clusters: end the path with the name of an environment of this one',
    );
  }
  return sharing[0]?.name ?? named.name;
}

function isSame({ cluster: one }: Place, { cluster: other }: Place): boolean {
  return one.kubeconfig === other.kubeconfig && one.context === other.context;
}
