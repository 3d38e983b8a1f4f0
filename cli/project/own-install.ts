import type { ConfigHub, Space } from '../../clients/confighub/index.ts';
import { cloneMissing, ensureTarget, projectSpace } from '../../examples/acorn-bear/install.ts';
import { AppError } from '../../lib/errors.ts';
import type { EnvironmentStep } from './environments.ts';
import { placed } from './own-place.ts';
import { OWN_UNITS, ownUnits } from './own-units.ts';

/** Between the project's prefix and the environment in the slugs of the spaces that hold Realign itself. */
const OWN = 'drift-detector';

/** Slug of the space that holds the Realign of an environment, and the name of its namespace. */
export function ownSlug(prefix: string, environment: string): string {
  return `${prefix}-${OWN}-${environment}`;
}

/** The space of Realign's own units; only adds what is missing. */
export async function installOwnBase(hub: ConfigHub, prefix: string): Promise<Space> {
  const base = await ownSpace(hub, prefix, 'base', { environment: 'base', base: 'true' });
  const present = new Set(
    (await hub.listUnits({ space: base.spaceId, detail: 'state' })).map((unit) => unit.slug),
  );
  for (const unit of ownUnits()) {
    if (!present.has(unit.slug)) await hub.createUnit(base.spaceId, unit);
  }
  return base;
}

/**
 * A space for each environment, cloned along the chain and fitted to its place: a Realign that watches that environment. NOT_FOUND
 * without the base.
 */
export async function installOwnEnvironments(
  hub: ConfigHub,
  prefix: string,
  { steps, url }: { readonly steps: readonly EnvironmentStep[]; readonly url: string },
): Promise<readonly Space[]> {
  const installed: Space[] = [];
  for (const { name, from, labels } of steps) {
    const slug = ownSlug(prefix, from);
    const upstream = await hub.findSpace(slug);
    if (!upstream) throw new AppError('NOT_FOUND', `there is no space ${slug}: run install-base`);
    const destination = await ownSpace(hub, prefix, name, labels);
    const target = await ensureTarget(hub, destination, destination.slug);
    await cloneMissing(hub, { upstream, destination, labels, ...target });
    await fitTo(hub, destination, {
      namespace: destination.slug,
      environment: name,
      watched: `${prefix}-${name}`,
      filtersSpace: `${prefix}-filters`,
      url,
    });
    installed.push(destination);
  }
  return installed;
}

/** Only what is as it was cloned: whatever people changed since is theirs. */
async function fitTo(
  hub: ConfigHub,
  space: Space,
  place: Parameters<typeof placed>[2],
): Promise<void> {
  for (const slug of OWN_UNITS) {
    const unit = await hub.findUnit(space.spaceId, slug);
    if (unit === undefined || unit.headRevision > 1) continue;
    const before = await hub.readData(unit);
    const data = placed(slug, before, place);
    if (data === before) continue;
    await hub.writeData(unit, data, { changeDescription: `Fitted to ${place.environment}` });
  }
}

function ownSpace(
  hub: ConfigHub,
  prefix: string,
  name: string,
  labels: Parameters<typeof projectSpace>[3],
): Promise<Space> {
  return projectSpace(hub, prefix, `${OWN}-${name}`, { ...labels, app: OWN });
}
