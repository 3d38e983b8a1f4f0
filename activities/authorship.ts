import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { type Authorship, authorsOf, isPerson } from '../drift/author.ts';
import type { FieldChange } from '../drift/field-change.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import type { Config, Person } from '../lib/config.ts';
import type { Store } from '../store/types.ts';

export type AuthorshipDeps = {
  readonly config: Pick<Config, 'audit' | 'environments' | 'appliers' | 'people'>;
  readonly auditWrites: Pick<Store['auditWrites'], 'listFor'>;
  readonly cluster: Pick<KubernetesClient, 'discover'>;
};

type Difference = {
  readonly ref: ResourceRef;
  readonly live: KubeObject | undefined;
  readonly changes: readonly FieldChange[];
};

/**
 * Who made a difference, as far as the audit log has told by now: nobody waits for it. People are called by their names of the
 * configuration, so that their approvals can be told apart. Nothing without an audit log.
 */
export async function authorshipOf(
  { config, auditWrites, cluster }: AuthorshipDeps,
  { ref, live, changes }: Difference,
): Promise<Authorship> {
  if (config.audit.token === undefined) return {};
  const discovery = await cluster.discover();
  const writes = await auditWrites.listFor(clusterNameOf(config.environments, ref.environment), {
    group: ref.group,
    resource: discovery.resolveKind(ref).plural,
    namespace: ref.namespace,
    name: ref.name,
  });
  const found = authorsOf(changes, writes, {
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
