import { stringify } from 'yaml';
import type { Space, Unit, UnitPatch } from '../clients/confighub/index.ts';
import { DRIFT_SETS } from '../drift/decide/drift-set.ts';
import { type DriftUnit, driftUnitOf } from '../drift/decide/drift-unit.ts';
import { type ResourceRef, resourceKey } from '../drift/resource-ref.ts';
import { sha256 } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import type { ActivityDeps } from './deps.ts';
import type { Activities } from './types.ts';

/** ConfigHub allows 128 characters of the letters, digits, `-` and `_` that all its generations take. */
const MAX_SLUG_CHARS = 128;
const HASH_CHARS = 10;

/**
 * Keeps a ConfigHub unit for the newest drift of a resource, so that fleets can be queried with ConfigHub's own filters. Each
 * execution writes what Postgres says now: repeated or late ones do no harm, and one run for each resource keeps them in order.
 */
export function createDriftUnitActivities(
  deps: Pick<ActivityDeps, 'config' | 'hub' | 'store'>,
): Pick<Activities, 'recordDrift'> {
  const { hub, store } = deps;
  return {
    async recordDrift({ ref }) {
      const [episode] = await store.episodes.listFor(ref, 1);
      if (!episode?.finding) return;
      const slug = slugOf(ref);
      const wanted = driftUnitOf(episode, episode.finding, slug);
      const space = await ensureSpace(deps, deps.config.drift.space);
      const setId = wanted.set === undefined ? null : await ensureSet(deps, space, wanted.set);
      const data = stringify(wanted.manifest);
      const unit =
        (await hub.findUnit(space.spaceId, slug)) ??
        (await hub.createUnit(space.spaceId, {
          ...{ slug, data, labels: present(wanted.labels) },
          changeDescription: wanted.description,
        }));
      await bringUpToDate(deps, unit, { ...wanted, setId, data });
    },
  };
}

/** Stable for a resource, readable, and different for any two of them. */
function slugOf(ref: ResourceRef): string {
  const readable = [ref.environment, ref.kind, ref.namespace, ref.name]
    .filter((part) => part !== '')
    .join('-')
    .replaceAll(/[^A-Za-z0-9_-]/g, '-');
  const hash = sha256(`${ref.environment}/${resourceKey(ref)}`).slice(0, HASH_CHARS);
  return `${readable.slice(0, MAX_SLUG_CHARS - HASH_CHARS - 1)}-${hash}`;
}

type Wanted = Pick<DriftUnit, 'labels' | 'description'> & {
  readonly setId: string | null;
  readonly data: string;
};

async function bringUpToDate(
  { hub }: Pick<ActivityDeps, 'hub'>,
  unit: Unit,
  { labels, description, setId, data }: Wanted,
): Promise<void> {
  const isWritten = (unit.data ?? (await hub.readData(unit))) === data;
  const written = isWritten
    ? unit
    : await hub.writeData(unit, data, { changeDescription: description });
  const changed = Object.entries(labels).filter(
    ([key, value]) => (written.labels[key] ?? null) !== value,
  );
  const patch: UnitPatch = {
    ...(changed.length > 0 && { labels: Object.fromEntries(changed) }),
    ...((written.setId ?? null) !== setId && { setId }),
    // Servers give new units a target; what has none can never be applied.
    ...(written.targetId !== undefined && { targetId: null }),
  };
  if (Object.keys(patch).length > 0) await hub.patchUnit(written, patch);
}

async function ensureSpace(
  { hub }: Pick<ActivityDeps, 'hub'>,
  slug: string,
): Promise<Pick<Space, 'spaceId'>> {
  const find = () => hub.findSpace(slug);
  return ensure(find, () => hub.createSpace({ slug, labels: { type: 'drifts' } }));
}

async function ensureSet(
  { hub }: Pick<ActivityDeps, 'hub'>,
  { spaceId }: Pick<Space, 'spaceId'>,
  slug: string,
): Promise<string> {
  const definition = DRIFT_SETS.find((one) => one.slug === slug);
  if (!definition) throw new AppError('INTERNAL', `there is no definition of the set ${slug}`);
  const find = async () => (await hub.listSets(spaceId)).find((one) => one.slug === slug);
  return (await ensure(find, () => hub.createSet(spaceId, definition))).setId;
}

/** Another run may make it at the same moment; servers answer that with 400 or 409. */
async function ensure<T>(find: () => Promise<T | undefined>, create: () => Promise<T>): Promise<T> {
  const found = await find();
  if (found !== undefined) return found;
  try {
    return await create();
  } catch (error) {
    const made = await find();
    if (made === undefined) throw error;
    return made;
  }
}

function present(labels: DriftUnit['labels']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
}

/** The activities after which a drift's unit may be out of date. That it cannot be asked for must not hold up a fix. */
export function withDriftUnits(activities: Activities, deps: ActivityDeps): Activities {
  const { keepDriftUnit, store, log } = deps;
  if (keepDriftUnit === undefined) return activities;
  const keep = async (ref: ResourceRef | undefined): Promise<void> => {
    if (ref === undefined) return;
    try {
      await keepDriftUnit(ref);
    } catch (error) {
      log.warn({ ...ref, error }, 'the unit of a drift could not be asked for');
    }
  };
  const refOf = async (episodeId: string) => (await store.episodes.find(episodeId))?.ref;
  return {
    ...activities,
    async detect(input) {
      const detection = await activities.detect(input);
      if (detection.finding) await keep(input.ref);
      return detection;
    },
    async record(input) {
      await activities.record(input);
      await keep(await refOf(input.episodeId));
    },
    async closeEpisode(input) {
      await activities.closeEpisode(input);
      await keep(await refOf(input.episodeId));
    },
  };
}
