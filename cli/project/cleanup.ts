import type { ConfigHub, Space } from '../../clients/confighub/index.ts';
import { equals } from '../../clients/confighub/where.ts';
import type { KubernetesClient } from '../../clients/kubernetes/index.ts';
import { parseManifests } from '../../desired/manifests.ts';
import { INSTALLED_BY } from '../../examples/acorn-bear/install.ts';
import { AppError } from '../../lib/errors.ts';
import type { Project } from '../project.ts';
import { WORKER_NAMESPACE, workerSecretName } from './worker.ts';

/** Unit that declares the namespace of a space's objects. */
const NAMESPACE_UNIT = 'namespace';

type CleanupOptions = {
  /** Whether the person says yes to the list that was printed. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Whether they want the cluster cleaned, too; only asked where something was applied. */
  readonly wantsCluster: (question: string) => Promise<boolean>;
};

/**
 * Takes away what `install`, its parts and `up` made, and nothing else: spaces by their label; if wanted, the namespaces that their
 * units made, with all in them. Lists it first, and says what stays. FORBIDDEN where nobody says yes.
 */
export async function runCleanup(project: Project, options: CleanupOptions): Promise<void> {
  const { hub, prefix, dryRun, say } = project;
  const all = await hub.listSpaces(equals('Labels.project', prefix));
  const spaces = all.filter(isInstalled);
  if (spaces.length === 0) {
    say(`nothing of ${prefix} is installed`);
    return;
  }
  const names = await filledNamespaces(hub, spaces);
  const verb = dryRun ? 'would delete' : 'to be deleted:';
  for (const space of spaces) {
    const units = await hub.listUnits({ space: space.spaceId, detail: 'state' });
    say(`${verb} space ${space.slug} with ${units.length} units`);
  }
  const cleansCluster =
    names.length > 0 &&
    (await options.wantsCluster(
      `Delete from the cluster, too, with all that is in them: the namespaces ${names.join(', ')}?`,
    ));
  if (cleansCluster) {
    for (const name of names) say(`${verb} namespace ${name} with all that is in it`);
  }
  if (!dryRun) {
    if (!(await options.confirm(`Delete this? It cannot be taken back.`))) {
      throw new AppError('FORBIDDEN', 'nothing was deleted: nobody said yes (--yes says it)');
    }
    if (cleansCluster) await cleanCluster(project, names, spaces);
    for (const space of spaces) {
      await hub.deleteSpace(space.spaceId);
      say(`space ${space.slug} deleted`);
    }
  }
  const others = all.filter((space) => !isInstalled(space));
  for (const line of whatStays({ names, cleansCluster, others })) say(line);
}

function isInstalled({ labels }: Space): boolean {
  return Object.entries(INSTALLED_BY).every(([label, value]) => labels[label] === value);
}

/** Namespaces that a unit of the spaces declares and that were applied. */
async function filledNamespaces(
  hub: ConfigHub,
  spaces: readonly Space[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const space of spaces) {
    const unit = await hub.findUnit(space.spaceId, NAMESPACE_UNIT);
    if (unit === undefined || unit.lastAppliedRevision === 0) continue;
    for (const { kind, metadata } of parseManifests(await hub.readData(unit), unit.slug)) {
      if (kind === 'Namespace') found.push(metadata.name);
    }
  }
  return found;
}

function whatStays(about: {
  readonly names: readonly string[];
  readonly cleansCluster: boolean;
  readonly others: readonly Space[];
}): readonly string[] {
  const { names, cleansCluster, others } = about;
  const lines: string[] = [];
  if (others.length > 0) {
    const slugs = others.map((space) => space.slug).join(', ');
    lines.push(`stays: the spaces ${slugs}, which no installation made`);
  }
  if (names.length === 0) return lines;
  if (cleansCluster) {
    lines.push(
      `left alone in the cluster: a ClusterRole realign and a namespace ${WORKER_NAMESPACE}, which other installations share`,
    );
  } else {
    const list = names.join(' ');
    lines.push(
      `still in the cluster, and ConfigHub does not know of it any more: the namespaces ${names.join(', ')} (kubectl delete namespace ${list})`,
    );
  }
  return lines;
}

async function cleanCluster(
  { cluster: open, say }: Project,
  namespaces: readonly string[],
  spaces: readonly Space[],
): Promise<void> {
  const cluster = await open();
  try {
    for (const space of spaces) await deleteWorkerSecret(cluster, space);
    for (const name of namespaces) {
      await deleteBinding(cluster, name);
      const place = { group: '', version: 'v1', kind: 'Namespace', namespace: '', name };
      say(`namespace ${name} ${(await cluster.delete(place)) ? 'deleted' : 'was gone already'}`);
    }
  } finally {
    cluster.close();
  }
}

/** The one thing outside its namespace that bears the name of a Realign's installation; another's of that name stays. */
async function deleteBinding(cluster: KubernetesClient, name: string): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const place = { group, version: 'v1', kind: 'ClusterRoleBinding', namespace: '', name };
  const found = await cluster.get(place);
  if (found?.metadata.labels?.['app.kubernetes.io/name'] === 'realign') await cluster.delete(place);
}

/** What `setup-worker` put there for the worker of the space: it opens nothing any more. */
async function deleteWorkerSecret(cluster: KubernetesClient, space: Space): Promise<void> {
  const name = workerSecretName(space);
  await cluster.delete({
    ...{ group: '', version: 'v1', kind: 'Secret' },
    ...{ namespace: WORKER_NAMESPACE, name },
  });
}
