import type { ConfigHub, Labels, Space, UnitResult } from '../../clients/confighub/index.ts';
import {
  allOf,
  equals,
  isIn,
  lessThanAttribute,
  type Where,
} from '../../clients/confighub/where.ts';
import { AppError } from '../../lib/errors.ts';
import { baseUnits, FILTERS, namespaceUnit } from './units.ts';

export type InstallOptions = {
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
 * Installs the example: `<prefix>-base`, a space for each environment cloned level by level, `<prefix>-filters`; then applies
 * every unit that is not live and waits. Running it again only adds what is missing.
 */
export async function installAcornBear(
  hub: ConfigHub,
  { prefix = 'acorn-bear', environments, signal }: InstallOptions,
): Promise<Installed> {
  const base = await installBase(hub, prefix);
  const installed = await installEnvironments(hub, prefix, environments);
  for (const { spaceId } of installed) await applyAll(hub, spaceId, 'new', signal);
  const spaceIds = [base, ...installed].map((one) => one.spaceId);
  const units = await hub.listUnits({ where: isIn('SpaceID', spaceIds), detail: 'state' });
  return { spaces: spaceIds.length + 1, units: units.length, filters: FILTERS.length };
}

/** Label of every space that an installation made: what may be removed again. */
export const INSTALLED_BY: Labels = { 'installed-by': 'realign' };

/** The base space with its units, and the space of the filters; only adds what is missing. */
export async function installBase(hub: ConfigHub, prefix: string): Promise<Space> {
  const base = await projectSpace(hub, prefix, 'base', { environment: 'base', base: 'true' });
  await fillBase(hub, base);
  await ensureFilters(hub, await projectSpace(hub, prefix, 'filters', { type: 'filters' }));
  return base;
}

/** A space for each environment, cloned from the one before, the first from `<prefix>-base`. NOT_FOUND without that. */
export async function installEnvironments(
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
    const destination = await projectSpace(hub, prefix, environment, { environment });
    await fillEnvironment(hub, { upstream, destination, environment });
    installed.push(destination);
    upstream = destination;
  }
  return installed;
}

function projectSpace(
  hub: ConfigHub,
  prefix: string,
  name: string,
  labels: Labels,
): Promise<Space> {
  return ensureSpace(hub, `${prefix}-${name}`, { project: prefix, ...INSTALLED_BY, ...labels });
}

async function fillBase(hub: ConfigHub, base: Space): Promise<void> {
  const present = await slugsIn(hub, base);
  for (const unit of baseUnits()) {
    if (!present.has(unit.slug)) await hub.createUnit(base.spaceId, unit);
  }
}

type Step = { readonly upstream: Space; readonly destination: Space; readonly environment: string };

async function fillEnvironment(hub: ConfigHub, step: Step): Promise<void> {
  const { upstream, destination, environment } = step;
  const namespace = destination.slug;
  const targetId = await ensureTarget(hub, destination, namespace);
  const present = await slugsIn(hub, destination);
  const labels = reviewLabels(environment);
  if (!present.has('namespace')) {
    const unit = namespaceUnit(namespace, withoutNulls({ environment, ...labels }));
    await hub.createUnit(destination.spaceId, { ...unit, targetId });
  }
  const missing = [...(await slugsIn(hub, upstream))].filter(
    (slug) => slug !== 'namespace' && !present.has(slug),
  );
  if (missing.length === 0) return;
  const results = await hub.cloneUnits(
    allOf(equals('SpaceID', upstream.spaceId), isIn('Slug', missing)),
    {
      spaces: equals('SpaceID', destination.spaceId),
      labels: { environment, ...labels },
      targetId,
    },
  );
  refuseFailures(results);
}

/** Development puts itself right; what comes after it is for people to decide. A clone must not keep its upstream's label. */
function reviewLabels(environment: string): Readonly<Record<string, string | null>> {
  return environment === 'dev'
    ? { 'auto-correctable': 'true', 'requires-approval': null }
    : { 'auto-correctable': null, 'requires-approval': 'true' };
}

async function ensureSpace(hub: ConfigHub, slug: string, labels: Labels): Promise<Space> {
  return (await hub.findSpace(slug)) ?? (await hub.createSpace({ slug, labels }));
}

async function ensureTarget(hub: ConfigHub, space: Space, namespace: string): Promise<string> {
  const targets = await hub.listTargets(space.spaceId);
  const present = targets.find((one) => one.parameters.KubeNamespace === namespace);
  const target =
    present ??
    (await hub.createTarget(space.spaceId, {
      slug: 'cluster',
      parameters: { KubeNamespace: namespace },
    }));
  await hub.releaseTo(space.spaceId, target.targetId);
  return target.targetId;
}

async function ensureFilters(hub: ConfigHub, space: Space): Promise<void> {
  const present = new Set((await hub.listFilters(space.spaceId)).map((filter) => filter.slug));
  for (const { slug, where } of FILTERS) {
    if (!present.has(slug)) await hub.createFilter(space.spaceId, { slug, from: 'Unit', where });
  }
}

async function slugsIn(hub: ConfigHub, space: Space): Promise<ReadonlySet<string>> {
  const units = await hub.listUnits({ space: space.spaceId, detail: 'state' });
  return new Set(units.map((unit) => unit.slug));
}

/**
 * Applies what never was live, or also what changed since; the namespace first, nothing else can be written without it.
 * Answers how many units.
 */
export async function applyAll(
  hub: ConfigHub,
  spaceId: string,
  which: 'new' | 'changed',
  signal: AbortSignal | undefined,
): Promise<number> {
  const state =
    which === 'new'
      ? equals('LiveRevisionNum', 0)
      : lessThanAttribute('LiveRevisionNum', 'HeadRevisionNum');
  const behind = allOf(equals('SpaceID', spaceId), state);
  const first = await applyWhere(hub, allOf(behind, equals('Slug', 'namespace')), signal);
  return first + (await applyWhere(hub, behind, signal));
}

async function applyWhere(
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
