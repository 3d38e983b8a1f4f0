import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { type Authorship, authorsOf, isPerson } from '../drift/decide/author.ts';
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

/** Authors by their names of the configuration; whoever is in no entry as Slack would call them, too. */
export function withNames({ author, authors }: Authorship, people: readonly Person[]): Authorship {
  const nameOf = (user: string) => personCalled(user, people)?.name ?? asAddress(user);
  const isUnlisted =
    author !== undefined &&
    isPerson(author) &&
    !author.includes('@') &&
    personCalled(author, people) === undefined;
  return {
    ...(author !== undefined && { author: nameOf(author) }),
    ...(isUnlisted && { isAuthorUnlisted: true }),
    ...(authors && { authors: [...new Set(authors.map(nameOf))] }),
  };
}

function personCalled(user: string, people: readonly Person[]): Person | undefined {
  if (!isPerson(user)) return undefined;
  const address = asAddress(user);
  return people.find(({ name, email, kubernetesUser }) =>
    kubernetesUser === undefined
      ? user === name || address === email?.toLowerCase()
      : address === asAddress(kubernetesUser),
  );
}

/** E-mail addresses are written in any case, and people who are in no entry go by theirs in small letters. */
function asAddress(user: string): string {
  return user.includes('@') ? user.toLowerCase() : user;
}
