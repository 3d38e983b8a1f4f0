import type { Filter, Unit } from '../clients/confighub/index.ts';
import { parseManifests } from '../desired/manifests.ts';
import type { CorrectionScope, UnitResult } from '../drift/decide/command-run.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import { kindKey, watchedKinds } from './analyse-environment.ts';
import { ensureChangeSet, FILTER_LABEL } from './change-sets.ts';
import type { CommandActivities, DriftedUnit } from './command-types.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import type { Heartbeat } from './heartbeat.ts';
import { inspect } from './inspect.ts';
import { environmentOfSpace, toUnitRef } from './unit-lineage.ts';
import { unitResultOf } from './unit-result.ts';

/** Units that are compared for one page: few enough for the time-out of a read and for a payload of some 20 KiB. */
const PAGE_SIZE = 25;
/** Drifted objects of one unit; the apply that fixes these fixes the others too. */
const MAX_DRIFTS = 20;
/** A run may hand over to a fresh history while it is asked: then its successor is asked. */
const MAX_TRIES = 3;

/** Finds drifted units that a Filter selects, and has each drift's own run deal with it now. */
export function createCorrectionActivities(
  deps: ActivityDeps,
  heartbeat: () => Heartbeat,
): Pick<CommandActivities, 'selectCorrections' | 'openCorrection' | 'correctUnit'> {
  const { hub } = deps;
  return {
    async selectCorrections({ scope, after }) {
      const selected = await selectUnits(deps, scope);
      const left = selected.filter(({ unitId }) => after === undefined || unitId > after);
      const page = left.slice(0, PAGE_SIZE);
      const units: DriftedUnit[] = [];
      for (const unit of page) {
        const drifted = await driftsOf(deps, unit);
        if (drifted) units.push(drifted);
      }
      const next = left.length > page.length ? page.at(-1)?.unitId : undefined;
      return { units, looked: page.length, ...(next !== undefined && { next }) };
    },

    async openCorrection({ episodeId: runId, scope, startedAt }) {
      const filter = await findFilter(deps, scope.filter);
      const { filterId, spaceId, spaceSlug } = filter;
      const slug = `correct-${runId}`;
      const opened = await ensureChangeSet(hub, spaceId, {
        ...{ slug, filterId, writes: true },
        displayName: `Drift Corrections - ${startedAt.slice(0, 16).replace('T', ' ')}`,
        description: `Automated drift corrections of what ${spaceSlug}/${filter.slug} selects`,
        labels: { [FILTER_LABEL]: filterId },
      });
      return { ...opened, name: `${spaceSlug}/${slug}` };
    },

    async correctUnit(input) {
      using beat = heartbeat();
      const { episodeId: runId, unit } = input;
      const reports = await Promise.all(
        unit.drifts.map(({ ref }) => correctDrift(deps, input, ref, beat.signal)),
      );
      const result: UnitResult = {
        environment: unit.environment,
        unit: `${unit.unit.space}/${unit.unit.slug}`,
        ...unitResultOf(reports),
      };
      await deps.store.commandRuns.addResults(runId, [result], new Date().toISOString());
      return result;
    },
  };
}

/** Several attempts of one step are one request: its id is made of the run and the resource. */
async function correctDrift(
  { correctDrift: request, store }: ActivityDeps,
  { episodeId: runId, changeSet, requestedBy }: Parameters<CommandActivities['correctUnit']>[0],
  ref: ResourceRef,
  signal: AbortSignal,
) {
  for (let number = 1; ; number += 1) {
    const report = await request(ref, { runId, number, changeSet, requestedBy }, signal);
    if (report.kind === 'again' && number < MAX_TRIES) continue;
    if (report.kind !== 'gone') return report;
    // An earlier attempt of this step may have had it fixed, and died before it could say so.
    const [latest] = await store.episodes.listFor(ref, 1);
    const run = await store.commandRuns.find(runId);
    const isOurs = latest?.endedAt !== undefined && run && latest.endedAt >= run.startedAt;
    if (!isOurs || latest.outcome !== 'fixed') return report;
    return { ...report, kind: 'fixed' as const, message: latest.message ?? report.message };
  }
}

/** The Filter's units that feed an environment in scope, in an order that stays. */
async function selectUnits(deps: ActivityDeps, scope: CorrectionScope): Promise<readonly Unit[]> {
  const { filter, space, environment } = scope;
  if (environment !== undefined) environmentOf(deps, environment);
  if (space !== '*' && !(await deps.hub.findSpace(space))) {
    throw new AppError('NOT_FOUND', `there is no space ${space}`);
  }
  const { filterId } = await findFilter(deps, filter);
  const units = await deps.hub.listUnits({ filter: filterId, detail: 'summary' });
  return units
    .filter((one) => {
      const feeds = environmentOfSpace(deps, one.spaceSlug)?.config.name;
      if (feeds === undefined || (space !== '*' && one.spaceSlug !== space)) return false;
      return environment === undefined || feeds === environment;
    })
    .toSorted((a, b) => (a.unitId < b.unitId ? -1 : 1));
}

/** By slug, looked for first in the space that holds the Filters of policies, or by `space/slug`. */
async function findFilter({ hub, config }: ActivityDeps, name: string): Promise<Filter> {
  const [space, slug] = name.includes('/') ? name.split('/', 2) : [undefined, name];
  const named = (await hub.listFilters()).filter(
    (one) => one.from === 'Unit' && one.slug === slug && (!space || one.spaceSlug === space),
  );
  const preferred = named.filter((one) => one.spaceSlug === config.confighub.filtersSpace);
  const found = preferred.length > 0 ? preferred : named;
  const [filter, ...others] = found;
  if (!filter) throw new AppError('NOT_FOUND', `there is no Filter ${name} over units`);
  if (others.length > 0) {
    const candidates = found.map((one) => `${one.spaceSlug}/${one.slug}`).join(' or ');
    const repair = 'Name the space too: `space/filter`.';
    throw new AppError('AMBIGUOUS', `${name} may mean ${candidates}`, { details: { repair } });
  }
  return filter;
}

/** The unit's watched objects that drift; undefined when none does. A unit that cannot be read is named with the reason. */
async function driftsOf(deps: ActivityDeps, unit: Unit): Promise<DriftedUnit | undefined> {
  const parts = environmentOfSpace(deps, unit.spaceSlug);
  if (!parts) return undefined;
  const about = { unit: toUnitRef(unit), environment: parts.config.name };
  try {
    const watched = await watchedKinds(parts, deps.config.resources);
    const drifts: DriftedUnit['drifts'][number][] = [];
    const objects = await parts.source.ofUnit(unit);
    // A unit that declares nothing says why when its text is read.
    if (objects.length === 0) parseManifests(await deps.hub.readData(unit), unit.slug);
    for (const { ref } of objects) {
      if (!watched.has(kindKey(ref))) continue;
      const inspection = await inspect(deps, ref);
      if (!inspection || inspection.comparison.changes.length === 0) continue;
      drifts.push({ ref, diffDigest: inspection.diffDigest });
    }
    return drifts.length === 0 ? undefined : { ...about, drifts: drifts.slice(0, MAX_DRIFTS) };
  } catch (error) {
    const known = fromUnknown(error);
    if (known.retryable) throw error;
    return { ...about, drifts: [], unreadable: known.message };
  }
}
