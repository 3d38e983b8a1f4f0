import type { ConfigHub, Labels, Space, UnitResult } from '../../clients/confighub/index.ts';
import { allOf, equals, isIn, type Where } from '../../clients/confighub/where.ts';
import { AppError } from '../../lib/errors.ts';
import { ensureDriftSets, ensureFilters, ensureServiceSet, FILTERS } from './groups.ts';
import { baseUnits, namespaceUnit } from './units.ts';

type InstallOptions = {
  /** First part of every space's slug and of the namespaces. */
  readonly prefix?: string;
  /** In the order of promotion; each is cloned from the one before, the first from `base`. */
  readonly environments: readonly string[];
  readonly signal?: AbortSignal;
};

export type Installed = {
  readonly spaces: number;
  readonly units: number;
  readonly filters: number;
};

const APPLY_TIMEOUT_MS = 180_000;

/**
 * Installs the example: `<prefix>-base`, a space for each environment cloned level by level, `<prefix>-filters` and `<prefix>-drifts`; then applies
 * every unit that is not live and waits. Running it again only adds what is missing.
 */
export async function installAcornBear(
  hub: ConfigHub,
  { prefix = 'acorn-bear', environments, signal }: InstallOptions,
): Promise<Installed> {
  const base = await installBase(hub, prefix);
  const installed = await installEnvironments(hub, prefix, environments);
  for (const { spaceId } of installed) await applyNew(hub, spaceId, signal);
  const spaceIds = [base, ...installed].map((one) => one.spaceId);
  const units = await hub.listUnits({ where: isIn('SpaceID', spaceIds), detail: 'state' });
  return { spaces: spaceIds.length + 2, units: units.length, filters: FILTERS.length };
}

/** Label of every space that an installation, or `realign up`, made: what may be removed again. */
export const INSTALLED_BY: Labels = { 'installed-by': 'realign' };

/** The base space with its units, and the spaces of the filters and of recorded drifts; only adds what is missing. */
export async function installBase(hub: ConfigHub, prefix: string): Promise<Space> {
  const base = await projectSpace(hub, prefix, 'base', { environment: 'base', base: 'true' });
  await fillBase(hub, base);
  await ensureFilters(hub, await projectSpace(hub, prefix, 'filters', { type: 'filters' }));
  await ensureDriftSets(hub, await projectSpace(hub, prefix, 'drifts', { type: 'drifts' }));
  return base;
}

/** A space for each environment, cloned from the one before, the first from `<prefix>-base`. NOT_FOUND without that. */
async function installEnvironments(
  hub: ConfigHub,
  prefix: string,
  environments: readonly string[],
): Promise<readonly Space[]> {
  const base = await hub.findSpace(`${prefix}-base`);
  if (base === undefined) {
    throw new AppError('NOT_FOUND', `there is no space ${prefix}-base: run install-base first`);
  }
  let upstream = base;
  const installed: Space[] = [];
  for (const environment of environments) {
    const labels = { environment };
    upstream = await installEnvironment(hub, prefix, { name: environment, upstream, labels });
    installed.push(upstream);
  }
  return installed;
}

/** The space `<prefix>-<name>` with these labels, cloned from `upstream`; the labels go onto its units too. */
export async function installEnvironment(
  hub: ConfigHub,
  prefix: string,
  step: { readonly name: string; readonly upstream: Space; readonly labels: EnvironmentLabels },
): Promise<Space> {
  const destination = await projectSpace(hub, prefix, step.name, step.labels);
  await fillEnvironment(hub, { ...step, destination });
  return destination;
}

type EnvironmentLabels = Labels & { readonly environment: string };

/**
 * A space of the project. One that is made here says so, and `cleanup` removes it; one that was there is given the labels that it
 * lacks, and stays.
 */
export async function projectSpace(
  hub: ConfigHub,
  prefix: string,
  name: string,
  labels: Labels,
): Promise<Space> {
  const slug = `${prefix}-${name}`;
  const wanted: Labels = { project: prefix, ...labels };
  const present = await hub.findSpace(slug);
  if (!present) return hub.createSpace({ slug, labels: { ...wanted, ...INSTALLED_BY } });
  const missing = Object.entries(wanted).filter(([label]) => !(label in present.labels));
  if (missing.length === 0) return present;
  return hub.labelSpace(present.spaceId, Object.fromEntries(missing));
}

async function fillBase(hub: ConfigHub, base: Space): Promise<void> {
  const present = await slugsIn(hub, base);
  for (const unit of baseUnits()) {
    if (!present.has(unit.slug)) await hub.createUnit(base.spaceId, unit);
  }
}

type Step = {
  readonly upstream: Space;
  readonly destination: Space;
  readonly labels: EnvironmentLabels;
};

async function fillEnvironment(hub: ConfigHub, step: Step): Promise<void> {
  const { upstream, destination } = step;
  const namespace = destination.slug;
  const target = await ensureTarget(hub, destination, namespace);
  const labels = { ...step.labels, ...reviewLabels(step.labels.environment) };
  if (!(await slugsIn(hub, destination)).has('namespace')) {
    const unit = namespaceUnit(namespace, withoutNulls(labels));
    await hub.createUnit(destination.spaceId, { ...unit, ...target });
  }
  await cloneMissing(hub, { upstream, destination, labels, ...target });
  await ensureServiceSet(hub, destination);
}

/** Clones the units of `upstream` that `destination` has not. Answers their slugs. */
export async function cloneMissing(
  hub: ConfigHub,
  step: {
    readonly upstream: Space;
    readonly destination: Space;
    readonly labels: Readonly<Record<string, string | null>>;
    readonly targetId?: string;
  },
): Promise<readonly string[]> {
  const { upstream, destination, ...copies } = step;
  const present = await slugsIn(hub, destination);
  const missing = [...(await slugsIn(hub, upstream))].filter((slug) => !present.has(slug));
  if (missing.length === 0) return [];
  const results = await hub.cloneUnits(
    allOf(equals('SpaceID', upstream.spaceId), isIn('Slug', missing)),
    { spaces: equals('SpaceID', destination.spaceId), ...copies },
  );
  refuseFailures(results);
  return missing;
}

/** Development puts itself right; what comes after it is for people to decide. A clone must not keep its upstream's label. */
function reviewLabels(environment: string): Readonly<Record<string, string | null>> {
  return environment === 'dev'
    ? { 'auto-correctable': 'true', 'requires-approval': null }
    : { 'auto-correctable': null, 'requires-approval': 'true' };
}

/**
 * The target of a space's units: that namespace of its cluster. Releases of the space go there too. Nothing where the space has
 * no worker that could reach a cluster: `setup-worker` gives it one.
 */
export async function ensureTarget(
  hub: ConfigHub,
  space: Space,
  namespace: string,
): Promise<{ readonly targetId?: string }> {
  const targets = await hub.listTargets(space.spaceId);
  const present = targets.find((one) => one.parameters.KubeNamespace === namespace);
  if (!present && (await hub.listWorkers(space.spaceId)).length === 0) return {};
  const { targetId } =
    present ??
    (await hub.createTarget(space.spaceId, {
      slug: 'cluster',
      parameters: { KubeNamespace: namespace },
    }));
  await hub.releaseTo(space.spaceId, targetId);
  return { targetId };
}

async function slugsIn(hub: ConfigHub, space: Space): Promise<ReadonlySet<string>> {
  const units = await hub.listUnits({ space: space.spaceId, detail: 'state' });
  return new Set(units.map((unit) => unit.slug));
}

/** Applies what never was live; the namespace first, nothing else can be written without it. */
export async function applyNew(
  hub: ConfigHub,
  spaceId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fresh = allOf(equals('SpaceID', spaceId), equals('LiveRevisionNum', 0));
  await applyWhere(hub, allOf(fresh, equals('Slug', 'namespace')), signal);
  await applyWhere(hub, fresh, signal);
}

/** Applies every selected unit and waits. Answers how many. */
export async function applyWhere(
  hub: ConfigHub,
  where: Where,
  signal: AbortSignal | undefined,
): Promise<number> {
  const started = await hub.applyUnits(where);
  await Promise.all(
    started.map(async (one) => {
      if (!one.ok) throw new AppError('APPLY_FAILED', one.message);
      const options = { timeoutMs: APPLY_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
      await hub.waitForOperation(one, one.operationId, options);
    }),
  );
  return started.length;
}

function refuseFailures(results: readonly UnitResult[]): void {
  for (const result of results) {
    if (!result.ok) throw new AppError('CONFIGHUB_REFUSED', `not cloned: ${result.message}`);
  }
}

function withoutNulls(labels: Readonly<Record<string, string | null>>): Labels {
  const kept: [string, string][] = [];
  for (const [key, value] of Object.entries(labels)) if (value !== null) kept.push([key, value]);
  return Object.fromEntries(kept);
}
