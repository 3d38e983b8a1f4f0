import { type Authorship, authorsOf, isPerson } from '../drift/author.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import type { Person } from '../lib/config.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import type { Inspection } from './inspect.ts';

/**
 * Who made a difference, as far as the audit log has told by now: nobody waits for it. People are called by their names of the
 * configuration, so that their approvals can be told apart. Nothing without an audit log.
 */
export async function authorshipOf(
  deps: Pick<ActivityDeps, 'config' | 'store' | 'environments'>,
  { desired: { ref }, live, comparison }: Inspection,
): Promise<Authorship> {
  const { config, store } = deps;
  if (config.audit.token === undefined) return {};
  const discovery = await environmentOf(deps, ref.environment).cluster.discover();
  const writes = await store.auditWrites.listFor(
    clusterNameOf(config.environments, ref.environment),
    {
      group: ref.group,
      resource: discovery.resolveKind(ref).plural,
      namespace: ref.namespace,
      name: ref.name,
    },
  );
  const found = authorsOf(comparison.changes, writes, {
    appliers: config.appliers,
    resourceVersion: live?.metadata.resourceVersion ?? '',
  });
  return withNames(found, config.people);
}

function withNames({ author, authors }: Authorship, people: readonly Person[]): Authorship {
  const nameOf = (user: string) => personCalled(user, people)?.name ?? user;
  return {
    ...(author !== undefined && { author: nameOf(author) }),
    ...(authors && { authors: [...new Set(authors.map(nameOf))] }),
  };
}

function personCalled(user: string, people: readonly Person[]): Person | undefined {
  if (!isPerson(user)) return undefined;
  return people.find(({ name, email, kubernetesUser }) =>
    kubernetesUser === undefined ? user === name || user === email : user === kubernetesUser,
  );
}
