import type { ConfigHub, Space } from '../clients/confighub/index.ts';
import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { installBase } from '../examples/acorn-bear/install.ts';
import { AppError } from '../lib/errors.ts';
import { environmentSteps, installSteps } from './project/environments.ts';
import { installOwnBase, installOwnEnvironments, ownSlug } from './project/own-install.ts';

/** What the project commands share: each may be run again, and with `dryRun` only says what it would do. */
export type Project = {
  readonly hub: ConfigHub;
  /** Of ConfigHub, as it was configured. */
  readonly url: string;
  /** The person's own way into the cluster, opened only by commands that change it. The caller closes it. */
  readonly cluster: () => Promise<KubernetesClient>;
  /** First part of every space's slug, e.g. `acorn-bear`. */
  readonly prefix: string;
  readonly dryRun: boolean;
  /** One line for people. */
  readonly say: (line: string) => void;
};

/** The base spaces: the example's units, Realign's own manifests; beside them the spaces of Filters and of recorded drifts. */
export async function runInstallBase({ hub, prefix, dryRun, say }: Project): Promise<void> {
  if (dryRun) {
    for (const slug of [
      ...['base', 'filters', 'drifts'].map((name) => `${prefix}-${name}`),
      ownSlug(prefix, 'base'),
    ]) {
      say(`${(await hub.findSpace(slug)) ? 'would complete' : 'would create'} space ${slug}`);
    }
    return;
  }
  for (const space of [await installBase(hub, prefix), await installOwnBase(hub, prefix)]) {
    await sayUnits({ hub, say }, space);
  }
}

/** A space for each environment, cloned level by level, and another for the Realign that watches it. */
export async function runInstallEnvs(
  { hub, prefix, url, dryRun, say }: Project,
  { withRegions }: { readonly withRegions: boolean },
): Promise<void> {
  const steps = environmentSteps(withRegions);
  if (dryRun) {
    for (const { name } of steps) {
      say(`would clone into spaces ${prefix}-${name} and ${ownSlug(prefix, name)}`);
    }
    return;
  }
  const installed = await installSteps(hub, prefix, steps);
  const own = await installOwnEnvironments(hub, prefix, { steps, url });
  for (const space of [...installed, ...own]) {
    await sayUnits({ hub, say }, space);
    if ((await hub.listTargets(space.spaceId)).length > 0) continue;
    say(`space ${space.slug} has no worker to apply it: run setup-worker`);
  }
}

async function sayUnits({ hub, say }: Pick<Project, 'hub' | 'say'>, space: Space): Promise<void> {
  const units = await hub.listUnits({ space: space.spaceId, detail: 'state' });
  say(`space ${space.slug} has ${units.length} units`);
}

/** The space of an environment. NOT_FOUND, saying which commands make it. */
export async function requireSpace(
  hub: ConfigHub,
  prefix: string,
  environment: string,
): Promise<Space> {
  const slug = `${prefix}-${environment}`;
  const found = await hub.findSpace(slug);
  if (found !== undefined) return found;
  throw new AppError('NOT_FOUND', `there is no space ${slug}: run install-base and install-envs`);
}
